import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Actor, Permission } from '../src/core/access.ts';
import type { ProblemType } from '../src/core/problem.ts';
import type { Deps } from '../src/deps.ts';
import type { Policies } from '../src/core/policy.ts';
import type { JobHome } from '../src/store/read/people.ts';
import type { Authenticator } from './auth.ts';
import type { Cache } from './cache.ts';
import type { EventFeed } from './feed.ts';

/** The application that routes are registered on; bodies, queries and answers are typed by their zod schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** The only name in `Room.policies`. */
export const POLICIES = 'all';

/** What a resource's routes are given. */
export interface Room {
  readonly deps: Deps;
  readonly auth: Authenticator;
  /** By name, as of at most a second ago. */
  readonly projects: Cache<JobHome>;
  /** All of them, under POLICIES; as of at most a second ago. */
  readonly policies: Cache<Policies>;
  readonly feed: EventFeed;
  /** Aborted when the service stops: whatever is held open ends then. */
  readonly stopping: AbortSignal;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may come in (core/access.ts). Every route says this, or `open`. */
    may?: Permission;
    /** No key is asked for. */
    open?: true;
  }
  interface FastifyRequest {
    /** Who asks. On open routes there is nobody, and reading it is a mistake. */
    actor: Actor;
    /** The bearer secret that it was proved with; opens what was sealed for the caller. */
    secret: string;
  }
  interface FastifySchema {
    /** What it may be refused with, beyond what every route of its kind may be (openapi/common.ts). */
    problems?: readonly ProblemType[];
  }
}
