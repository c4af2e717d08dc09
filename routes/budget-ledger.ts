import { z } from 'zod';
import { closeException } from '../src/flows/closeException.ts';
import { verifyBudget } from '../src/flows/verifyBudget.ts';
import { accountsOf, listAlerts, listEntries, listExceptions } from '../src/store/read/budget-ledger.ts';
import { listRunning } from '../src/store/read/budget-outlook.ts';
import { standingOf } from '../src/store/read/budgets.ts';
import { answer } from './answers.ts';
import { visibleBudget } from './budgets.ts';
import { aName, aSeq, readCursor, renderPage, type Mark } from './cursor.ts';
import type { App, Room } from './room.ts';
import {
  alert,
  closeRequest,
  entry,
  entryQuery,
  exception,
  exceptionParams,
  outlook,
  verification,
} from './schemas/budget-ledger.ts';
import { budgetParams } from './schemas/budget.ts';
import { page, paging } from './schemas/fields.ts';
import {
  periodsOf,
  renderAlert,
  renderEntry,
  renderException,
  renderOutlook,
  renderRunning,
  renderVerification,
} from './views/budget-ledger.ts';

const tags = ['Budgets'];

/** What became of a budget's money, and what becomes of it. */
export function budgetLedgerRoutes(app: App, room: Room): void {
  moving(app, room);
  telling(app, room);
  excepting(app, room);
  looking(app, room);
}

function moving(app: App, room: Room): void {
  const { deps } = room;
  app.get(
    '/v1/budgets/:id/entries',
    {
      config: { may: 'budgets.read' },
      schema: {
        operationId: 'listBudgetEntries',
        tags,
        summary: 'List the entries of a budget',
        description:
          'Every movement of its money in all its periods, newest first: from one balance (`debit`) to another (`credit`).',
        params: budgetParams,
        querystring: entryQuery,
        response: { 200: answer('A page of entries.', page(entry, 'The entries.')) },
        problems: ['not-found'],
      },
    },
    async (request) => {
      const { id } = await visibleBudget(room, request.actor, request.params.id);
      const { limit, cursor, ...filter } = request.query;
      const accounts = await accountsOf(deps.store.db, id);
      const ids = accounts.map((account) => account.id);
      const before = readCursor('entries', cursor, aSeq);
      const found = await listEntries(deps.store.db, ids, filter, before, limit);
      const periods = periodsOf(accounts, deps.config);
      return renderPage(
        'entries',
        found,
        (row) => [row.seq],
        (row) => renderEntry(row, periods, deps.config),
      );
    },
  );

  app.get(
    '/v1/budgets/:id/verify',
    {
      config: { may: 'budgets.read' },
      schema: {
        operationId: 'verifyBudget',
        tags,
        summary: 'Hold a budget against its entries',
        description:
          'Adds up every entry and every hold, as of one moment, and compares them with the balances that are kept. Nothing is repaired.',
        params: budgetParams,
        response: { 200: answer('What it comes to.', verification) },
        problems: ['not-found'],
      },
    },
    async (request) => {
      const { id } = await visibleBudget(room, request.actor, request.params.id);
      return renderVerification(await verifyBudget(deps, id), deps.config);
    },
  );
}

function telling(app: App, room: Room): void {
  const { deps } = room;
  app.get(
    '/v1/budgets/:id/alerts',
    {
      config: { may: 'budgets.read' },
      schema: {
        operationId: 'listBudgetAlerts',
        tags,
        summary: 'List the alerts of a budget',
        description: 'Newest period first, the highest threshold first.',
        params: budgetParams,
        querystring: z.strictObject(paging),
        response: { 200: answer('A page of alerts.', page(alert, 'The alerts.')) },
        problems: ['not-found'],
      },
    },
    async (request) => {
      const { id } = await visibleBudget(room, request.actor, request.params.id);
      const { limit, cursor } = request.query;
      const accounts = await accountsOf(deps.store.db, id);
      const ids = accounts.map((account) => account.id);
      const found = await listAlerts(deps.store.db, ids, readCursor('alerts', cursor, anAlert), limit);
      const periods = periodsOf(accounts, deps.config);
      return renderPage(
        'alerts',
        found,
        (row) => [row.accountId, row.threshold],
        (row) => renderAlert(row, periods, deps.config),
      );
    },
  );
}

const anAlert = ([accountId, threshold]: Mark) =>
  typeof accountId === 'string' && typeof threshold === 'number' ? { accountId, threshold } : undefined;

function excepting(app: App, room: Room): void {
  const { deps } = room;
  app.get(
    '/v1/budgets/:id/exceptions',
    {
      config: { may: 'budgets.read' },
      schema: {
        operationId: 'listBudgetExceptions',
        tags,
        summary: 'List the exceptions of a budget',
        description: 'Work that must not stop, and for which there was no money. Newest first.',
        params: budgetParams,
        querystring: z.strictObject(paging),
        response: { 200: answer('A page of exceptions.', page(exception, 'The exceptions.')) },
        problems: ['not-found'],
      },
    },
    async (request) => {
      const { id } = await visibleBudget(room, request.actor, request.params.id);
      const { limit, cursor } = request.query;
      const accounts = await accountsOf(deps.store.db, id);
      const ids = accounts.map((account) => account.id);
      const found = await listExceptions(deps.store.db, ids, readCursor('exceptions', cursor, aName), limit);
      const periods = periodsOf(accounts, deps.config);
      return renderPage(
        'exceptions',
        found,
        (row) => [row.id],
        (row) => renderException(row, periods),
      );
    },
  );

  app.post(
    '/v1/budgets/:id/exceptions/:exception/close',
    {
      config: { may: 'budgets.write' },
      schema: {
        operationId: 'closeBudgetException',
        tags,
        summary: 'Answer for an exception',
        description:
          'Says what was decided. The budget then pays for ordinary work again, as far as there is money: it brings none, so raise the cap or transfer some, too.',
        params: exceptionParams,
        body: closeRequest,
        response: { 200: answer('The exception, closed.', exception) },
        problems: ['not-found', 'state-conflict'],
      },
    },
    async (request) => {
      const { id } = await visibleBudget(room, request.actor, request.params.id);
      const { resolution } = request.body;
      const { exception: name } = request.params;
      const row = await closeException(deps, request.actor, id, name, resolution, request.id);
      return renderException(row, periodsOf(await accountsOf(deps.store.db, id), deps.config));
    },
  );
}

function looking(app: App, room: Room): void {
  const { deps } = room;
  app.get(
    '/v1/budgets/:id/outlook',
    {
      config: { may: 'budgets.read' },
      schema: {
        operationId: 'getBudgetOutlook',
        tags,
        summary: 'See what stops when a budget is used up',
        description:
          'Everything under it that has a place, with what is held for it and until when that pays. Ordinary work is stopped before what must not stop.',
        params: budgetParams,
        querystring: z.strictObject(paging),
        response: { 200: answer('What runs, and how long the money lasts.', outlook) },
        problems: ['not-found'],
      },
    },
    async (request) => {
      const row = await visibleBudget(room, request.actor, request.params.id);
      const { limit, cursor } = request.query;
      const now = deps.clock.now();
      const standing = await standingOf(deps.store.db, now, row);
      const found = await listRunning(deps.store.db, row, readCursor('outlook', cursor, aName), limit);
      const running = renderPage(
        'outlook',
        found,
        (one) => [one.allocationId],
        (one) => renderRunning(one, deps.config),
      );
      return { ...renderOutlook(standing, now, deps.config), ...running };
    },
  );
}
