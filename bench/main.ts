import '../src/lean.ts';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { alarms } from './alarms.ts';
import { batch } from './batch.ts';
import { costs } from './costs.ts';
import { failover } from './failover.ts';
import type { Benchmark } from './harness/bench.ts';
import { openDatabase, type BenchDatabase } from './harness/database.ts';
import { machine } from './harness/machine.ts';
import { endAll } from './harness/processes.ts';
import { keepFinding } from './harness/results.ts';
import { intake } from './intake.ts';
import { latency } from './latency.ts';
import { mass } from './mass.ts';
import { memory } from './memory.ts';
import { money } from './money.ts';
import { optimum } from './optimum.ts';
import { packing } from './packing.ts';
import { peers } from './peers.ts';
import { query } from './query.ts';
import { history } from './history.ts';
import { throughput } from './throughput.ts';

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  intake,
  latency,
  throughput,
  history,
  memory,
  optimum,
  packing,
  query,
  batch,
  failover,
  alarms,
  mass,
  costs,
  money,
  peers,
};
const USAGE = `Usage: npm run bench -- [--quick] [--keep] [${Object.keys(BENCHMARKS).join('|')} …]
  --keep   write what was found into bench/RESULTS.md
  --quick  smaller numbers, only to see whether it works
  DATABASE_URL: measure on that server (databases of its own, dropped again); else an embedded one with fsync.`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const names = args.filter((arg) => !arg.startsWith('-'));
  const unknown = [
    ...names.filter((name) => BENCHMARKS[name] === undefined),
    ...args.filter((arg) => arg.startsWith('-') && !['--quick', '--keep'].includes(arg)),
  ];
  if (unknown.length > 0) {
    console.error(`${unknown.join(', ')}?\n${USAGE}`);
    return 2;
  }
  const folder = mkdtempSync(join(tmpdir(), 'naru-bench-'));
  // As root, the embedded database runs as another user, who has to get in.
  chmodSync(folder, 0o711);
  const held: Held = { folder, database: null, leaving: null };
  const stop = () => void leave(held).finally(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    held.database = await openDatabase(folder, process.env['DATABASE_URL']);
    await run(names.length > 0 ? names : Object.keys(BENCHMARKS), held.database, folder, args);
    return 0;
  } finally {
    await leave(held);
  }
}

/** What has to be gone at the end, whichever way it comes. */
interface Held {
  readonly folder: string;
  database: BenchDatabase | null;
  leaving: Promise<void> | null;
}

/** Once, also when a signal comes while it is under way. */
function leave(held: Held): Promise<void> {
  held.leaving ??= (async () => {
    await endAll();
    await held.database?.close();
    rmSync(held.folder, { recursive: true, force: true });
  })();
  return held.leaving;
}

async function run(
  names: readonly string[],
  database: BenchDatabase,
  folder: string,
  args: readonly string[],
): Promise<void> {
  const quick = args.includes('--quick');
  const say = (line: string) => console.error(`… ${line}`);
  for (const name of names) {
    const finding = await (BENCHMARKS[name] as Benchmark)({ database, folder, quick, say });
    const about = machine(database.about);
    const notes = finding.notes.map((note) => `- ${note}`).join('\n');
    console.log(`\n## ${finding.title}\n\n${about}\n\n${finding.table}\n\n${notes}\n`);
    if (args.includes('--keep') && !quick) keepFinding(name, finding, about);
  }
}
