import { z } from 'zod';
import { replayDecision } from '../src/flows/replay.ts';
import { listDecisions } from '../src/store/read/decisions.ts';
import { answer } from './answers.ts';
import { aName, readCursor, renderPage } from './cursor.ts';
import { visibleJob } from './jobs.ts';
import { shownTo } from './language.ts';
import type { App, Room } from './room.ts';
import { decision, decisionParams, replay } from './schemas/decision.ts';
import { page, paging } from './schemas/fields.ts';
import { jobParams } from './schemas/job.ts';
import { renderDecision } from './views/job.ts';

const tags = ['Jobs'];

export function decisionRoutes(app: App, room: Room): void {
  const { deps } = room;

  app.get(
    '/v1/jobs/:id/decisions',
    {
      config: { may: 'jobs.read' },
      schema: {
        operationId: 'listJobDecisions',
        tags,
        summary: 'Why a job is where it is',
        description:
          'Every placement explained, newest first: what was considered, which rule removed what, how the rest scored, and what each alternative would have cost.',
        params: jobParams,
        querystring: z.strictObject(paging),
        response: { 200: answer('A page of decisions.', page(decision, 'The decisions.')) },
        problems: ['not-found'],
      },
    },
    async (request) => {
      const { id } = await visibleJob(room, request.actor, request.params.id);
      const { limit, cursor } = request.query;
      const list = `decisions:${id}`;
      const found = await listDecisions(deps.store.db, id, readCursor(list, cursor, aName), limit);
      const { language } = shownTo(request, deps);
      return renderPage(
        list,
        found,
        (row) => [row.id],
        (row) => renderDecision(row, language),
      );
    },
  );

  app.get(
    '/v1/jobs/:id/decisions/:decision/replay',
    {
      config: { may: 'jobs.read' },
      schema: {
        operationId: 'replayJobDecision',
        tags,
        summary: 'Make a decision again',
        description:
          'From what is stored of its inputs: the market, the rules and the queue as they were. Changes nothing; for whoever has to trust the explanation years later.',
        params: decisionParams,
        response: { 200: answer('What came out.', replay) },
        problems: ['not-found', 'state-conflict'],
      },
    },
    async (request) => {
      const { id } = await visibleJob(room, request.actor, request.params.id);
      const { replayed, ...rest } = await replayDecision(deps, id, request.params.decision);
      return { ...rest, replayed: replayed === null ? null : { ...replayed } };
    },
  );
}
