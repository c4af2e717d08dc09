import fc from 'fast-check';
import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import { readCsv } from '../../src/core/catalog/csv.ts';
import { NotACatalog } from '../../src/core/catalog/types.ts';

const cell = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r\n', ' ', '한', '1') }),
  fc.constantFrom('', 'H100', "{'Gpus': [{'Name': 'L4'}]}"),
);
const quote = (text: string, always: boolean) =>
  always || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

describe('readCsv', () => {
  test('reads what csv-parse reads', () => {
    const table = fc.array(fc.array(fc.tuple(cell, fc.boolean()), { minLength: 2, maxLength: 5 }), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(table, fc.constantFrom('\n', '\r\n'), fc.boolean(), (rows, end, last) => {
        const text = rows
          .map((cells) => cells.map(([value, always]) => quote(value, always)).join(','))
          .join(end);
        const whole = last ? text + end : text;
        const expected = parse(whole, {
          relax_column_count: true,
          skip_empty_lines: true,
          record_delimiter: end,
        });
        expect(readCsv(whole).map((row) => row.cells)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  test('counts the lines that a row starts on', () => {
    const rows = readCsv('\uFEFFa,b\r\n1,"x\ny"\n\n2,z');
    expect(rows).toEqual([
      { line: 1, cells: ['a', 'b'] },
      { line: 2, cells: ['1', 'x\ny'] },
      { line: 5, cells: ['2', 'z'] },
    ]);
  });

  test.each(['a,"b', '"a"b,c'])('refuses %j', (text) => expect(() => readCsv(text)).toThrow(NotACatalog));
});
