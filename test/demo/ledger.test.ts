import { describe, expect, it } from 'vitest';
import { objections, parseLedger, type Line } from '../../demo/ledger.ts';

const line = (what: Line['what'], attempt: number, atMs: number, more: Partial<Line> = {}): Line => ({
  what,
  attempt,
  atMs,
  name: 'a',
  job: 'job-1',
  allocation: `alc-${attempt}`,
  ...more,
});
const expected = [{ name: 'a', end: 'end' }] as const;

describe('the ledger against the claim that nothing ends twice', () => {
  it('one interrupted attempt and one that ended is fine', () => {
    expect(
      objections(
        [line('start', 1, 1), line('epoch', 1, 2), line('start', 2, 5), line('end', 2, 9)],
        expected,
      ),
    ).toEqual([]);
  });

  it('no end, and two ends, are objected to', () => {
    expect(objections([line('start', 1, 1)], expected)).toEqual(['a came to its end 0 times, not once']);
    const twice = [line('start', 1, 1), line('end', 1, 2), line('start', 2, 3), line('end', 2, 4)];
    expect(objections(twice, expected)).toEqual([
      'a came to its end 2 times, not once',
      'a was started again after its end',
    ]);
  });

  it('an end of the wrong kind is none', () => {
    expect(objections([line('start', 1, 1), line('stopped', 1, 2)], expected)).toHaveLength(1);
  });

  it('a start after the end is objected to, though it never ended itself', () => {
    const again = [line('start', 1, 1), line('end', 1, 2), line('start', 2, 3)];
    expect(objections(again, expected)).toEqual(['a was started again after its end']);
  });

  it('an old attempt that works on beside the new one is objected to', () => {
    const overlap = [line('start', 1, 1), line('start', 2, 5), line('epoch', 1, 6), line('end', 2, 9)];
    expect(objections(overlap, expected)).toEqual(['a: attempt 1 still worked after attempt 2 had started']);
  });

  it('one name that ran as two jobs is objected to', () => {
    const two = [line('start', 1, 1, { job: 'job-0' }), line('start', 1, 2), line('end', 1, 3)];
    expect(objections(two, expected)).toEqual(['a ran as more than one job']);
  });

  it('a line that is still being written waits for the next look', () => {
    const text = `${JSON.stringify(line('start', 1, 1))}\n{"what":"en`;
    expect(parseLedger(text)).toEqual([line('start', 1, 1)]);
    expect(parseLedger('')).toEqual([]);
  });
});
