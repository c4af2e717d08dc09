import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** A stream needs its length in `content-length`: object stores take nothing else. */
  readonly body?: Buffer | Readable;
  readonly signal: AbortSignal;
  /** Without a byte in either direction for this long the call fails. */
  readonly idleMs: number;
}

export interface Answer {
  readonly status: number;
  readonly body: IncomingMessage;
}

const agents = {
  'http:': new HttpAgent({ keepAlive: true, maxSockets: 32 }),
  'https:': new HttpsAgent({ keepAlive: true, maxSockets: 32 }),
};

/**
 * One HTTP call on node:http. Not fetch: that needs some 15 MB more in a process that runs beside every GPU, and
 * hides whether a body has a length. Redirects are not followed: a key goes to the host that it was given for.
 */
export function call({ method, url, headers, body, signal, idleMs }: Call): Promise<Answer> {
  const secure = url.protocol === 'https:';
  return new Promise((resolve, reject) => {
    const options = {
      method,
      headers,
      signal,
      agent: secure ? agents['https:'] : agents['http:'],
      timeout: idleMs,
    };
    const request = secure ? httpsRequest(url, options) : httpRequest(url, options);
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error(`no answer within ${idleMs} ms`)));
    request.on('response', (response) => resolve({ status: response.statusCode ?? 0, body: response }));
    if (body === undefined || Buffer.isBuffer(body)) {
      request.end(body);
      return;
    }
    body.on('error', (error) => request.destroy(error));
    request.on('close', () => body.destroy());
    body.pipe(request);
  });
}

/** Reads an answer's body, at most `limit` bytes of it. */
export async function readText(body: Readable, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limit) throw new Error(`an answer of more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
