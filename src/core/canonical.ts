import { hash } from 'node:crypto';

/**
 * One text for one value, so that equal values have equal hashes: members sorted by code unit, no spaces,
 * undefined members left out, dates as RFC 3339, bigints as strings. (RFC 8785 in spirit; numbers are as
 * JSON.stringify writes them, which is the same.)
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'bigint') return `"${value}"`;
  if (typeof value !== 'object' || value instanceof Date) return JSON.stringify(value) ?? 'null';
  return Array.isArray(value) ? canonicalArray(value) : canonicalObject(value as Record<string, unknown>);
}

// Grown by hand: every request and every audit record passes here, and entries, filter, map and join cost four times
// as much.
function canonicalArray(values: readonly unknown[]): string {
  let text = '';
  for (const value of values) text += `${text === '' ? '' : ','}${canonicalJson(value)}`;
  return `[${text}]`;
}

function canonicalObject(value: Record<string, unknown>): string {
  let text = '';
  // Without a comparison of ours, sort() goes by code units, and much faster.
  for (const name of Object.keys(value).sort()) {
    const member = value[name];
    if (member === undefined) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${canonicalJson(member)}`;
  }
  return `{${text}}`;
}

export function sha256Hex(text: string): string {
  return hash('sha256', text, 'hex');
}

/**
 * The same value as PostgreSQL's jsonb can hold it and will give it back: no NUL, no lone surrogates, only JSON
 * types. What is hashed must be what is read again.
 */
export function storableJson(value: unknown): unknown {
  if (typeof value === 'string') return storableText(value);
  if (typeof value === 'bigint') return String(value);
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'object') return null;
  if (value instanceof Date) return value.toJSON();
  if (Array.isArray(value)) return value.map(storableJson);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [storableText(name), storableJson(member)]));
}

/** NUL and lone surrogates become U+FFFD: PostgreSQL refuses the one, UTF-8 the other. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\uFFFD');
}

export function sha256OfBytes(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex');
}
