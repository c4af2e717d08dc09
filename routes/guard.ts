import rateLimit from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../src/core/access.ts';
import { Problem } from '../src/core/problem.ts';
import { demand, type Authenticator } from './auth.ts';
import type { App } from './room.ts';

const MINUTE = 60_000;

export interface Limits {
  readonly failuresPerMinute: number;
  readonly requestsPerMinute: number | null;
}

type Limit = (request: FastifyRequest) => Promise<{ isExceeded?: boolean; ttlInSeconds?: number }>;

/**
 * Stands before every route: names the request, asks for the key, opens or not. Before the body is read, so that
 * a stranger cannot make the service parse anything.
 */
export function guard(app: App, auth: Authenticator, limits: Limits): void {
  app.decorateRequest('actor', null as unknown as Actor);
  app.decorateRequest('secret', '');
  const limit = limiters(app, limits);
  app.addHook('onRoute', ({ url, config }) => {
    if (config?.may === undefined && config?.open !== true && !url.startsWith('/docs')) {
      throw new Error(`the route ${url} does not say who may come in`);
    }
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
    const { may } = request.routeOptions.config;
    if (may === undefined) return;
    reply.header('cache-control', 'no-store');
    const caller = await auth.authenticate(request).catch((error: unknown) => limit.failure(request, error));
    request.actor = caller.actor;
    request.secret = caller.secret;
    demand(caller.actor, may);
    if (limit.request !== null) await refuseAbove(limit.request, request);
  });
}

/**
 * Only failures are limited by address: keys are 256 random bits, so this is against load, not against guessing.
 * By key there is no limit unless one is asked for: tenants' programs are welcome to be fast.
 */
function limiters(app: App, { failuresPerMinute, requestsPerMinute }: Limits) {
  const made: { failures?: Limit; requests?: Limit } = {};
  app.register(rateLimit, { global: false });
  app.after(() => {
    made.failures = app.createRateLimit({
      max: failuresPerMinute,
      timeWindow: MINUTE,
      keyGenerator: (request) => request.ip,
    }) as Limit;
    if (requestsPerMinute === null) return;
    made.requests = app.createRateLimit({
      max: requestsPerMinute,
      timeWindow: MINUTE,
      keyGenerator: (request) => request.actor.id,
    }) as Limit;
  });
  return {
    request:
      requestsPerMinute === null
        ? null
        : (request: FastifyRequest) => made.requests?.(request) ?? Promise.resolve({}),
    async failure(request: FastifyRequest, error: unknown): Promise<never> {
      if (error instanceof Problem && error.type === 'unauthenticated' && made.failures !== undefined) {
        await refuseAbove(made.failures, request);
      }
      throw error;
    },
  };
}

async function refuseAbove(limit: Limit, request: FastifyRequest): Promise<void> {
  const { isExceeded, ttlInSeconds } = await limit(request);
  if (isExceeded !== true) return;
  throw new Problem('rate-limited', 'Too many requests; wait a little.', {
    retryAfterSeconds: Math.max(1, ttlInSeconds ?? 1),
  });
}
