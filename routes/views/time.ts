/** RFC 3339 in UTC; null: it has not been. */
export function time(at: Date | null): string | null {
  return at?.toISOString() ?? null;
}
