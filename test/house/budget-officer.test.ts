import { describe, expect, it, test } from 'vitest';
import { secondsToHold, stopSeconds, termsOf } from '../../src/core/ledger/run.ts';
import { formatMicros, costMicros } from '../../src/core/money.ts';
import { DEFAULT_TIMING } from '../../src/core/timing.ts';
import { jobRequest } from '../../routes/schemas/job-request.ts';
import { textOf } from './sources.ts';

const PRICE_MICROS_PER_HOUR = 36_000_000_000n;
const { graceSeconds } = jobRequest.parse({
  name: 'any',
  project: 'any',
  kind: 'training',
  run: { command: ['true'] },
  resources: { gpu: { count: 0 } },
});
const terms = termsOf(DEFAULT_TIMING, 'Asia/Seoul');

/** Of what must not stop, twice the longest stop is held: others may have to be stopped for it first (plan.ts). */
const rows = [0, stopSeconds(graceSeconds, terms)].map((more) =>
  [terms.meterSeconds, terms.meterMaxSeconds].map((seconds) => {
    const held = secondsToHold(seconds, graceSeconds, terms) + more;
    return `${held} s, ${formatMicros(costMicros(PRICE_MICROS_PER_HOUR, held))} KRW`;
  }),
);

/** The cells of the table behind the marker, without its first column. */
const told = (page: string): string[][] => {
  const table = /<!-- holds -->\n\n([\s\S]*?)\n\n/.exec(page)?.[1] ?? '';
  const lines = table.split('\n').slice(2);
  return lines.map((line) =>
    line
      .split('|')
      .slice(2, -1)
      .map((cell) => cell.trim()),
  );
};

describe.each(['docs/budget-officer.md', 'docs/budget-officer.ko.md'])('%s tells the truth about', (page) => {
  it('how much is held', () => expect(told(textOf(page)).map((row) => row.map(plain))).toEqual(rows));

  it('every route that it names', () => {
    const document = JSON.parse(textOf('openapi/openapi.json')) as { paths: Record<string, unknown> };
    const known = Object.keys(document.paths).map((path) => path.replaceAll(/\{\w+\}/g, '*'));
    const named = [...textOf(page).matchAll(/`(?:GET|POST|PATCH|DELETE) (\/v1\/[^`?]+)/g)].map(([, path]) =>
      (path ?? '').replaceAll(/\{\w+\}|\d{4}-\d{2}/g, '*'),
    );
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((path) => !known.includes(path))).toEqual([]);
  });
});

const plain = (cell: string): string => cell.replace('초', ' s').replace('원', ' KRW').replaceAll(/ +/g, ' ');

test('README shows the same hold that the page is about', () => {
  const held = secondsToHold(terms.meterSeconds, graceSeconds, terms);
  expect(textOf('README.md')).toContain(`${held} s of it were held at 1200 KRW per hour`);
});
