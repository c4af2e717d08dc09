import { lookup as resolve, type LookupAddress } from 'node:dns';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Reply } from './core/webhook/outcome.ts';
import { refusedAddress } from './core/webhook/url.ts';

/** Sends a body to where somebody told us to, and says what was answered. Never rejects. */
export type Post = (
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  stopping?: AbortSignal,
) => Promise<Reply>;

export interface PostOptions {
  /** May it lead to this very machine? */
  readonly loopback: boolean;
  /** For everything: name, connection, answer. */
  readonly timeoutMs?: number;
  /** How names are resolved; every one once for each call. */
  readonly lookup?: (hostname: string) => Promise<readonly LookupAddress[]>;
}

const TIMEOUT_MS = 10_000;
/** Of an answer's body, which says nothing to us; the rest is not waited for. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** Something of ours that may be told to whoever reads the delivery log. */
class Refused extends Error {}

/**
 * For URLs that tenants choose (OWASP, SSRF): a name is resolved once, all that it leads to is looked at, and the
 * connection is made to just that, so a name that changes its mind in between changes nothing. Redirects are not
 * followed, and no connection is used again.
 */
export function createPost({ loopback, timeoutMs = TIMEOUT_MS, lookup = resolveAll }: PostOptions): Post {
  return async (url, body, headers, stopping) => {
    const late = AbortSignal.timeout(timeoutMs);
    const signal = stopping === undefined ? late : AbortSignal.any([late, stopping]);
    try {
      const target = new URL(url);
      const addresses = await orAborted(lookup(bare(target.hostname)), signal);
      for (const { address } of addresses) {
        const refused = refusedAddress(address, target.protocol, loopback);
        if (refused !== null) throw new Refused(refused);
      }
      return await send(target, body, {
        method: 'POST',
        headers,
        signal,
        agent: false,
        lookup: pinned(addresses),
      });
    } catch (error) {
      return { status: null, error: late.aborted ? 'It did not answer in time.' : wordsFor(error) };
    }
  };
}

const bare = (hostname: string) => hostname.replace(/^\[|\]$/g, '');

function resolveAll(hostname: string): Promise<LookupAddress[]> {
  return new Promise((found, failed) => {
    resolve(hostname, { all: true }, (error, addresses) =>
      error === null ? found(addresses) : failed(error),
    );
  });
}

/** What node asks instead of the resolver: the answer is known. */
function pinned(addresses: readonly LookupAddress[]): LookupFunction {
  return (_, { all }, done) => {
    const [first] = addresses;
    if (first === undefined) done(new Refused('Its name leads nowhere.'), '', 0);
    else if (all === true) done(null, [...addresses]);
    else done(null, first.address, first.family);
  };
}

function send(target: URL, body: string, options: RequestOptions): Promise<Reply> {
  const bytes = Buffer.from(body);
  const headers = { ...(options.headers as Record<string, string>), 'content-length': String(bytes.length) };
  const begin = target.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((answered, failed) => {
    const request = begin(target, { ...options, headers });
    let reply: Reply | null = null;
    // Once there is a status, an error only says that the rest of the answer did not come.
    request.on('error', (error) => (reply === null ? failed(error) : answered(reply)));
    request.on('response', (response) => {
      const said = { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] ?? null };
      reply = said;
      discard(response, () => answered(said));
    });
    request.end(bytes);
  });
}

/** Reads a little, so that a receiver is not cut off in the middle of a word; the status is all that counts. */
function discard(response: IncomingMessage, done: () => void): void {
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) response.destroy();
  });
  response.on('error', () => undefined);
  response.on('close', done);
}

/** A resolver cannot be stopped, only left alone. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_, failed) => {
    signal.addEventListener('abort', () => failed(signal.reason as Error), { once: true });
  });
  return Promise.race([work, aborted]);
}

const WORDS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'Its name is not known.',
  EAI_AGAIN: 'Its name could not be resolved.',
  ECONNREFUSED: 'It refused the connection.',
  ECONNRESET: 'It closed the connection without an answer.',
  ETIMEDOUT: 'It could not be reached.',
  EHOSTUNREACH: 'It could not be reached.',
  ENETUNREACH: 'It could not be reached.',
};

/** Without addresses, and never the URL. */
function wordsFor(error: unknown): string {
  if (error instanceof Refused) return error.message;
  const { code = '' } = error as NodeJS.ErrnoException;
  return WORDS[code] ?? `The call failed${code === '' ? '' : ` (${code})`}.`;
}
