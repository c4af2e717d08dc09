import { createRequire } from 'node:module';

/**
 * The load, in a process of its own: autocannon with the options that are given as JSON, its result as JSON on
 * standard output. (Its command line reads brackets in a body as something else.)
 */
const autocannon = createRequire(import.meta.url)('autocannon') as (options: unknown) => Promise<unknown>;
const result = await autocannon(JSON.parse(process.argv[2] ?? '{}'));
process.stdout.write(JSON.stringify(result));
