import fc, { type Arbitrary } from 'fast-check';

type Json = Record<string, unknown>;
const DEPTH = 6;

/** What a field of this name mostly is, so that calls come through to where something happens. */
export type Hints = Readonly<Record<string, Arbitrary<unknown>>>;
type Inner = (part: unknown) => Arbitrary<unknown>;

/** Values that a schema of the document allows, as far as the schema says. */
export function valuesOf(schema: Json, document: Json, hints: Hints, depth = DEPTH): Arbitrary<unknown> {
  if (depth <= 0) return fc.constant(null);
  const inner = (part: unknown) => valuesOf(part as Json, document, hints, depth - 1);
  if (typeof schema['$ref'] === 'string') return inner(resolve(schema['$ref'], document));
  if (schema['const'] !== undefined) return fc.constant(schema['const']);
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]));
  const choices = (schema['oneOf'] ?? schema['anyOf']) as Json[] | undefined;
  if (choices !== undefined) return fc.oneof(...choices.map(inner));
  if (Array.isArray(schema['allOf'])) return inner((schema['allOf'] as Json[])[0]);
  if (Array.isArray(schema['type']))
    return fc.oneof(...(schema['type'] as string[]).map((type) => inner({ ...schema, type })));
  return plain(schema, inner, hints);
}

function plain(schema: Json, inner: Inner, hints: Hints): Arbitrary<unknown> {
  const min = Number(schema['minimum'] ?? 0);
  const max = Math.min(Number(schema['maximum'] ?? min + 1_000_000), min + 1e12);
  switch (schema['type']) {
    case 'string':
      return text(schema);
    case 'integer':
      return fc.integer({ min, max: Math.min(max, Number.MAX_SAFE_INTEGER) });
    case 'number':
      return fc.double({ min, max, noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(inner(schema['items'] ?? {}), {
        minLength: Number(schema['minItems'] ?? 0),
        maxLength: 3,
      });
    case 'object':
      return object(schema, inner, hints);
    case 'null':
      return fc.constant(null);
    default:
      return fc.jsonValue({ maxDepth: 1 });
  }
}

function text(schema: Json): Arbitrary<string> {
  if (schema['format'] === 'date-time')
    return fc
      .date({ min: new Date('1971-01-01'), max: new Date('2120-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString());
  if (typeof schema['pattern'] === 'string') {
    const { maxLength = 200 } = schema as { maxLength?: number };
    return fc.stringMatching(new RegExp(schema['pattern']), { maxLength: Math.min(maxLength, 200) });
  }
  const minLength = Number(schema['minLength'] ?? 0);
  const size = { minLength, maxLength: Math.min(Number(schema['maxLength'] ?? 40), minLength + 40) };
  return fc.oneof(
    { weight: 9, arbitrary: fc.string({ ...size, unit: 'grapheme' }) },
    { weight: 1, arbitrary: fc.string({ ...size, unit: 'binary' }) },
  );
}

function object(schema: Json, inner: Inner, hints: Hints): Arbitrary<unknown> {
  const properties = (schema['properties'] ?? {}) as Json;
  const known = fc.record(
    Object.fromEntries(
      Object.entries(properties).map(([name, part]) => [name, mostly(hints[name], inner(part))]),
    ),
    { requiredKeys: ((schema['required'] ?? []) as string[]).filter((name) => name in properties) },
  );
  const others = schema['additionalProperties'];
  if (typeof others !== 'object' || others === null) return known;
  return fc.dictionary(
    fc.oneof(
      { weight: 19, arbitrary: fc.stringMatching(/^[A-Z]{1,8}$/) },
      { weight: 1, arbitrary: fc.string({ maxLength: 5 }) },
    ),
    inner(others),
    { maxKeys: 3 },
  );
}

const mostly = (hint: Arbitrary<unknown> | undefined, any: Arbitrary<unknown>): Arbitrary<unknown> =>
  hint === undefined ? any : fc.oneof({ weight: 19, arbitrary: hint }, { weight: 1, arbitrary: any });

function resolve(ref: string, document: Json): unknown {
  return ref
    .split('/')
    .slice(1)
    .reduce<unknown>((node, part) => (node as Json)[part], document);
}

/** What nobody should send. */
export const nasty: Arbitrary<unknown> = fc.constantFrom(
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  -0,
  2 ** 53,
  '',
  ' ',
  'a\u0000b',
  '\u0000',
  '\ud800',
  'x'.repeat(70_000),
  '😀'.repeat(300),
  '../../etc/passwd',
  "'; drop table jobs; --",
  '%00',
  '{{7*7}}',
  '1e999',
  'NaN',
  '2026-02-30T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '+275760-09-13T00:00:00Z',
  [],
  [[]],
  {},
  { a: 1 },
  { constructor: { prototype: { polluted: true } } },
  Array(1_001).fill('x'),
);

/** The value with one place in it replaced, taken out, or an unknown member put in. */
export function mutated(value: unknown): Arbitrary<unknown> {
  const places = [...paths(value)];
  return fc
    .tuple(fc.constantFrom(...places), nasty, fc.constantFrom('replace', 'remove', 'add'))
    .map(([path, bad, how]) => change(value, path, bad, how));
}

function* paths(value: unknown, path: readonly string[] = []): Generator<readonly string[]> {
  yield path;
  if (typeof value === 'object' && value !== null)
    for (const [name, member] of Object.entries(value)) yield* paths(member, [...path, name]);
}

function change(value: unknown, path: readonly string[], bad: unknown, how: string): unknown {
  const [name, ...rest] = path;
  if (name === undefined)
    return how === 'add' && typeof value === 'object' && value !== null && !Array.isArray(value)
      ? { ...value, surprise: bad }
      : bad;
  if (typeof value !== 'object' || value === null) return bad;
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as Json;
  if (how === 'remove' && rest.length === 0) delete copy[name];
  else copy[name] = change(copy[name], rest, bad, how);
  return copy;
}
