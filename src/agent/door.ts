import type { Answer, Call } from './http.ts';
import { call, readText } from './http.ts';

/** An answer that is not 2xx. */
export class Refusal extends Error {
  readonly status: number;
  /** `detail` items of the problem, if it was one. */
  readonly errors: readonly { readonly pointer: string; readonly detail: string }[];
  constructor(status: number, message: string, errors: Refusal['errors'] = []) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.errors = errors;
  }
}

/** The agent's door at the service: base URL and key. */
export interface Door {
  readonly base: URL;
  readonly key: string;
}

const ANSWER_LIMIT = 64 * 1024 * 1024;

/** Posts JSON, returns JSON. Throws Refusal on any status but 2xx. */
export async function postJson<T>(
  door: Door,
  path: string,
  body: unknown,
  signal: AbortSignal,
  idleMs: number,
  more: Readonly<Record<string, string>> = {},
): Promise<T> {
  const payload = Buffer.from(JSON.stringify(body));
  const headers = { 'content-type': 'application/json', 'content-length': String(payload.length), ...more };
  const answer = await ask(door, path, { method: 'POST', headers, body: payload, signal, idleMs });
  const text = await readText(answer.body, ANSWER_LIMIT);
  return (text === '' ? null : JSON.parse(text)) as T;
}

/** One call with the key. `path` may be absolute: then it is a presigned URL, which gets no key of ours. */
export async function ask(
  door: Door | null,
  path: string,
  request: Omit<Call, 'url'> & { readonly headers: Readonly<Record<string, string>> },
): Promise<Answer> {
  const foreign = /^https?:\/\//.test(path);
  if (!foreign && door === null) throw new TypeError('a path of the service needs its door');
  const url =
    door === null || foreign ? new URL(path) : new URL(path.replace(/^\//, ''), withSlash(door.base));
  const key = door === null || foreign ? {} : { authorization: `Bearer ${door.key}` };
  const headers = { ...key, ...request.headers };
  const answer = await call({ ...request, url, headers });
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw await refusalOf(answer);
}

/** A service that lives below a path (`https://host/naru/`) is reached below it. */
function withSlash(base: URL): URL {
  return base.pathname.endsWith('/') ? base : new URL(`${base.pathname}/`, base);
}

async function refusalOf(answer: Answer): Promise<Refusal> {
  const text = await readText(answer.body, 64 * 1024).catch(() => '');
  try {
    const { detail, title, errors } = JSON.parse(text) as {
      detail?: string;
      title?: string;
      errors?: Refusal['errors'];
    };
    return new Refusal(answer.status, detail ?? title ?? `status ${answer.status}`, errors ?? []);
  } catch {
    return new Refusal(answer.status, `status ${answer.status}`);
  }
}
