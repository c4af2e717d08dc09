import { createReadStream } from 'node:fs';
import { Problem } from '../core/problem.ts';
import { putPackage } from '../agent/httpUplink.ts';
import { UplinkRefused, type Uplink } from '../agent/uplink.ts';
import type { Deps } from '../deps.ts';
import { beginCheckpoint, finishCheckpoint, openCheckpoint, receiveCheckpoint } from './checkpoint.ts';
import { appendLog } from './logs.ts';

/** What a `process` broker's jobs send and fetch, without the way over HTTP: the same flows, in this process. */
export function jobHost(deps: Omit<Deps, 'broker' | 'rehearse'>, provider: string): Uplink {
  return {
    appendLog: (id, piece) => refusing(() => appendLog(deps, provider, id, piece.startByte, piece.bytes)),
    fetchCheckpoint: (ref) => refusing(async () => (await openCheckpoint(deps, provider, ref.id)).body),
    saveCheckpoint: async (id, body, signal) => {
      try {
        const { id: checkpointId, put } = await beginCheckpoint(deps, provider, id);
        if (deps.checkpoints.kind === 'disk') {
          await receiveCheckpoint(deps, provider, checkpointId, createReadStream(body.path));
        } else {
          await putPackage(null, put, body, signal);
        }
        await finishCheckpoint(deps, provider, checkpointId, body);
        return 'saved';
      } catch (error) {
        if (error instanceof Problem && error.type === 'state-conflict') return 'fenced';
        throw asRefusal(error);
      }
    },
  };
}

async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asRefusal(error);
  }
}

function asRefusal(error: unknown): unknown {
  return error instanceof Problem && error.type === 'not-found' ? new UplinkRefused(error.message) : error;
}
