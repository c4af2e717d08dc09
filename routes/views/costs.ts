import type { Days } from '../../src/core/ledger/calendar.ts';
import type { CostDimension } from '../../src/core/ledger/costs.ts';
import { formatMicros, toWire } from '../../src/core/money.ts';
import { plainText } from '../../src/core/csv.ts';
import type { Alternatives } from '../../src/store/read/alternatives.ts';
import type { CostGroup, CostReport, CostSum, StatementLine } from '../../src/store/read/costs.ts';
import type { MonthInspection, MonthView } from '../../src/store/read/months.ts';
import type { ProviderRow } from '../../src/store/store.ts';

const SECONDS_PER_HOUR = 3600;
const hours = (seconds: bigint) => Number(seconds) / SECONDS_PER_HOUR;
const renderDays = ({ from, until }: Days) => ({ from, to: until });

function renderSum({ seconds, gpuSeconds, micros }: CostSum, currency: string) {
  return { hours: hours(seconds), gpuHours: hours(gpuSeconds), cost: toWire(micros, currency) };
}

export function renderReport(
  report: CostReport,
  days: Days,
  groupBy: readonly CostDimension[],
  currency: string,
) {
  const named = ({ keys }: CostGroup) =>
    Object.fromEntries(groupBy.map((name, at) => [name, keys[at] ?? null]));
  return {
    ...renderDays(days),
    groupBy: [...groupBy],
    items:
      groupBy.length === 0
        ? []
        : report.groups.map((group) => ({ ...named(group), ...renderSum(group, currency) })),
    rows: groupBy.length === 0 ? 0 : report.count,
    total: renderSum(report.total, currency),
  };
}

/** Head and rows for a spreadsheet: names are guarded there, numbers are numbers. */
export function* reportCells(
  { groups }: CostReport,
  groupBy: readonly CostDimension[],
  currency: string,
): Generator<(string | null)[]> {
  yield [...groupBy, 'hours', 'gpuHours', 'cost', 'currency'];
  for (const { keys, seconds, gpuSeconds, micros } of groups) {
    const names = keys.map((key) => (key === null ? null : plainText(key)));
    const numbers = [plainNumber(seconds), plainNumber(gpuSeconds), formatMicros(micros)];
    yield [...names, ...numbers, currency];
  }
}

/** Hours to the millionth, never with an exponent. */
const plainNumber = (seconds: bigint) => hours(seconds).toFixed(6);

export function renderStatement(
  { name, vendor }: Pick<ProviderRow, 'name' | 'vendor'>,
  days: Days,
  lines: readonly StatementLine[],
  currency: string,
) {
  const offers = Map.groupBy(lines, ({ offer }) => offer);
  return {
    provider: name,
    vendor,
    ...renderDays(days),
    items: [...offers].map(([offer, own]) => ({
      offer,
      ...renderSum(sumOf(own), currency),
      purposes: own.map((line) => ({ purpose: line.purpose, ...renderSum(line, currency) })),
    })),
    total: renderSum(sumOf(lines), currency),
  };
}

function sumOf(lines: readonly CostSum[]): CostSum {
  const sum = { seconds: 0n, gpuSeconds: 0n, micros: 0n };
  for (const { seconds, gpuSeconds, micros } of lines) {
    sum.seconds += seconds;
    sum.gpuSeconds += gpuSeconds;
    sum.micros += micros;
  }
  return sum;
}

const NOTES = [
  'Prices are those of the moment of the decision, in the accounting currency at the rate of then.',
  'A decision keeps its ten best candidates and the place that was taken: a place that was never among them is not listed, and one that often was not is compared for fewer allocations.',
  'Slower GPUs are taken to need longer, by the policy of GPU speeds of then; of several offers of a place the cheapest counts.',
  'A candidate had room for that one job at that moment. It does not follow that all of them would have had room together.',
  'Interruptions of spot capacity, work done again after a move, and data that would have had to be moved are not in it.',
];

export function renderAlternatives(found: Alternatives, days: Days, currency: string) {
  const cost = (micros: bigint) => toWire(micros, currency);
  return {
    ...renderDays(days),
    ran: { allocations: found.allocations, cost: cost(found.micros) },
    compared: { allocations: found.compared, cost: cost(found.comparedMicros) },
    items: found.places.map(({ provider, spot, allocations, micros, alternativeMicros }) => ({
      provider,
      spot,
      allocations,
      cost: cost(micros),
      wouldHaveCost: cost(alternativeMicros),
      difference: cost(alternativeMicros - micros),
    })),
    notes: [...NOTES],
  };
}

export function renderMonth({ month, totalMicros, lines, closed }: MonthView, currency: string) {
  return {
    month,
    state: closed === null ? ('open' as const) : ('closed' as const),
    lines,
    total: toWire(totalMicros, currency),
    closed:
      closed === null
        ? null
        : {
            at: closed.closedAt.toISOString(),
            by: closed.closedBy,
            vatPercent: closed.vatPercent,
            sha256: closed.sha256,
          },
  };
}

export function renderMonthCheck(month: string, { seal, check, closed }: MonthInspection, currency: string) {
  const asClosed =
    closed === null || (closed.sha256 === seal.sha256 && closed.totalMicros === seal.totalMicros);
  const cost = (micros: bigint) => toWire(micros, currency);
  return {
    month,
    ok: asClosed && check.wrong === 0,
    lines: seal.lines,
    total: cost(seal.totalMicros),
    entries: cost(check.entriesMicros),
    wrongLines: check.wrong,
    examples: check.examples.map(({ day, allocationId, lineMicros, entriesMicros }) => ({
      day,
      allocation: allocationId,
      line: cost(BigInt(lineMicros)),
      entries: cost(BigInt(entriesMicros)),
    })),
    sha256: seal.sha256,
    closedAs: closed === null ? null : { total: cost(closed.totalMicros), sha256: closed.sha256 },
  };
}
