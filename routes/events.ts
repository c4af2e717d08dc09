import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Problem } from '../src/core/problem.ts';
import { listEvents, type EventRow } from '../src/store/read/events.ts';
import { aSeq, readCursor, renderPage } from './cursor.ts';
import { visibleJob } from './jobs.ts';
import { sendStream } from './stream.ts';
import type { App, Room } from './room.ts';
import { field, page, paging } from './schemas/fields.ts';
import { jobEvent, jobParams } from './schemas/job.ts';
import { renderEvent } from './views/job.ts';

const tags = ['Jobs'];
/** A comment is sent when it has been quiet for so long, so that proxies keep the connection. */
const HEARTBEAT_MS = 15_000;
/** How soon a client that lost the connection should come back. */
const RETRY_MS = 2_000;

const eventHeaders = z.looseObject({
  'last-event-id': field(
    z
      .string()
      .regex(/^\d{1,15}$/, 'must be the id of an event')
      .optional(),
    'With `text/event-stream`: go on after this event.',
    '4711',
  ),
});
const eventQuery = z.strictObject({
  order: field(
    z.enum(['asc', 'desc']).default('desc'),
    '`desc`: newest first; `asc`: as it happened.',
    'asc',
  ),
  ...paging,
});

export function eventRoutes(app: App, room: Room): void {
  const { deps } = room;

  app.get(
    '/v1/jobs/:id/events',
    {
      config: { may: 'jobs.read' },
      schema: {
        operationId: 'listJobEvents',
        tags,
        summary: 'What happened to a job',
        description:
          'A page of its events; with `Accept: text/event-stream` all of them as they happen, from the first one (or the one after `Last-Event-ID`) until the job has ended. Each has its `seq` as id, its `type` as event and itself as data.',
        params: jobParams,
        headers: eventHeaders,
        querystring: eventQuery,
        response: {
          200: {
            description: 'The events.',
            content: {
              'application/json': { schema: page(jobEvent, 'The events.') },
              'text/event-stream': {
                schema: z.string().meta({
                  description: 'Server-sent events.',
                  examples: ['id: 4711\nevent: job.running\ndata: {"seq":4711}\n\n'],
                }),
              },
            },
          },
        },
        problems: ['not-found'],
      },
    },
    async (request, reply) => {
      const { id } = await visibleJob(room, request.actor, request.params.id);
      if (wantsStream(request)) return streamEvents(room, request, reply, id) as never;
      const { limit, cursor, order } = request.query;
      const list = `events:${id}:${order}`;
      const from = readCursor(list, cursor, aSeq);
      const found = await listEvents(deps.store.db, id, order, from, limit);
      return renderPage(list, found, (row) => [row.seq], renderEvent);
    },
  );
}

function wantsStream(request: FastifyRequest): boolean {
  return request.headers.accept?.includes('text/event-stream') === true;
}

function streamEvents(room: Room, request: FastifyRequest, reply: FastifyReply, jobId: string): FastifyReply {
  const from = Number(request.headers['last-event-id'] ?? 0);
  if (!Number.isSafeInteger(from)) throw new Problem('invalid-request', 'Last-Event-ID is none.');
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  reply.header('content-type', 'text/event-stream; charset=utf-8');
  // Told to proxies that would otherwise keep events until there are enough of them.
  reply.header('x-accel-buffering', 'no');
  return sendStream(reply, write(room, request, jobId, from, gone.signal));
}

async function* write(
  room: Room,
  request: FastifyRequest,
  jobId: string,
  from: number,
  gone: AbortSignal,
): AsyncGenerator<string> {
  yield `retry: ${RETRY_MS}\n\n`;
  for await (const rows of room.feed.follow(jobId, from, HEARTBEAT_MS, gone)) {
    if (!(await room.auth.isStillGood(request))) return;
    yield rows.length === 0 ? ': still here\n\n' : rows.map(toMessage).join('');
  }
}

function toMessage(row: EventRow): string {
  return `id: ${row.seq}\nevent: ${row.type}\ndata: ${JSON.stringify(renderEvent(row))}\n\n`;
}
