import { z } from 'zod';
import { Problem } from '../src/core/problem.ts';
import { closeMonth } from '../src/flows/closeMonth.ts';
import { inspectMonth, listMonths } from '../src/store/read/months.ts';
import { answer } from './answers.ts';
import type { App, Room } from './room.ts';
import { billMonth, monthCheck, monthList, monthParams } from './schemas/month.ts';
import { renderMonth, renderMonthCheck } from './views/costs.ts';

const tags = ['Costs'];
const nothing = z
  .strictObject({})
  .nullish()
  .meta({ description: 'Nothing.', examples: [{}] });

/** Bills of whole months, and how they become final. */
export function monthRoutes(app: App, { deps }: Room): void {
  const { currency } = deps.config;

  app.get(
    '/v1/months',
    {
      config: { may: 'months.read' },
      schema: {
        operationId: 'listMonths',
        tags,
        summary: 'List the bills of months',
        description: 'Every month in which something was used, newest first.',
        response: { 200: answer('The months.', monthList) },
      },
    },
    async () => {
      const months = await listMonths(deps.store.db);
      return { items: months.map((one) => renderMonth(one, currency)), nextCursor: null };
    },
  );

  app.get(
    '/v1/months/:month/verify',
    {
      config: { may: 'months.read' },
      schema: {
        operationId: 'verifyMonth',
        tags,
        summary: 'Check the bill of a month',
        description:
          "Adds its lines up anew, holds each against the ledger's entries, and a closed month against what it was closed with.",
        params: monthParams,
        response: { 200: answer('What was found.', monthCheck) },
        problems: ['not-found'],
      },
    },
    async (request) => {
      const { month } = request.params;
      const found = await inspectMonth(deps.store, month);
      if (found.seal.lines === 0 && found.closed === null && found.check.wrong === 0)
        throw new Problem('not-found', `Nothing was used in ${month}.`);
      return renderMonthCheck(month, found, currency);
    },
  );

  app.post(
    '/v1/months/:month/close',
    {
      config: { may: 'months.close' },
      schema: {
        operationId: 'closeMonth',
        tags,
        summary: 'Close a month',
        description:
          'Makes its bill final: nothing can be added to it or changed in it any more, and corrections go on the bill of a later month. 409 while it is not over, or not metered to its end. Again: nothing happens.',
        params: monthParams,
        body: nothing,
        response: { 200: answer('The month, closed.', billMonth) },
        problems: ['not-found', 'state-conflict'],
      },
    },
    async (request) => {
      const closed = await closeMonth(deps, request.actor, request.params.month, request.id);
      return renderMonth({ ...closed, closed }, currency);
    },
  );
}
