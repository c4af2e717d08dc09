import { describe, expect, test } from 'vitest';
import { direction, homes, naming, purity, size, soleReaders, type Check } from './rules.ts';
import { sourcesIn, textOf } from './sources.ts';

const PROGRAM = ['src', 'routes', 'brokers'];
const EVERYTHING = [...PROGRAM, 'test', 'bench'];

/** Files that break a rule, and why they may. One that no longer does has to leave the list. */
const EXCEPTIONS: readonly { check: Check; path: string; why: string }[] = [
  {
    check: direction,
    path: 'src/core/canonical.ts',
    why: 'a hash is a pure function, and node:crypto has it',
  },
  {
    check: direction,
    path: 'src/core/seal.ts',
    why: 'so is a cipher whose key and nonce are derived from what is given',
  },
  {
    check: direction,
    path: 'src/core/drill/signature.ts',
    why: 'so is an Ed25519 signature: the same text and key always give the same one',
  },
  {
    check: direction,
    path: 'src/core/webhook/signature.ts',
    why: 'and so is an HMAC',
  },
  ...['src/core/webhook/address.ts', 'src/core/webhook/url.ts'].map((path) => ({
    check: direction,
    path,
    why: 'node:net compares addresses with ranges, and opens nothing for it',
  })),
  {
    check: direction,
    path: 'src/flows/jobHost.ts',
    why: 'stands in for the agent’s way over HTTP, so it speaks the agent’s words',
  },
  {
    check: purity,
    path: 'src/core/ledger/calendar.ts',
    why: 'the rules of time zones are data, and the runtime has them; of what it writes only numbers are read',
  },
  {
    check: size,
    path: 'src/store/schema.ts',
    why: 'the whole schema, read from top to bottom, in the order of its references',
  },
  {
    check: soleReaders,
    path: 'src/checkpoints/disk.ts',
    why: 'names of part files, and their age against the disk’s own times',
  },
  {
    check: soleReaders,
    path: 'src/serve.ts',
    why: 'how long a shutdown may take; a name for this process in the database',
  },
];

function findings(check: Check, folders: readonly string[]): string[] {
  const excused = EXCEPTIONS.filter((one) => one.check === check).map(({ path }) => path);
  return sourcesIn(...folders)
    .filter((path) => !excused.includes(path))
    .flatMap((path) => check(path, textOf(path)));
}

describe('the house', () => {
  test('every room looks only where it may', () => expect(findings(direction, PROGRAM)).toEqual([]));
  test('every package has one home', () => expect(findings(homes, PROGRAM)).toEqual([]));
  test('core calls no clock, no chance, no environment and nothing asynchronous', () =>
    expect(findings(purity, PROGRAM)).toEqual([]));
  test('time, chance and the environment have one reader each', () =>
    expect(findings(soleReaders, PROGRAM)).toEqual([]));
  test('names say what is in a file', () => expect(findings(naming, EVERYTHING)).toEqual([]));
  test('files stay small', () => expect(findings(size, PROGRAM)).toEqual([]));

  test.each(EXCEPTIONS)('the exception for $path is still needed', ({ check, path }) => {
    expect(check(path, textOf(path))).not.toEqual([]);
  });
});

describe('the checks catch', () => {
  const bad: [Check, string, string][] = [
    [direction, 'src/core/a.ts', "import { x } from '../store/store.ts';"],
    [direction, 'src/core/a.ts', "import type { x } from '../deps.ts';"],
    [direction, 'src/core/a.ts', "import { createHash } from 'node:crypto';"],
    [direction, 'src/core/a.ts', "import {\n  a,\n  b,\n} from 'zod';"],
    [direction, 'src/core/a.ts', "export * from '../flows/place.ts';"],
    [direction, 'src/core/a.ts', "const x = () => import('../store/store.ts');"],
    [direction, 'src/store/a.ts', "import { placePass } from '../flows/place.ts';"],
    [direction, 'src/flows/a.ts', "import { makeDeps } from '../deps.ts';"],
    [direction, 'src/flows/a.ts', "import { app } from '../../routes/app.ts';"],
    [direction, 'src/flows/a.ts', "import { processBroker } from '../../brokers/process.ts';"],
    [direction, 'routes/a.ts', "import { applyChange } from '../src/store/apply/changes.ts';"],
    [direction, 'brokers/a.ts', "import { placePass } from '../src/flows/place.ts';"],
    [direction, 'src/agent/a.ts', "import { submitJob } from '../flows/submit.ts';"],
    [homes, 'src/flows/a.ts', "import fastify from 'fastify';"],
    [homes, 'src/flows/a.ts', "import limit from '@fastify/rate-limit';"],
    [homes, 'routes/a.ts', "import { eq } from 'drizzle-orm';"],
    [homes, 'routes/a.ts', "const pg = require('pg');"],
    [homes, 'src/flows/a.ts', "import { Queue } from 'bullmq';"],
    [homes, 'src/store/a.ts', "import 'ioredis';"],
    [purity, 'src/core/a.ts', 'const now = Date.now();'],
    [purity, 'src/core/a.ts', 'const now = new Date();'],
    [purity, 'src/core/a.ts', 'const age = `${performance.now()}`;'],
    [purity, 'src/core/a.ts', 'const id = Math.random();'],
    [purity, 'src/core/a.ts', 'const home = process.env.HOME;'],
    [purity, 'src/core/a.ts', 'export async function place() {}'],
    [purity, 'src/core/a.ts', 'const later = Promise.resolve(1);'],
    [purity, 'src/core/a.ts', 'setTimeout(() => {}, 1);'],
    [purity, 'src/core/a.ts', 'names.sort((a, b) => a.localeCompare(b));'],
    [purity, 'src/core/a.ts', 'const quote = /[\'"]/; const now = Date.now(); const end = "\'";'],
    [soleReaders, 'src/flows/a.ts', 'const now = new Date();'],
    [soleReaders, 'routes/a.ts', "import { randomUUID } from 'node:crypto';"],
    [soleReaders, 'src/bell.ts', "const url = process.env['REDIS_URL'];"],
    [naming, 'src/utils/a.ts', ''],
    [naming, 'src/core/helpers/a.ts', ''],
    [soleReaders, 'src/flows/a.ts', 'const begun = performance.now();'],
    [size, 'src/a.ts', 'x\n'.repeat(251)],
  ];
  test.each(bad)('%o: %s: %j', (check, path, source) => expect(check(path, source)).not.toEqual([]));

  const good: [Check, string, string][] = [
    [direction, 'src/core/placement/a.ts', "import type { JobSpec } from '../job.ts';"],
    [direction, 'src/flows/a.ts', "import type { Deps } from '../deps.ts';"],
    [direction, 'src/flows/a.ts', "import { FAULTS } from '../../brokers/broker.ts';"],
    [direction, 'routes/a.ts', "import { readJob } from '../src/store/read/jobs.ts';"],
    [direction, 'src/core/a.ts', "// import { x } from '../store/store.ts';"],
    [homes, 'src/store/read/a.ts', "import { eq } from 'drizzle-orm';"],
    [purity, 'src/core/a.ts', '/** Nothing async, no Date.now(). */ const at = new Date(micros);'],
    [purity, 'src/core/a.ts', "const text = 'await Date.now()';"],
    [purity, 'src/core/a.ts', 'const text = `no Promise of ${name}`;'],
    [size, 'src/a.ts', 'x\n'.repeat(250)],
  ];
  test.each(good)('but not %o: %s: %j', (check, path, source) => expect(check(path, source)).toEqual([]));
});
