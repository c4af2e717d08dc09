import { createHash } from 'node:crypto';

/**
 * One text for one value, so that equal values have equal hashes: members sorted by code unit, no spaces,
 * undefined members left out, dates as RFC 3339, bigints as strings. (RFC 8785 in spirit; numbers are as
 * JSON.stringify writes them, which is the same.)
 */
export function canonicalJson(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'bigint') return `"${value}"`;
  if (typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (value instanceof Date) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(',')}}`;
}

export function sha256Hex(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/**
 * The same value as PostgreSQL's jsonb can hold it and will give it back: no NUL, no lone surrogates, only JSON
 * types. What is hashed must be what is read again.
 */
export function storableJson(value: unknown): unknown {
  return JSON.parse(canonicalJson(value), (_, member: unknown) =>
    typeof member === 'string' ? storableText(member) : member,
  );
}

/** NUL and lone surrogates become U+FFFD: PostgreSQL refuses the one, UTF-8 the other. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\uFFFD');
}
