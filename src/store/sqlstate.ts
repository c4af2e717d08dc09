/** SQLSTATE codes that the program reacts to. */
export const UNIQUE_VIOLATION = '23505';
export const CHECK_VIOLATION = '23514';
export const SERIALIZATION_FAILURE = '40001';
export const DEADLOCK_DETECTED = '40P01';
export const CANNOT_CONNECT_NOW = '57P03';

/** The SQLSTATE of an error or of what caused it (drizzle wraps what pg throws); null where there is none. */
export function sqlState(error: unknown): string | null {
  const found = pgError(error);
  return found === null ? null : found.code;
}

/** The name of the constraint that refused, or null. */
export function constraintOf(error: unknown): string | null {
  return pgError(error)?.constraint ?? null;
}

function pgError(error: unknown): { code: string; constraint?: string } | null {
  for (let e = error; e instanceof Error; e = e.cause) {
    const { code } = e as { code?: unknown };
    // Five characters: `ECONNREFUSED` and the like are codes of Node's.
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return e as Error & { code: string };
  }
  return null;
}
