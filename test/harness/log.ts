import pino from 'pino';

/** For what a test does not look at. */
export const quiet = pino({ level: 'silent' });
