import { sqlState } from './sqlstate.ts';

const LOCK_NOT_AVAILABLE = '55P03';

/** Waited longer for a lock than it was willing to. */
export function isLockTimeout(error: unknown): boolean {
  return sqlState(error) === LOCK_NOT_AVAILABLE;
}

/** Connection exceptions, insufficient resources, shutting down or starting up, a standby. */
const SERVER_SAYS = /^(08|53|57P0|25006)/;
const NODE_SAYS = new Set(
  'ECONNREFUSED ECONNRESET ENOENT ENOTFOUND EAI_AGAIN EPIPE ETIMEDOUT EHOSTUNREACH'.split(' '),
);
/** What pg says without a code when a connection is lost, or none becomes free in time. */
const DRIVER_SAYS =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/;

/** The database cannot be used just now, through no fault of the request: worth trying again. */
export function isUnavailable(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== null) return SERVER_SAYS.test(state);
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code, syscall } = cause as { code?: unknown; syscall?: unknown };
    if (typeof code === 'string' && NODE_SAYS.has(code) && syscall !== 'open') return true;
    if (DRIVER_SAYS.test(cause.message)) return true;
  }
  return false;
}
