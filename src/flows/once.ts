import type { Actor } from '../core/access.ts';
import { Problem } from '../core/problem.ts';
import { seal, unseal } from '../core/seal.ts';
import type { Deps } from '../deps.ts';
import { keepAnswer, takeKey, type FirstAnswer } from '../store/apply/idempotency.ts';
import type { Tx } from '../store/store.ts';
import { isLockTimeout } from '../store/faults.ts';

/** How a caller may say "the same request again". */
export interface Idempotency {
  readonly key: string;
  /** SHA-256 of method, path and body. */
  readonly fingerprint: string;
  /** The caller's bearer secret: opens what was sealed for it. */
  readonly secret: string;
}

/** What every creating flow is told about the request, beside what is to be made. */
export interface Ask<Made, Body> {
  readonly requestId: string;
  readonly idempotency: Idempotency | null;
  /** The answer, as it goes over the wire and is kept for a repetition. Pure. */
  render(made: Made): Body;
}

export interface Answer<Body> {
  readonly body: Body;
  readonly replayed: boolean;
}

/**
 * One effect for any number of equal requests: the key, the effect and the answer are one transaction.
 * `effect` audits by itself, last.
 * Problems: idempotency-mismatch (the key was used for something else), request-in-progress (its twin takes long),
 * and whatever the effect refuses; a refusal is not kept, so it may be tried again.
 */
export async function once<Made, Body>(
  deps: Pick<Deps, 'store' | 'ids'>,
  actor: Actor,
  ask: Ask<Made, Body>,
  now: Date,
  effect: (tx: Tx) => Promise<Made>,
): Promise<Answer<Body>> {
  const { idempotency } = ask;
  if (idempotency === null) {
    const made = await deps.store.transaction(effect);
    return { body: ask.render(made), replayed: false };
  }
  const answer = deps.store.transaction((tx) =>
    inTransaction(deps, tx, actor, ask, idempotency, now, effect),
  );
  return answer.catch((error: unknown) => {
    if (isLockTimeout(error))
      throw new Problem('request-in-progress', 'The first request with this key is not answered yet.');
    throw error;
  });
}

async function inTransaction<Made, Body>(
  deps: Pick<Deps, 'ids'>,
  tx: Tx,
  actor: Actor,
  ask: Ask<Made, Body>,
  idempotency: Idempotency,
  now: Date,
  effect: (tx: Tx) => Promise<Made>,
): Promise<Answer<Body>> {
  const { key, fingerprint, secret } = idempotency;
  const first = await takeKey(tx, actor.id, key, fingerprint, now);
  if (first !== null) return { body: replay<Body>(first, idempotency), replayed: true };
  // The body is sealed after the effect, whose audit lock is then held for one statement more.
  const body = ask.render(await effect(tx));
  await keepAnswer(tx, actor.id, key, 201, seal(JSON.stringify(body), secret, key, deps.ids.secret()));
  return { body, replayed: false };
}

function replay<Body>(first: FirstAnswer, { fingerprint, secret, key }: Idempotency): Body {
  const text =
    first.fingerprint === fingerprint && first.sealed !== null ? unseal(first.sealed, secret, key) : null;
  if (text === null) {
    throw new Problem(
      'idempotency-mismatch',
      'This Idempotency-Key was used for another request; take a new one.',
    );
  }
  return JSON.parse(text) as Body;
}
