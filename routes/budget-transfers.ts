import { z } from 'zod';
import { decideTransfer } from '../src/flows/decideTransfer.ts';
import { transferBudget } from '../src/flows/transferBudget.ts';
import { listTransfers, type TransferRow } from '../src/store/read/transfers.ts';
import { answer } from './answers.ts';
import { visibleBudget } from './budgets.ts';
import { askOf, creatingHeaders, sendCreated } from './creating.ts';
import { aName, readCursor, renderPage } from './cursor.ts';
import type { App, Room } from './room.ts';
import { decisionRequest, transfer, transferParams, transferRequest } from './schemas/budget-ledger.ts';
import { budgetParams } from './schemas/budget.ts';
import { page, paging } from './schemas/fields.ts';
import { renderTransfer } from './views/budget-ledger.ts';

const tags = ['Budgets'];

/** Money that goes from one budget to another: one asks, another decides. */
export function budgetTransferRoutes(app: App, room: Room): void {
  asking(app, room);
  listing(app, room);
  deciding(app, room);
}

function asking(app: App, room: Room): void {
  const { deps } = room;
  app.post(
    '/v1/budgets/:id/transfers',
    {
      config: { may: 'budgets.write' },
      schema: {
        operationId: 'requestTransfer',
        tags,
        summary: 'Ask for money to go to another budget',
        description: 'Nothing moves before somebody else has approved it.',
        headers: creatingHeaders,
        params: budgetParams,
        body: transferRequest,
        response: { 201: answer('The transfer, requested.', transfer) },
        problems: ['not-found', 'impossible-spec', 'request-in-progress', 'idempotency-mismatch'],
      },
    },
    async (request, reply) => {
      const ask = askOf(request, (row: TransferRow) => renderTransfer(row, deps.config));
      const wanted = { ...request.body, from: request.params.id };
      const made = await transferBudget(deps, request.actor, wanted, ask);
      return sendCreated(reply, made, `/v1/budgets/${made.body.from}/transfers`);
    },
  );
}

function listing(app: App, room: Room): void {
  const { deps } = room;
  app.get(
    '/v1/budgets/:id/transfers',
    {
      config: { may: 'budgets.read' },
      schema: {
        operationId: 'listTransfers',
        tags,
        summary: 'List the transfers of a budget',
        description: 'From it and to it, newest first.',
        params: budgetParams,
        querystring: z.strictObject(paging),
        response: { 200: answer('A page of transfers.', page(transfer, 'The transfers.')) },
        problems: ['not-found'],
      },
    },
    async (request) => {
      const { id } = await visibleBudget(room, request.actor, request.params.id);
      const { limit, cursor } = request.query;
      const found = await listTransfers(deps.store.db, id, readCursor('transfers', cursor, aName), limit);
      return renderPage(
        'transfers',
        found,
        (row) => [row.id],
        (row) => renderTransfer(row, deps.config),
      );
    },
  );
}

const VERBS = [
  {
    verb: 'approve',
    approved: true,
    operationId: 'approveTransfer',
    summary: 'Let a transfer happen',
    description:
      'By somebody else than who asked for it. The money moves at once from one current period to the other, where the first can spare it.',
  },
  {
    verb: 'reject',
    approved: false,
    operationId: 'rejectTransfer',
    summary: 'Do not let a transfer happen',
    description: 'By somebody else than who asked for it.',
  },
] as const;

function deciding(app: App, room: Room): void {
  const { deps } = room;
  for (const { verb, approved, ...said } of VERBS) {
    app.post(
      `/v1/budgets/:id/transfers/:transfer/${verb}`,
      {
        config: { may: 'budgets.write' },
        schema: {
          ...said,
          tags,
          params: transferParams,
          body: decisionRequest,
          response: { 200: answer('The transfer, decided.', transfer) },
          problems: ['not-found', 'state-conflict'],
        },
      },
      async (request) => {
        const { id: budgetId, transfer: transferId } = request.params;
        const decision = { budgetId, transferId, approved, note: request.body?.note ?? null };
        const row = await decideTransfer(deps, request.actor, decision, request.id);
        return renderTransfer(row, deps.config);
      },
    );
  }
}
