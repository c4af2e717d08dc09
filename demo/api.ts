/** The service over HTTP, as any client would use it. */
export interface Api {
  readonly url: string;
  get<T>(path: string): Promise<T>;
  /** With `idempotencyKey`: sent again after a lost answer, it still happens once. */
  post<T>(path: string, body?: unknown, idempotencyKey?: string): Promise<Answer<T>>;
  put<T>(path: string, body: unknown): Promise<Answer<T>>;
}

export interface Answer<T> {
  readonly status: number;
  /** The first answer again: nothing happened this time. */
  readonly replayed: boolean;
  readonly body: T;
}

/** What the service refused, in its own words (RFC 9457). */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const TIMEOUT_MS = 10_000;

export function createApi(url: string, key: string): Api {
  const call = async <T>(
    method: string,
    path: string,
    body?: unknown,
    idempotencyKey?: string,
  ): Promise<Answer<T>> => {
    const response = await fetch(new URL(path, url), {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    if (!response.ok)
      throw new Refused(response.status, `${method} ${path}: ${explain(response.status, text)}`);
    const replayed = response.headers.get('idempotency-replayed') === 'true';
    return { status: response.status, replayed, body: (text === '' ? null : JSON.parse(text)) as T };
  };
  return {
    url,
    get: async <T>(path: string) => (await call<T>('GET', path)).body,
    post: (path, body, idempotencyKey) => call('POST', path, body, idempotencyKey),
    put: (path, body) => call('PUT', path, body),
  };
}

function explain(status: number, text: string): string {
  try {
    const { title, detail, errors } = JSON.parse(text) as Record<string, unknown>;
    const fields = Array.isArray(errors) ? ` ${JSON.stringify(errors)}` : '';
    return `${status} ${String(title)}: ${String(detail)}${fields}`;
  } catch {
    return `${status} ${text.slice(0, 200)}`;
  }
}

export interface Money {
  readonly amount: string;
  readonly currency: string;
}

/** What the demo reads of a job. */
export interface Job {
  readonly id: string;
  readonly name: string;
  readonly kind: 'training' | 'inference';
  readonly state: string;
  readonly reason: string;
  readonly waiting: { readonly reason: string; readonly detail: string } | null;
  readonly placement: {
    readonly provider: string;
    readonly offer: string;
    readonly pricePerHour: Money;
  } | null;
  readonly endpoints: readonly { readonly url: string; readonly serving: boolean | null }[];
  readonly attempts: number;
  readonly exitCode: number | null;
  readonly cost: { readonly charged: Money };
  readonly createdAt: string;
  readonly finishedAt: string | null;
}

export interface Allocation {
  readonly id: string;
  readonly attempt: number;
  readonly provider: string;
  readonly offer: string;
  readonly pricePerHour: Money;
  readonly placedAt: string;
  readonly startedAt: string | null;
  readonly releasingAt: string | null;
  readonly releasedAt: string | null;
  readonly endReason: string | null;
  readonly outcome: string | null;
  readonly cost: Money;
  readonly restoredCheckpoint: string | null;
}

export interface JobEvent {
  readonly at: string;
  readonly type: string;
  readonly reason: string;
  readonly allocationId: string | null;
}

export interface Decision {
  readonly at: string;
  readonly allocationId: string | null;
  readonly objective: string;
  readonly outcome: { readonly kind: string };
  readonly candidates: readonly {
    readonly provider: string;
    readonly offer: string;
    readonly pricePerHour: Money;
  }[];
  readonly removed: readonly {
    readonly rule: string;
    readonly offers: number;
    readonly examples: readonly {
      readonly provider: string;
      readonly offer: string;
      readonly detail: string;
    }[];
  }[];
}

export interface Provider {
  readonly name: string;
  readonly health: { readonly state: string };
  readonly capacity: { readonly offered: number; readonly used: number };
}

export interface Page<T> {
  readonly items: readonly T[];
}
