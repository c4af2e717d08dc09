import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SHOOT = fileURLToPath(new URL('../servers/shoot.ts', import.meta.url));

export interface Load {
  readonly url: string;
  readonly key: string;
  readonly body: unknown;
  readonly connections: number;
  /** Either for so long, or so many requests. */
  readonly seconds?: number;
  readonly amount?: number;
}

export interface Loaded {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly answered: number;
}

/**
 * POSTs from another process (autocannon), each request with an Idempotency-Key of its own. Rejects when anything
 * but 2xx came back: a fast refusal must not count as speed.
 */
export async function load({ url, key, body, connections, seconds, amount }: Load): Promise<Loaded> {
  const options = {
    url,
    method: 'POST',
    connections,
    ...(amount === undefined ? { duration: seconds } : { amount }),
    timeout: 30,
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      // autocannon replaces the mark in each request.
      'idempotency-key': '[<id>]',
    },
    idReplacement: true,
    body: JSON.stringify(body),
  };
  const { stdout } = await run(process.execPath, [SHOOT, JSON.stringify(options)], {
    maxBuffer: 16 * 1024 * 1024,
  });
  const result = JSON.parse(stdout) as Result;
  const answered = result['2xx'];
  if (result.non2xx > 0 || result.errors > 0 || answered === 0) {
    throw new Error(
      `${url}: ${result.non2xx} answers were no 2xx, ${result.errors} requests failed, ${answered} were well`,
    );
  }
  // Its own average is over whole seconds, which a short run has few of.
  return {
    perSecond: answered / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    answered,
  };
}

interface Result {
  readonly '2xx': number;
  readonly non2xx: number;
  readonly errors: number;
  readonly duration: number;
  readonly latency: { readonly p50: number; readonly p99: number };
}
