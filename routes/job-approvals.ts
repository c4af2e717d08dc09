import { approveJob, rejectJob } from '../src/flows/approveJob.ts';
import { answer } from './answers.ts';
import { showJob, visibleJob } from './jobs.ts';
import type { App, Room } from './room.ts';
import { approveRequest, rejectRequest } from './schemas/job-approval.ts';
import { job, jobParams } from './schemas/job.ts';

const tags = ['Jobs'];

/** The word of whoever answers for the money. */
export function jobApprovalRoutes(app: App, room: Room): void {
  const { deps } = room;
  app.post(
    '/v1/jobs/:id/approve',
    {
      config: { may: 'jobs.approve' },
      schema: {
        operationId: 'approveJob',
        tags,
        summary: 'Let a job run that costs more than a budget lets pass',
        description:
          'By somebody else than who submitted it. From then on only its own `limits.maxCost` and what the budgets have bound what it costs.',
        params: jobParams,
        body: approveRequest,
        response: { 200: answer('The job, as it is now.', job) },
        problems: ['not-found', 'state-conflict'],
      },
    },
    async (request) => {
      const { id } = await visibleJob(room, request.actor, request.params.id);
      await approveJob(deps, request.actor, id, request.body?.note ?? null, request.id);
      return showJob(room, request, await visibleJob(room, request.actor, id));
    },
  );

  app.post(
    '/v1/jobs/:id/reject',
    {
      config: { may: 'jobs.approve' },
      schema: {
        operationId: 'rejectJob',
        tags,
        summary: 'Do not let a job run',
        description: 'It is cancelled. By somebody else than who submitted it, who can cancel it.',
        params: jobParams,
        body: rejectRequest,
        response: { 200: answer('The job, as it is now.', job) },
        problems: ['not-found', 'state-conflict'],
      },
    },
    async (request) => {
      const { id } = await visibleJob(room, request.actor, request.params.id);
      await rejectJob(deps, request.actor, id, request.body.reason, request.id);
      return showJob(room, request, await visibleJob(room, request.actor, id));
    },
  );
}
