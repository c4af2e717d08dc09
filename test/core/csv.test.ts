import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvLine, plainText } from '../../src/core/csv.ts';

test('what is written is what is read', () => {
  const cell = fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.toWellFormed());
  fc.assert(
    fc.property(
      fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
      (rows) => {
        const text = rows.map(csvLine).join('');
        expect(parse(text, { relaxColumnCount: true, recordDelimiter: '\r\n' })).toEqual(rows);
      },
    ),
  );
});

test('null is an empty cell, and an empty text is not', () => {
  expect(csvLine([null, '', 'a"b', 'a,b', ' a', '1.5'])).toBe(',"","a""b","a,b"," a",1.5\r\n');
});

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1'])('%j is no formula any more', (text) =>
  expect(plainText(text)).toBe(`'${text}`),
);
test.each(['a=1', '1-1', '', ' =1'])('%j stays', (text) => expect(plainText(text)).toBe(text));
