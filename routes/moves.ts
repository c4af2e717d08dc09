import { z } from 'zod';
import { movesOf } from '../src/core/moves.ts';
import { readLegs } from '../src/store/read/moves.ts';
import { toPage } from '../src/store/read/page.ts';
import { answer } from './answers.ts';
import { aSeq, readCursor, renderPage } from './cursor.ts';
import { visibleJob } from './jobs.ts';
import type { App, Room } from './room.ts';
import { page, paging } from './schemas/fields.ts';
import { jobParams } from './schemas/job.ts';
import { move } from './schemas/move.ts';
import { renderMove } from './views/move.ts';

export function moveRoutes(app: App, room: Room): void {
  const { deps } = room;

  app.get(
    '/v1/jobs/:id/moves',
    {
      config: { may: 'jobs.read' },
      schema: {
        operationId: 'listJobMoves',
        tags: ['Jobs'],
        summary: 'How a job went on elsewhere',
        description:
          'Newest first: for each time that it ran somewhere and had to go on at another place, when what happened, and what was achieved against rtoSeconds and rpoSeconds.',
        params: jobParams,
        querystring: z.strictObject(paging),
        response: { 200: answer('A page of moves.', page(move, 'The moves.')) },
        problems: ['not-found'],
      },
    },
    async (request) => {
      const { id, kind, startedAt, spec } = await visibleJob(room, request.actor, request.params.id);
      const { limit, cursor } = request.query;
      const list = `moves:${id}`;
      const before = readCursor(list, cursor, aSeq) ?? Infinity;
      const { rtoSeconds, rpoSeconds } = spec.continuity;
      const job = { kind, startedAt, rtoSeconds, rpoSeconds };
      const moves = movesOf(job, await readLegs(deps.store.db, id), deps.clock.now(), deps.timing);
      const older = moves.toReversed().filter(({ from }) => from.attempt < before);
      return renderPage(list, toPage(older, limit), ({ from }) => [from.attempt], renderMove);
    },
  );
}
