import { z } from 'zod';
import { PROBLEMS, Problem, type ProblemType } from '../src/core/problem.ts';
import { answer } from './answers.ts';
import type { App, Room } from './room.ts';
import { field } from './schemas/fields.ts';
import { PROBLEM_HELP } from './schemas/problem.ts';

const tags = ['Operations'];
/** A load balancer asks often and does not wait long. */
const READY_WITHIN_MS = 2_000;

const ready = z
  .object({
    ready: field(z.literal(true), 'It can do its work.', true),
    database: field(z.literal('ok'), 'Reachable and migrated; without it the service is not ready.', 'ok'),
    queue: z
      .object({
        backend: field(z.enum(['redis', 'postgres', 'none']), 'What carries the hints.', 'postgres'),
        ok: field(z.boolean(), 'Without it everything goes on, a little slower.', true),
        detail: field(z.string(), 'For people.', 'connected'),
      })
      .meta({ description: 'The queue of hints.' }),
  })
  .meta({ id: 'Readiness', description: 'That the service can do its work.' });

export function opsRoutes(app: App, room: Room): void {
  app.get(
    '/healthz',
    {
      config: { open: true },
      schema: {
        operationId: 'healthz',
        tags,
        summary: 'Is the process alive?',
        response: { 200: answer('It is.', z.object({ ok: field(z.literal(true), 'It is alive.', true) })) },
      },
    },
    async () => ({ ok: true as const }),
  );

  app.get(
    '/readyz',
    {
      config: { open: true },
      schema: {
        operationId: 'readyz',
        tags,
        summary: 'Can it do its work?',
        description: 'The database is reachable and migrated. A queue that is away is told and does no harm.',
        response: { 200: answer('It can.', ready) },
        problems: ['unavailable'],
      },
    },
    async () => {
      if (room.stopping.aborted) throw notReady('The service is stopping.');
      await withinTime(room, room.deps.store.check());
      const { backend, ok, detail } = room.deps.bell.state();
      return { ready: true as const, database: 'ok' as const, queue: { backend, ok, detail } };
    },
  );

  app.get(
    '/metrics',
    {
      config: { open: true },
      schema: {
        operationId: 'metrics',
        tags,
        summary: 'What an operator would alert on',
        response: {
          200: {
            description: 'In the text format of Prometheus.',
            content: {
              'text/plain': {
                schema: z
                  .string()
                  .meta({ description: 'Prometheus text.', examples: ['naru_queue_depth 0\n'] }),
              },
            },
          },
        },
      },
    },
    async (_, reply) => {
      const { registry } = room.deps.metrics;
      reply.header('content-type', registry.contentType);
      return registry.metrics();
    },
  );

  problemPages(app);
}

const notReady = (detail: string) => new Problem('unavailable', detail, { retryAfterSeconds: 1 });

async function withinTime({ deps }: Room, check: Promise<void>): Promise<void> {
  const done = new AbortController();
  const late = deps.clock.sleep(READY_WITHIN_MS, done.signal).then(
    () => Promise.reject(new Error('the database did not answer in time')),
    () => {},
  );
  try {
    await Promise.race([check, late]);
  } catch (error) {
    deps.log.warn({ err: error }, 'not ready');
    throw notReady('The database is not reachable, or not migrated to what this version needs.');
  } finally {
    done.abort();
    check.catch(() => {});
  }
}

/** What the `type` of every problem points to. */
function problemPages(app: App): void {
  const types = Object.keys(PROBLEMS) as [ProblemType, ...ProblemType[]];
  app.get(
    '/problems/:type',
    {
      config: { open: true },
      schema: {
        operationId: 'problemPage',
        tags,
        summary: 'What a kind of problem means',
        params: z.object({
          type: field(z.string().max(100), 'The last part of the `type` of a problem.', 'not-found'),
        }),
        response: {
          200: {
            description: 'For people.',
            content: {
              'text/plain': {
                schema: z
                  .string()
                  .meta({ description: 'Text.', examples: [`404 ${PROBLEMS['not-found'].title}`] }),
              },
            },
          },
        },
        problems: ['not-found'],
      },
    },
    async (request, reply) => {
      const type = types.find((one) => one === request.params.type);
      if (type === undefined) throw new Problem('not-found', 'There is no such kind of problem.');
      reply.header('content-type', 'text/plain; charset=utf-8');
      return `${PROBLEMS[type].status} ${type}: ${PROBLEMS[type].title}\n\n${PROBLEM_HELP[type]}\n` as never;
    },
  );
}
