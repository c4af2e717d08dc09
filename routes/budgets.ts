import { tenantScope, type Actor } from '../src/core/access.ts';
import { Problem } from '../src/core/problem.ts';
import { createBudget, type Budget } from '../src/flows/createBudget.ts';
import { deleteBudget } from '../src/flows/deleteBudget.ts';
import { patchBudget, type BudgetPatch } from '../src/flows/patchBudget.ts';
import {
  findBudgetIn,
  listBudgets,
  standingOf,
  standingsOf,
  type BudgetRow,
} from '../src/store/read/budgets.ts';
import { answer } from './answers.ts';
import { askOf, creatingHeaders, sendCreated } from './creating.ts';
import { aName, readCursor, renderPage } from './cursor.ts';
import { changingHeaders, etagOf, seenVersion } from './etag.ts';
import type { App, Room } from './room.ts';
import { budget, budgetParams, budgetPatch, budgetQuery, budgetRequest } from './schemas/budget.ts';
import { page } from './schemas/fields.ts';
import { renderBudget } from './views/budget.ts';

const tags = ['Budgets'];

/** Who may spend how much. */
export function budgetRoutes(app: App, room: Room): void {
  making(app, room);
  reading(app, room);
  changing(app, room);
  removing(app, room);
}

function making(app: App, { deps }: Room): void {
  app.post(
    '/v1/budgets',
    {
      config: { may: 'budgets.write' },
      schema: {
        operationId: 'createBudget',
        tags,
        summary: 'Make a budget',
        description:
          'Counts at once for what is placed from then on. A job is held by every budget above it: those of its project and those of its organization. Its current period and the next are made with it. 409 where it would overlap another budget of the same scope and period kind.',
        headers: creatingHeaders,
        body: budgetRequest,
        response: { 201: answer('The budget.', budget) },
        problems: [
          'not-found',
          'state-conflict',
          'impossible-spec',
          'request-in-progress',
          'idempotency-mismatch',
        ],
      },
    },
    async (request, reply) => {
      const { period, disasterReserve = null, approvalAbove = null, ...given } = request.body;
      const { kind, from = null, until = null } = period;
      const wanted = { ...given, period: { kind, from, until }, disasterReserve, approvalAbove };
      const now = deps.clock.now();
      const ask = askOf(request, ({ row, standing }: Budget) =>
        renderBudget(row, standing, now, deps.config),
      );
      const made = await createBudget(deps, request.actor, wanted, ask);
      reply.header('etag', etagOf(made.body));
      return sendCreated(reply, made, `/v1/budgets/${made.body.id}`);
    },
  );
}

function reading(app: App, room: Room): void {
  const { deps } = room;
  app.get(
    '/v1/budgets',
    {
      config: { may: 'budgets.read' },
      schema: {
        operationId: 'listBudgets',
        tags,
        summary: 'List budgets',
        description: 'Those that the key may see, newest first; a member sees those of its projects.',
        querystring: budgetQuery,
        response: { 200: answer('A page of budgets.', page(budget, 'The budgets.')) },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query;
      const before = readCursor('budgets', cursor, aName);
      const found = await listBudgets(deps.store.db, tenantScope(request.actor), filter, before, limit);
      const now = deps.clock.now();
      const standings = await standingsOf(deps.store.db, now, found.items);
      return renderPage(
        'budgets',
        found,
        (row) => [row.id],
        (row) => renderBudget(row, standings.get(row.id) ?? UNUSED, now, deps.config),
      );
    },
  );

  app.get(
    '/v1/budgets/:id',
    {
      config: { may: 'budgets.read' },
      schema: {
        operationId: 'getBudget',
        tags,
        summary: 'Read a budget',
        params: budgetParams,
        response: { 200: answer('The budget.', budget) },
        problems: ['not-found'],
      },
    },
    async (request, reply) => {
      const row = await visibleBudget(room, request.actor, request.params.id);
      reply.header('etag', etagOf(row));
      return showBudget(room, row);
    },
  );
}

const UNUSED = { account: null, burnMicrosPerHour: 0n };

function changing(app: App, room: Room): void {
  const { deps } = room;
  app.patch(
    '/v1/budgets/:id',
    {
      config: { may: 'budgets.write' },
      schema: {
        operationId: 'patchBudget',
        tags,
        summary: 'Change a budget',
        description:
          'A changed cap counts for the current period and for all later ones, needs a `reason`, and cannot go below what is charged and reserved; what transfers brought or took stays. Where `If-Match` names another version, the problem shows the budget as it is now; without it, the last one wins.',
        headers: changingHeaders,
        params: budgetParams,
        body: budgetPatch,
        response: { 200: answer('The budget, as it is now.', budget) },
        problems: ['not-found', 'state-conflict', 'precondition-failed', 'impossible-spec'],
      },
    },
    async (request, reply) => {
      const seen = await visibleBudget(room, request.actor, request.params.id);
      const version = seenVersion(request);
      const patch = request.body as BudgetPatch;
      const patched = await patchBudget(deps, request.actor, seen, version, patch, request.id);
      const body = renderBudget(patched.row, patched.standing, deps.clock.now(), deps.config);
      reply.header('etag', etagOf(body));
      if (patched.changed) return body;
      const detail = 'The budget has changed since you read it; `current` is how it is now.';
      throw new Problem('precondition-failed', detail, { members: { current: body } });
    },
  );
}

function removing(app: App, room: Room): void {
  app.delete(
    '/v1/budgets/:id',
    {
      config: { may: 'budgets.write' },
      schema: {
        operationId: 'deleteBudget',
        tags,
        summary: 'Take a budget back',
        description:
          'Only one that nothing was ever held by, and that no transfer touched; others are ended with `until`.',
        params: budgetParams,
        response: { 204: { description: 'It is gone.' } },
        problems: ['not-found', 'state-conflict'],
      },
    },
    async (request, reply) => {
      const { id } = await visibleBudget(room, request.actor, request.params.id);
      await deleteBudget(room.deps, request.actor, id, request.id);
      return reply.code(204).send();
    },
  );
}

/** Throws the same not-found for a budget that is hidden and one that is not there. */
export async function visibleBudget({ deps }: Room, actor: Actor, id: string): Promise<BudgetRow> {
  const row = await findBudgetIn(deps.store.db, tenantScope(actor), id);
  if (row === null) throw new Problem('not-found', 'There is no such budget.');
  return row;
}

async function showBudget({ deps }: Room, row: BudgetRow) {
  const now = deps.clock.now();
  return renderBudget(row, await standingOf(deps.store.db, now, row), now, deps.config);
}
