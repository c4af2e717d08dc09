import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { isTerminal } from '../src/core/job.ts';
import { Problem } from '../src/core/problem.ts';
import { jobStates, newestCheckpoint } from '../src/store/read/jobs.ts';
import { logAfter, type LogChunk } from '../src/store/read/logs.ts';
import { visibleJob } from './jobs.ts';
import { sendStream } from './stream.ts';
import type { App, Room } from './room.ts';
import { jobParams, logQuery } from './schemas/job.ts';

const tags = ['Jobs'];
/** Chunks a query; each is at most a mebibyte, so few at a time. */
const CHUNKS = 16;
const EVERY_MS = 250;
/** The last of a job's output may arrive a moment after its end is known. */
const QUIET_LOOKS = 6;

export function jobLogRoutes(app: App, room: Room): void {
  const { deps } = room;

  app.get(
    '/v1/jobs/:id/logs',
    {
      config: { may: 'jobs.read' },
      schema: {
        operationId: 'readJobLogs',
        tags,
        summary: "Read a job's output",
        description:
          'One log across moves, as it arrived. Where older output was dropped to stay within the limit, a line says so.',
        params: jobParams,
        querystring: logQuery,
        response: {
          200: {
            description: 'The output.',
            content: {
              'text/plain': {
                schema: z.string().meta({ description: 'UTF-8 text.', examples: ['epoch 1: loss 2.31\n'] }),
              },
            },
          },
        },
        problems: ['not-found'],
      },
    },
    async (request, reply) => {
      const { id } = await visibleJob(room, request.actor, request.params.id);
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort());
      reply.header('content-type', 'text/plain; charset=utf-8');
      const stop = AbortSignal.any([gone.signal, room.stopping]);
      return sendStream(reply, read(room, request, id, request.query.follow === true, stop)) as never;
    },
  );

  app.get(
    '/v1/jobs/:id/checkpoint',
    {
      config: { may: 'jobs.read' },
      schema: {
        operationId: 'downloadCheckpoint',
        tags,
        summary: "Download a job's newest checkpoint",
        description:
          'What a restart would find in NARU_CHECKPOINT_DIR, as a tar archive. Where checkpoints are kept elsewhere, a redirect to there.',
        params: jobParams,
        response: {
          200: {
            description: 'The archive; `X-Checkpoint-Id` names it, `ETag` is its SHA-256.',
            content: {
              'application/x-tar': {
                schema: z.string().meta({ description: 'A tar archive.', format: 'binary', examples: ['…'] }),
              },
            },
          },
          307: { description: 'Where to get it, in `Location`.' },
        },
        problems: ['not-found'],
      },
    },
    async (request, reply) => {
      const { id } = await visibleJob(room, request.actor, request.params.id);
      const newest = await newestCheckpoint(deps.store.db, id);
      if (newest === null) throw new Problem('not-found', 'The job has saved nothing yet.');
      const elsewhere = await deps.checkpoints.getUrl(newest.location, deps.clock.now());
      if (elsewhere !== null) return reply.redirect(elsewhere, 307);
      reply.header('x-checkpoint-id', newest.id).header('etag', `"${newest.sha256}"`);
      reply.header('content-disposition', `attachment; filename="${id}.tar"`);
      reply.header('content-type', 'application/x-tar').header('content-length', String(newest.sizeBytes));
      return reply.send(await deps.checkpoints.read(newest.location));
    },
  );
}

/** Everything there is; with `follow`, then what comes, until the job has ended and no more has come for a moment. */
async function* read(
  room: Room,
  request: FastifyRequest,
  jobId: string,
  follow: boolean,
  stop: AbortSignal,
): AsyncGenerator<string> {
  const { store, clock } = room.deps;
  const ends = new Map<string, number>();
  let seq = 0;
  let quiet = 0;
  while (!stop.aborted) {
    // The state is read before the chunks: what had arrived when the job ended is found after.
    const state = follow ? (await jobStates(store.db, [jobId])).get(jobId) : undefined;
    const chunks = await logAfter(store.db, jobId, seq, CHUNKS);
    for (const chunk of chunks) yield withGap(chunk, ends);
    seq = chunks.at(-1)?.seq ?? seq;
    if (chunks.length === CHUNKS) continue;
    quiet = chunks.length === 0 && (state === undefined || isTerminal(state)) ? quiet + 1 : 0;
    if (!follow || quiet >= QUIET_LOOKS) return;
    await clock.sleep(EVERY_MS, stop).catch(() => {});
    if (!(await room.auth.isStillGood(request))) return;
  }
}

/** The chunk's text, after a line that says how much before it was not kept. */
function withGap(chunk: LogChunk, ends: Map<string, number>): string {
  const missing = chunk.startByte - (ends.get(chunk.allocationId) ?? 0);
  ends.set(chunk.allocationId, chunk.startByte + chunk.bytes);
  return missing > 0 ? `[naru: ${missing} bytes of output were not kept here]\n${chunk.text}` : chunk.text;
}
