import '../src/lean.ts';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Benchmark } from './harness/bench.ts';
import { openDatabase } from './harness/database.ts';
import { machine } from './harness/machine.ts';
import { endAll } from './harness/processes.ts';
import { keepFinding } from './harness/results.ts';
import { intake } from './intake.ts';
import { latency } from './latency.ts';
import { memory } from './memory.ts';
import { placement } from './placement.ts';
import { history } from './history.ts';
import { throughput } from './throughput.ts';

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  intake,
  latency,
  throughput,
  history,
  memory,
  placement,
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
  const stop = () => void endAll().finally(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    await run(names.length > 0 ? names : Object.keys(BENCHMARKS), folder, args);
    return 0;
  } finally {
    await endAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(names: readonly string[], folder: string, args: readonly string[]): Promise<void> {
  const database = await openDatabase(folder, process.env['DATABASE_URL']);
  const quick = args.includes('--quick');
  try {
    for (const name of names) {
      const finding = await (BENCHMARKS[name] as Benchmark)({
        database,
        folder,
        quick,
        say: (line) => console.error(`… ${line}`),
      });
      const about = machine(database.about);
      console.log(
        `\n## ${finding.title}\n\n${about}\n\n${finding.table}\n\n${finding.notes.map((note) => `- ${note}`).join('\n')}\n`,
      );
      if (args.includes('--keep') && !quick) keepFinding(name, finding, about);
    }
  } finally {
    await endAll();
    await database.close();
  }
}
