import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { coversProject, tenantScope, type Actor } from '../src/core/access.ts';
import type { JobSpec } from '../src/core/job.ts';
import { Problem, type ProblemType } from '../src/core/problem.ts';
import { cancelJob } from '../src/flows/cancel.ts';
import { moveJob } from '../src/flows/move.ts';
import { quoteForSubmission } from '../src/flows/quote.ts';
import { repeatedJob, submitJob, type Submission, type Submitted } from '../src/flows/submit.ts';
import { placementsOf } from '../src/store/read/allocations.ts';
import { findJob, listJobs } from '../src/store/read/jobs.ts';
import { findProvider } from '../src/store/read/providers.ts';
import type { JobRow } from '../src/store/store.ts';
import { answer } from './answers.ts';
import { creatingHeaders, fingerprintOf, idempotencyKeyOf } from './creating.ts';
import { aName, readCursor, renderPage } from './cursor.ts';
import { askedJob } from './job-body.ts';
import type { App, Room } from './room.ts';
import { page } from './schemas/fields.ts';
import { jobRequest, type JobRequest } from './schemas/job-request.ts';
import { job, jobParams, jobQuery, moveRequest } from './schemas/job.ts';
import { shownTo } from './language.ts';
import { renderJob } from './views/job.ts';

const tags = ['Jobs'];
const jobAnswer = (description: string) => answer(description, job);

export function jobRoutes(app: App, room: Room): void {
  const { deps } = room;

  app.post(
    '/v1/jobs',
    {
      config: { may: 'jobs.write' },
      schema: {
        operationId: 'submitJob',
        tags,
        summary: 'Submit a job',
        description:
          'Durable before it is answered: what got a 201 runs, whatever fails. With a `quoteId` it never costs more per hour than was quoted; see Quotes.',
        headers: creatingHeaders,
        body: jobRequest,
        response: { 201: jobAnswer('The job, queued.') },
        problems: [
          'not-found',
          'budget-exhausted',
          'impossible-spec',
          'not-yet-supported',
          'idempotency-mismatch',
        ],
      },
    },
    async (request, reply) => {
      const idempotencyKey = idempotencyKeyOf(request);
      const fingerprint = idempotencyKey === null ? '' : fingerprintOf(request);
      const asked = { idempotencyKey, fingerprint, requestId: request.id };
      const { row, replayed } = await submitUnlessRepeated(room, request.actor, asked, request.body);
      reply.code(201).header('location', `/v1/jobs/${row.id}`);
      if (replayed) reply.header('idempotency-replayed', 'true');
      return renderJob(row, undefined, shownTo(request, deps));
    },
  );

  app.get(
    '/v1/jobs',
    {
      config: { may: 'jobs.read' },
      schema: {
        operationId: 'listJobs',
        tags,
        summary: 'List jobs',
        description: 'Those that the key may see, newest first.',
        querystring: jobQuery,
        response: { 200: answer('A page of jobs.', page(job, 'The jobs.')) },
      },
    },
    async (request) => {
      const { limit, cursor, state, project, kind, provider, waiting } = request.query;
      const shown = shownTo(request, deps);
      const before = readCursor('jobs', cursor, aName);
      const filter = { project, kind, provider, waiting, states: state };
      const found = await listJobs(deps.store.db, tenantScope(request.actor), filter, before, limit);
      const placed = await placementsOf(
        deps.store.db,
        found.items.map((row) => row.id),
      );
      return renderPage(
        'jobs',
        found,
        (row) => [row.id],
        (row) => renderJob(row, placed.get(row.id), shown),
      );
    },
  );

  app.get(
    '/v1/jobs/:id',
    {
      config: { may: 'jobs.read' },
      schema: {
        operationId: 'getJob',
        tags,
        summary: 'Read a job',
        params: jobParams,
        response: { 200: jobAnswer('The job.') },
        problems: ['not-found'],
      },
    },
    async (request) => showJob(room, request, await visibleJob(room, request.actor, request.params.id)),
  );

  app.post(
    '/v1/jobs/:id/cancel',
    {
      config: { may: 'jobs.write' },
      schema: {
        operationId: 'cancelJob',
        tags,
        summary: 'Cancel a job',
        description:
          'At once while it is queued; else it is `stopping` until its provider has confirmed the stop. Again: nothing happens.',
        params: jobParams,
        body: z
          .strictObject({})
          .nullish()
          .meta({ description: 'Nothing.', examples: [{}] }),
        response: { 202: jobAnswer('The job, as it is now.') },
        problems: ['not-found', 'state-conflict'],
      },
    },
    async (request, reply) => {
      const { id } = await visibleJob(room, request.actor, request.params.id);
      await cancelJob(deps, request.actor, id, request.id);
      reply.code(202);
      return showJob(room, request, await visibleJob(room, request.actor, id));
    },
  );

  app.post(
    '/v1/jobs/:id/move',
    {
      config: { may: 'jobs.move' },
      schema: {
        operationId: 'moveJob',
        tags,
        summary: 'Move a running job elsewhere',
        description:
          'It is told to stop and save, and starts elsewhere from its last checkpoint when the stop is confirmed.',
        params: jobParams,
        body: moveRequest,
        response: { 202: jobAnswer('The job, as it is now.') },
        problems: ['not-found', 'state-conflict'],
      },
    },
    async (request, reply) => {
      const { id } = await visibleJob(room, request.actor, request.params.id);
      const { reason, to = null } = request.body;
      if (to !== null) await refuseUnknownTarget(room, to);
      await moveJob(deps, request.actor, id, { reason, to }, request.id);
      reply.code(202);
      return showJob(room, request, await visibleJob(room, request.actor, id));
    },
  );
}

