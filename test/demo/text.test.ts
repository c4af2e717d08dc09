import { describe, expect, it } from 'vitest';
import {
  clip,
  clockOf,
  createPaint,
  distanceKm,
  money,
  pad,
  sparkline,
  table,
  widthOf,
} from '../../demo/text.ts';

describe('text for people', () => {
  it('Hangul takes two columns, colours none', () => {
    expect(widthOf('판교')).toBe(4);
    expect(widthOf(createPaint(true).red('판교 ok'))).toBe(7);
    expect(pad('광주', 6)).toBe('광주  ');
    expect(pad('7', 3, 'right')).toBe('  7');
  });

  it('columns line up where Hangul stands among Latin letters', () => {
    expect(
      table(
        [
          ['판교', 'a', '1'],
          ['gwangju', 'b', '10'],
        ],
        [2],
      ),
    ).toEqual(['판교     a   1', 'gwangju  b  10']);
  });

  it('a cut line is as wide as allowed and leaves no colour open', () => {
    const { red } = createPaint(true);
    const cut = clip(`ab ${red('판교 사업자')} cd`, 8);
    expect(widthOf(cut)).toBeLessThanOrEqual(8);
    expect(cut.endsWith('…')).toBe(true);
    expect(cut.match(/\u001b\[/g)).toHaveLength(2);
    expect(clip('short', 8)).toBe('short');
  });

  it('without colours nothing but the text comes out', () => {
    expect(createPaint(false).bold('x')).toBe('x');
  });

  it('a falling loss falls', () => {
    expect(sparkline([8, 4, 2, 1], 4)).toBe('█▅▃▂');
    expect(sparkline([3, 3, 3, 0], 2)).toBe('█▁');
    expect(sparkline([0, 0], 5)).toBe('▁▁');
    expect(sparkline([], 5)).toBe('');
  });

  it('money is grouped, and keeps the decimals that it came with', () => {
    expect(money({ amount: '1234567.5', currency: 'KRW' })).toBe('1,234,567.5 KRW');
    expect(money({ amount: '120', currency: 'KRW' })).toBe('120 KRW');
  });

  it('times and distances', () => {
    expect(clockOf(77_900)).toBe('01:17');
    const pangyo = { latitude: 37.3909, longitude: 127.0968 };
    expect(distanceKm(pangyo, { latitude: 35.1595, longitude: 126.8526 })).toBe(249);
    expect(distanceKm(pangyo, pangyo)).toBe(0);
  });
});
