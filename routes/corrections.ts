import { correct } from '../src/flows/correct.ts';
import type { Correction } from '../src/store/apply/corrections.ts';
import { answer } from './answers.ts';
import { askOf, creatingHeaders, sendCreated } from './creating.ts';
import type { App, Room } from './room.ts';
import { correction, correctionRequest } from './schemas/correction.ts';
import { renderCorrection } from './views/budget-ledger.ts';

/** What was charged, corrected by hand. */
export function correctionRoutes(app: App, { deps }: Room): void {
  app.post(
    '/v1/corrections',
    {
      config: { may: 'corrections.write' },
      schema: {
        operationId: 'createCorrection',
        tags: ['Costs'],
        summary: 'Correct what was charged',
        description:
          'Of a run that is over. Every budget that paid for it gets the money back, its newest period first, or pays more; the bill of the month changes by the same amount, or, where that is closed, the one of this month.',
        headers: creatingHeaders,
        body: correctionRequest,
        response: { 201: answer('The correction.', correction) },
        problems: [
          'budget-exhausted',
          'not-found',
          'state-conflict',
          'request-in-progress',
          'impossible-spec',
          'idempotency-mismatch',
        ],
      },
    },
    async (request, reply) => {
      const ask = askOf(request, (made: Correction) => renderCorrection(made, deps.config));
      return sendCreated(reply, await correct(deps, request.actor, request.body, ask), null);
    },
  );
}
