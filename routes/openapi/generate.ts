import { readFileSync, writeFileSync } from 'node:fs';
import pino from 'pino';
import { format, resolveConfig } from 'prettier';
import type { Deps } from '../../src/deps.ts';
import { buildApp } from '../app.ts';

/**
 * Writes openapi/openapi.json; with --check compares it with what the routes say and exits 1 when they differ.
 * Needs no database: nothing of the service is touched before the first request.
 */
const FILE = new URL('../../openapi/openapi.json', import.meta.url);

export async function makeDocument(): Promise<string> {
  const config = { currency: 'KRW' };
  const app = buildApp({ log: pino({ level: 'silent' }), config } as unknown as Deps);
  await app.ready();
  const text = JSON.stringify(app.swagger(), null, 2);
  await app.close();
  return format(text, { ...(await resolveConfig(FILE)), parser: 'json' });
}

if (process.argv[1] === import.meta.filename) {
  const made = await makeDocument();
  if (!process.argv.includes('--check')) writeFileSync(FILE, made);
  else if (readFileSync(FILE, 'utf8') !== made) {
    console.error('openapi/openapi.json is not what the routes say: npm run generate');
    process.exitCode = 1;
  }
}
