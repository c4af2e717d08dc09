import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Bench, Finding } from './harness/bench.ts';
import { RECURRING_FROM } from './harness/jobs.ts';
import { measured, number, spread } from './harness/stats.ts';
import { table } from './harness/table.ts';
import type { Batch, BatchTask } from './servers/decide.ts';

const OFFERS = 30_000;
const SIZES = [1_000, 10_000, 100_000];
const ROUNDS = 3;

/** A whole queue at once: page by page, each page settled, as the flows do it, in a process of its own. */
export async function batch({ quick, say }: Bench): Promise<Finding> {
  const rows = [
    ['waiting jobs', 'ms', 'processor ms', 'µs per job', 'different asks', 'placed', 'heap MiB', 'RSS MiB'],
  ];
  for (const jobs of quick ? SIZES.slice(0, 2) : SIZES) {
    say(`batch: ${jobs} jobs`);
    rows.push(await row(number(jobs), { jobs, offers: OFFERS, variety: 'as submitted', told: false }));
  }
  const [most = 0] = (quick ? SIZES.slice(0, 2) : SIZES).toReversed();
  for (const [name, task] of [
    ['no two alike', { variety: 'all different', told: false }],
    ['every decision of a placed one written', { variety: 'as submitted', told: true }],
  ] as const) {
    say(`batch: ${most} jobs, ${name}`);
    rows.push(await row(`${number(most)}, ${name}`, { jobs: most, offers: OFFERS, ...task }));
  }
  return {
    title: `Placement: one batch over ${number(OFFERS)} offers`,
    table: table(rows),
    notes: [
      `Offers and jobs as in \`query\`. ${RECURRING_FROM} Median [range] of ${ROUNDS} processes. \`ms\` is of deciding alone: the market is open, the jobs are in memory, pages of 500 are settled one after the other, exchanges included.`,
      '`heap`: the highest at the end of a page, without market and jobs; `RSS`: the process’s highest, everything included.',
    ],
  };
}

async function row(name: string, task: BatchTask): Promise<string[]> {
  const found: Batch[] = [];
  for (let round = 0; round < ROUNDS; round += 1) found.push(await run(task));
  const of = (pick: (one: Batch) => number) => measured(found.map(pick));
  const ms = of((one) => one.ms);
  return [
    name,
    spread(ms),
    number(of((one) => one.cpuMs).median),
    number((ms.median * 1_000) / task.jobs),
    number(of((one) => one.asks).median),
    number(of((one) => one.placed).median),
    number(of((one) => one.heapMiB).median),
    number(of((one) => one.rssMiB).median),
  ];
}

async function run(task: BatchTask): Promise<Batch> {
  const script = join(import.meta.dirname, 'servers/decide.ts');
  const args = ['--expose-gc', script, JSON.stringify(task)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 24 });
  return JSON.parse(stdout) as Batch;
}
