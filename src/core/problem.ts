/** What an API client sees when something is refused: RFC 9457, one entry per `type`. */
export const PROBLEMS = {
  'invalid-request': { status: 400, title: 'The request is not valid' },
  unauthenticated: { status: 401, title: 'A usable key is needed' },
  'budget-exhausted': { status: 402, title: 'The budget is used up' },
  forbidden: { status: 403, title: 'This key may not do that' },
  'not-found': { status: 404, title: 'There is no such thing' },
  'state-conflict': { status: 409, title: 'Its state does not allow that' },
  'request-in-progress': { status: 409, title: 'The same request is still being handled' },
  'precondition-failed': { status: 412, title: 'It has changed since you read it' },
  'payload-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'This content type is not understood' },
  'impossible-spec': { status: 422, title: 'What is asked for contradicts itself' },
  'not-yet-supported': { status: 422, title: 'This version does not obey that field yet' },
  'idempotency-mismatch': { status: 422, title: 'This Idempotency-Key was used with another body' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  'internal-error': { status: 500, title: 'Something went wrong on our side' },
  unavailable: { status: 503, title: 'Not available just now' },
} as const satisfies Record<string, { status: number; title: string }>;
export type ProblemType = keyof typeof PROBLEMS;

export interface ProblemDetailItem {
  /** JSON pointer (RFC 6901) into the body, or `?name` for a query parameter. */
  readonly pointer: string;
  readonly detail: string;
}

/** A refusal. Thrown by flows and routes, rendered by the door; never a cause, never a secret in `detail`. */
export class Problem extends Error {
  readonly type: ProblemType;
  readonly errors: readonly ProblemDetailItem[];
  readonly retryAfterSeconds: number | null;
  /** Whatever else a program may want to know, beside the detail that people read. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(
    type: ProblemType,
    detail: string,
    more: {
      errors?: readonly ProblemDetailItem[];
      retryAfterSeconds?: number;
      members?: Readonly<Record<string, unknown>>;
    } = {},
  ) {
    super(detail);
    this.name = 'Problem';
    this.type = type;
    this.errors = more.errors ?? [];
    this.retryAfterSeconds = more.retryAfterSeconds ?? null;
    this.members = more.members ?? {};
  }

  get status(): number {
    return PROBLEMS[this.type].status;
  }
}
