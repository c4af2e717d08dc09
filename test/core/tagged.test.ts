import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromTagged, toTagged } from '../../src/core/tagged.ts';

const name = fc.string({ maxLength: 8 }).filter((text) => !text.startsWith('$') && text !== '__proto__');
const date = fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) });
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
    fc.boolean(),
    fc.constant(null),
    fc.bigInt(),
    date,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
    fc.array(fc.tuple(fc.string(), tie('value')), { maxLength: 4 }).map((members) => new Map(members)),
  ),
}));

test('whatever goes in as JSON comes out as it was', () => {
  fc.assert(
    fc.property(value, (given) => {
      expect(fromTagged(JSON.parse(JSON.stringify(toTagged(given))))).toEqual(given);
    }),
  );
});
