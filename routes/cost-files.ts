import type { FastifyReply } from 'fastify';
import type { Scope } from '../src/core/access.ts';
import { csvLine } from '../src/core/csv.ts';
import { FOCUS_COLUMNS, type FocusRow } from '../src/core/focus/columns.ts';
import { Invoices } from '../src/core/focus/invoices.ts';
import { rowsOf } from '../src/core/focus/rows.ts';
import type { FocusBook } from '../src/core/focus/usage.ts';
import { Calendar, type Days } from '../src/core/ledger/calendar.ts';
import { monthsWithin, type CostDimension } from '../src/core/ledger/costs.ts';
import { Problem } from '../src/core/problem.ts';
import type { Deps } from '../src/deps.ts';
import { listCostLines, type LineMark } from '../src/store/read/cost-lines.ts';
import { linesIn, readCosts, type CostQuery } from '../src/store/read/costs.ts';
import { roomy } from '../src/store/read/roomy.ts';
import { readInvoiced } from '../src/store/read/months.ts';
import { sendStream } from './stream.ts';
import { reportCells } from './views/costs.ts';

/** A spreadsheet takes a million; they are held in memory. */
const CSV_ROWS = 200_000;
const ALLOCATIONS_PER_PAGE = 1_000;

/** The rows of a report as a file, all of them. Throws invalid-request where they are too many. */
export async function sendCsv(
  reply: FastifyReply,
  { store, config }: Deps,
  scope: Scope,
  query: CostQuery,
  by: readonly CostDimension[],
): Promise<FastifyReply> {
  const report = await roomy(store, (tx) => readCosts(tx, linesIn(scope, query), by, CSV_ROWS));
  if (report.count > CSV_ROWS)
    throw new Problem('invalid-request', `These are ${report.count} rows, more than ${CSV_ROWS}.`, {
      errors: [{ pointer: '?groupBy', detail: 'Ask for fewer days, or tell less apart.' }],
    });
  headers(reply, fileName('costs', query.days));
  return reply.send([...reportCells(report, by, config.currency)].map(csvLine).join(''));
}

/** A FOCUS 1.2 file, written as it is read. */
export async function sendFocus(
  reply: FastifyReply,
  deps: Deps,
  scope: Scope,
  query: CostQuery,
): Promise<FastifyReply> {
  const { config, store } = deps;
  const book = {
    currency: config.currency,
    calendar: new Calendar(config.timeZone),
    invoiced: cuts(scope, query) ? new Map() : await readInvoiced(store.db, monthsWithin(query.days)),
  };
  headers(reply, fileName('focus-1.2', query.days));
  return sendStream(reply, focusLines(deps, scope, query, book));
}

/**
 * Does it leave lines of an organization out? Then no invoice is whole, and a part must not be taken for one: its rows
 * would not come to what is paid.
 */
function cuts(scope: Scope, { project, provider, purpose }: CostQuery): boolean {
  const whole = scope.kind === 'all' || scope.kind === 'organization';
  return !whole || project !== undefined || provider !== undefined || purpose !== undefined;
}

async function* focusLines(
  { store }: Deps,
  scope: Scope,
  query: CostQuery,
  book: FocusBook,
): AsyncGenerator<string> {
  const lines = linesIn(scope, query);
  const invoices = new Invoices(book);
  let after: LineMark | null = null;
  yield csvLine(FOCUS_COLUMNS);
  for (;;) {
    const page = await listCostLines(store.db, lines, after, ALLOCATIONS_PER_PAGE);
    for (const line of page) invoices.add(line);
    after = page.at(-1) ?? null;
    if (after === null) break;
    yield page.flatMap((line) => rowsOf(line, book).map(textOf)).join('');
  }
  yield invoices.rows().map(textOf).join('');
}

const textOf = (row: FocusRow) => csvLine(FOCUS_COLUMNS.map((column) => row[column]));
const fileName = (what: string, { from, until }: Days) => `${what}-${from}-${until}.csv`;

function headers(reply: FastifyReply, name: string): void {
  reply
    .header('content-type', 'text/csv; charset=utf-8')
    .header('content-disposition', `attachment; filename="${name}"`)
    .serializer((text: string) => text);
}
