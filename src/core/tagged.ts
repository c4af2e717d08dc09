/**
 * Values of this house as JSON and back, without a loss: bigints, dates and maps are written as objects with one member
 * whose name begins with `$`. Nothing else here has such names.
 */
export function toTagged(value: unknown): unknown {
  if (typeof value === 'bigint') return { $bigint: value.toString() };
  if (value instanceof Date) return { $date: value.toISOString() };
  if (value instanceof Map) {
    const members = [...(value as Map<unknown, unknown>)];
    return { $map: members.map(([key, member]) => [key, toTagged(member)]) };
  }
  if (Array.isArray(value)) return value.map(toTagged);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toTagged(member)]));
}

/** What toTagged was given; the type is the caller's promise. */
export function fromTagged(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromTagged);
  if (typeof value !== 'object' || value === null) return value;
  const { $bigint, $date, $map } = value as { $bigint?: string; $date?: string; $map?: [unknown, unknown][] };
  if ($bigint !== undefined) return BigInt($bigint);
  if ($date !== undefined) return new Date($date);
  if ($map !== undefined) return new Map($map.map(([key, member]) => [key, fromTagged(member)]));
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, fromTagged(member)]));
}
