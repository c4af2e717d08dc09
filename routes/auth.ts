import { hash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { may, type Actor, type Permission } from '../src/core/access.ts';
import { Problem } from '../src/core/problem.ts';
import type { Deps } from '../src/deps.ts';
import { findKeyByHash } from '../src/store/read/people.ts';
import type { KeyRow } from '../src/store/store.ts';
import { makeCache } from './cache.ts';

/**
 * A key that was found is believed for this long, so that a request is not a query. So a key that is revoked
 * here ends at once, and in every other process within a second.
 */
const BELIEVED_MS = 1_000;
const KEYS_KEPT = 10_000;
const BEARER = /^Bearer ([\x21-\x7e]{1,512})$/i;

/** Who asks, and the secret that they proved it with. */
export interface Caller {
  readonly actor: Actor;
  readonly secret: string;
}

export interface Authenticator {
  /** Throws Problem unauthenticated. */
  authenticate(request: FastifyRequest): Promise<Caller>;
  /** What is held open asks now and then: a key that is revoked ends that too. */
  isStillGood(request: FastifyRequest): Promise<boolean>;
  /** A key has changed: ask the store the next time. */
  forget(secretHash: string): void;
}

export function makeAuthenticator(deps: Pick<Deps, 'store' | 'clock'>): Authenticator {
  const keys = makeCache<KeyRow>(deps.clock, BELIEVED_MS, KEYS_KEPT, (secretHash) =>
    findKeyByHash(deps.store.db, secretHash),
  );
  const authenticate = async (request: FastifyRequest): Promise<Caller> => {
    const secret = BEARER.exec(request.headers.authorization ?? '')?.[1];
    if (secret === undefined) throw new Problem('unauthenticated', 'Send `Authorization: Bearer <key>`.');
    const key = await keys.get(hash('sha256', secret, 'hex'));
    if (key === null || !isUsable(key, deps.clock.now())) {
      throw new Problem('unauthenticated', 'The key is unknown, revoked or over.');
    }
    return { actor: toActor(key), secret };
  };
  return {
    authenticate,
    // Only a refusal ends it: while the database is away, what is open stays open.
    isStillGood: (request) =>
      authenticate(request).then(
        () => true,
        (error: unknown) => !(error instanceof Problem),
      ),
    forget: (secretHash) => keys.forget(secretHash),
  };
}

function isUsable(key: KeyRow, now: Date): boolean {
  return key.revokedAt === null && (key.expiresAt === null || key.expiresAt > now);
}

function toActor({ id, role, projects, organization, vendor, provider }: KeyRow): Actor {
  return { id, role, projects, organization, vendor, provider };
}

/** Throws Problem forbidden when the actor's role does not open that door. */
export function demand(actor: Actor, permission: Permission): void {
  if (!may(actor, permission)) throw new Problem('forbidden', `A key of role ${actor.role} may not do that.`);
}
