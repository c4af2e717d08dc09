import type { Readable } from 'node:stream';
import type { CheckpointRef } from '../core/order.ts';
import type { Piece } from './segments.ts';

/** A packed checkpoint, ready to be sent. */
export interface Package {
  readonly path: string;
  readonly sizeBytes: number;
  /** Hex. */
  readonly sha256: string;
}

/**
 * The executor's way to the service, over HTTP for an agent and in process for the `process` broker. Every call
 * may be repeated after an unknown outcome. Rejects with UplinkRefused where trying again is of no use, with
 * anything else where it is.
 */
export interface Uplink {
  appendLog(allocationId: string, piece: Piece, signal: AbortSignal): Promise<void>;
  /** `fenced`: another allocation is the job's current one, so nothing of this one is accepted any more. */
  saveCheckpoint(allocationId: string, body: Package, signal: AbortSignal): Promise<'saved' | 'fenced'>;
  /** The stored bytes; the caller verifies them. */
  fetchCheckpoint(ref: CheckpointRef, signal: AbortSignal): Promise<Readable>;
}

export class UplinkRefused extends Error {
  override readonly name = 'UplinkRefused';
}
