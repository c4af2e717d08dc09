import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import type { CheckpointRef } from '../core/order.ts';
import { ask, postJson, Refusal, type Door } from './door.ts';
import { readText } from './http.ts';
import type { Piece } from './segments.ts';
import { UplinkRefused, type Package, type Uplink } from './uplink.ts';

const IDLE_MS = 15_000;
/** An object store may take its time before it says that a large upload is good. */
const TRANSFER_IDLE_MS = 120_000;

interface Place {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The uplink of an agent: `/v1/agent/…` with its key, and presigned URLs where the service hands them out. */
export function httpUplink(door: Door): Uplink {
  return {
    appendLog: (id, piece, signal) => final(() => appendLog(door, id, piece, signal)),
    saveCheckpoint: (id, body, signal) => final(() => saveCheckpoint(door, id, body, signal)),
    fetchCheckpoint: (ref, signal) => final(() => fetchCheckpoint(door, ref, signal)),
  };
}

async function appendLog(door: Door, id: string, piece: Piece, signal: AbortSignal): Promise<void> {
  const path = `/v1/agent/allocations/${id}/logs?startByte=${piece.startByte}`;
  const headers = {
    'content-type': 'application/octet-stream',
    'content-length': String(piece.bytes.length),
  };
  const answer = await ask(door, path, {
    method: 'POST',
    headers,
    body: piece.bytes,
    signal,
    idleMs: IDLE_MS,
  });
  answer.body.resume();
}

async function saveCheckpoint(
  door: Door,
  id: string,
  body: Package,
  signal: AbortSignal,
): Promise<'saved' | 'fenced'> {
  try {
    type Made = { id: string; put: Place };
    const made = await postJson<Made>(door, `/v1/agent/allocations/${id}/checkpoints`, {}, signal, IDLE_MS);
    await putPackage(door, made.put, body, signal);
    const { sizeBytes, sha256 } = body;
    await postJson(
      door,
      `/v1/agent/checkpoints/${made.id}/complete`,
      { sizeBytes, sha256 },
      signal,
      TRANSFER_IDLE_MS,
    );
    return 'saved';
  } catch (error) {
    if (error instanceof Refusal && error.status === 409) return 'fenced';
    throw error;
  }
}

/** PUTs a package to a URL that needs no key: an object store's, or with our own door's. */
export async function putPackage(
  door: Door | null,
  place: Place,
  body: Package,
  signal: AbortSignal,
): Promise<void> {
  const headers = { ...place.headers, 'content-length': String(body.sizeBytes) };
  const stream = createReadStream(body.path, { highWaterMark: 256 * 1024 });
  const answer = await ask(door, place.url, {
    method: 'PUT',
    headers,
    body: stream,
    signal,
    idleMs: TRANSFER_IDLE_MS,
  });
  answer.body.resume();
}

async function fetchCheckpoint(door: Door, ref: CheckpointRef, signal: AbortSignal): Promise<Readable> {
  const found = await ask(door, `/v1/agent/checkpoints/${ref.id}`, {
    method: 'GET',
    headers: {},
    signal,
    idleMs: IDLE_MS,
  });
  const { get } = JSON.parse(await readText(found.body, 64 * 1024)) as { get: Place };
  const answer = await ask(door, get.url, {
    method: 'GET',
    headers: get.headers,
    signal,
    idleMs: TRANSFER_IDLE_MS,
  });
  return answer.body;
}

/** What the service will say again and again: it is not ours, or not there. A revoked key may be restored. */
async function final<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const hopeless = error instanceof Refusal && [400, 404, 409, 410, 413, 415, 422].includes(error.status);
    throw hopeless ? new UplinkRefused(error.message) : error;
  }
}