/** A job that the actor may see. Throws the same not-found for one that is hidden and one that is not there. */
export async function visibleJob(room: Room, actor: Actor, id: string): Promise<JobRow> {
  const row = await findJob(room.deps.store.db, id);
  if (
    row !== null &&
    coversProject(tenantScope(actor), { name: row.project, organization: row.organization })
  )
    return row;
  throw new Problem('not-found', 'There is no such job.');
}

export async function showJob({ deps }: Room, request: FastifyRequest, row: JobRow) {
  const placed = await placementsOf(deps.store.db, [row.id]);
  return renderJob(row, placed.get(row.id), shownTo(request, deps));
}

/** What may be refused now and was not when the first answer got lost. */
const MAY_HAVE_PASSED: readonly ProblemType[] = ['impossible-spec', 'budget-exhausted'];

type Asked = Omit<Submission, 'spec' | 'organization' | 'quote'>;

/**
 * What has become impossible is refused, unless it was taken before: a deadline that was still to come, or a quote that
 * still lived, when the first answer got lost must not turn its repetition into a refusal.
 */
async function submitUnlessRepeated(
  room: Room,
  actor: Actor,
  asked: Asked,
  body: JobRequest,
): Promise<Submitted> {
  try {
    return await submitNew(room, actor, asked, body);
  } catch (refusal) {
    if (!(refusal instanceof Problem) || !MAY_HAVE_PASSED.includes(refusal.type)) throw refusal;
    const first = await repeatedJob(room.deps, actor, asked);
    if (first === null) throw refusal;
    return first;
  }
}

async function submitNew(room: Room, actor: Actor, asked: Asked, body: JobRequest): Promise<Submitted> {
  const { deps } = room;
  const { spec, organization } = await askedJob(room, actor, body);
  await refuseForeignStart(room, spec);
  const quote = spec.quoteId === null ? null : await quoteForSubmission(deps, actor, spec, spec.quoteId);
  return submitJob(deps, actor, { ...asked, spec, organization, quote });
}

/** Another project's checkpoint is another tenant's data. */
async function refuseForeignStart({ deps }: Room, { checkpoint, project }: JobSpec): Promise<void> {
  if (checkpoint.fromJob === null) return;
  const from = await findJob(deps.store.db, checkpoint.fromJob);
  if (from?.project === project) return;
  const errors = [{ pointer: '/checkpoint/fromJob', detail: 'The project has no such job.' }];
  throw new Problem('not-found', 'There is no such job to start from.', { errors });
}

async function refuseUnknownTarget({ deps }: Room, name: string): Promise<void> {
  if ((await findProvider(deps.store.db, name)) !== null) return;
  const errors = [{ pointer: '/to', detail: 'There is no such provider.' }];
  throw new Problem('not-found', 'There is no such provider.', { errors });
}
