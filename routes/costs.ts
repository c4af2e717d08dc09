import { z } from 'zod';
import { tenantScope } from '../src/core/access.ts';
import { Calendar, type Day, type Days } from '../src/core/ledger/calendar.ts';
import { monthAround, readDay, type CostDimension } from '../src/core/ledger/costs.ts';
import { Problem } from '../src/core/problem.ts';
import type { Deps } from '../src/deps.ts';
import { readAlternatives } from '../src/store/read/alternatives.ts';
import { linesIn, readCosts, readStatement } from '../src/store/read/costs.ts';
import { roomy } from '../src/store/read/roomy.ts';
import { answer } from './answers.ts';
import { sendCsv, sendFocus } from './cost-files.ts';
import { visibleProvider } from './providers.ts';
import type { App, Room } from './room.ts';
import {
  alternatives,
  alternativesQuery,
  costReport,
  costsQuery,
  spanQuery,
  statement,
} from './schemas/costs.ts';
import { providerParams } from './schemas/provider.ts';
import { renderAlternatives, renderReport, renderStatement } from './views/costs.ts';

const tags = ['Costs'];
const csv = z.string().meta({ description: 'RFC 4180, with a head.', examples: ['project,hours,…\r\n'] });

/** What was used and what it cost: read from the ledger's roll-up, never from the market of today. */
export function costRoutes(app: App, room: Room): void {
  reporting(app, room);
  comparing(app, room);
  stating(app, room);
}

function reporting(app: App, { deps }: Room): void {
  app.get(
    '/v1/costs',
    {
      config: { may: 'costs.read' },
      schema: {
        operationId: 'getCosts',
        tags,
        summary: 'What was used, and what it cost',
        description:
          'Exact sums of what was metered, without VAT. A correction of a closed month counts on the bill that it is on, so that what was said of a closed month stays true. `focus` follows FOCUS 1.2: invoices (one for each organization, vendor and month) with their VAT and rounding appear for closed months that are asked for whole and unfiltered by a key that sees the whole organization; other charges have no `InvoiceId` yet.',
        querystring: costsQuery,
        response: {
          200: {
            description: 'The report.',
            content: { 'application/json': { schema: costReport }, 'text/csv': { schema: csv } },
          },
        },
      },
    },
    async (request, reply) => {
      const { groupBy, format, limit, from, to, ...filter } = request.query;
      const query = { days: daysOf(deps, { from, to }), ...filter };
      const scope = tenantScope(request.actor);
      if (format === 'focus') return sendFocus(reply, deps, scope, query);
      const by = dimensionsOf(groupBy);
      if (format === 'csv') return sendCsv(reply, deps, scope, query, by);
      const report = await roomy(deps.store, (tx) => readCosts(tx, linesIn(scope, query), by, limit));
      return renderReport(report, query.days, by, deps.config.currency);
    },
  );
}

function comparing(app: App, { deps }: Room): void {
  app.get(
    '/v1/costs/alternatives',
    {
      config: { may: 'costs.read' },
      schema: {
        operationId: 'getCostAlternatives',
        tags,
        summary: 'What the same work would have cost elsewhere',
        description:
          'From the decisions that placed it: every candidate of them, at the price of then. `notes` says what cannot be compared.',
        querystring: alternativesQuery,
        response: { 200: answer('Each place that was a candidate.', alternatives) },
      },
    },
    async (request) => {
      const { project, ...asked } = request.query;
      const days = daysOf(deps, asked);
      const lines = linesIn(tenantScope(request.actor), { days, project });
      const found = await roomy(deps.store, (tx) => readAlternatives(tx, lines));
      return renderAlternatives(found, days, deps.config.currency);
    },
  );
}

function stating(app: App, room: Room): void {
  const { deps } = room;
  app.get(
    '/v1/providers/:name/statement',
    {
      config: { may: 'providers.read' },
      schema: {
        operationId: 'getStatement',
        tags,
        summary: 'What a provider earned',
        description:
          'By offer and by what it was for, in the accounting currency, without VAT. The same lines that tenants are charged by; whose they are is not said.',
        params: providerParams,
        querystring: spanQuery,
        response: { 200: answer('The statement.', statement) },
        problems: ['not-found'],
      },
    },
    async (request) => {
      const provider = await visibleProvider(room, request.actor, request.params.name);
      const days = daysOf(deps, request.query);
      const lines = await readStatement(deps.store.db, provider.name, days);
      return renderStatement(provider, days, lines, deps.config.currency);
    },
  );
}

/** Named once each; asked for twice, a dimension would only be a longer row. */
const dimensionsOf = (groupBy: string): CostDimension[] =>
  groupBy === '' ? [] : ([...new Set(groupBy.split(','))] as CostDimension[]);

/** Throws invalid-request. */
function daysOf(
  { clock, config }: Deps,
  { from, to }: { from?: string | undefined; to?: string | undefined },
): Days {
  const calendar = new Calendar(config.timeZone);
  const first =
    from === undefined ? monthAround(calendar.dayOf(clock.now())).from : dayOf(from, '?from', calendar);
  const until = to === undefined ? monthAround(first).until : dayOf(to, '?to', calendar);
  if (first < until) return { from: first, until };
  throw new Problem('invalid-request', 'The days end before they begin.', {
    errors: [{ pointer: '?to', detail: `must be after ${first}; it is the day after the last` }],
  });
}

function dayOf(text: string, pointer: string, calendar: Calendar): Day {
  const day = readDay(text, calendar);
  if (day !== null) return day;
  const detail = `must be a day such as 2026-11-01, or the RFC 3339 time at which one begins in ${calendar.zone}`;
  throw new Problem('invalid-request', 'Costs are counted by days.', { errors: [{ pointer, detail }] });
}
