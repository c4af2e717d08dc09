import pino, { type Logger } from 'pino';
import type { LogLevel } from '../config.ts';

/** For the short commands: structured lines on standard error, so that standard output holds the answer alone. */
export function commandLog(level: LogLevel): Logger {
  return pino({ level }, pino.destination({ dest: 2, sync: true }));
}
