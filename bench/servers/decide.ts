import { getHeapStatistics } from 'node:v8';
import { marketOf as openWorld, Session, stateOf } from '../../src/core/placement/decide.ts';
import { byRank, FairQueue } from '../../src/core/placement/queue.ts';
import { signatureOf } from '../../src/core/placement/request.ts';
import type { Placement } from '../../src/core/placement/types.ts';
import { jobsOf, type Variety } from '../harness/jobs.ts';
import { marketOf } from '../harness/market.ts';

/**
 * One batch in a process of its own, so that its memory is its own: decided the way the flows do it, page by page.
 * Says on standard output, as JSON, what it took.
 */
export interface BatchTask {
  readonly jobs: number;
  readonly offers: number;
  readonly variety: Variety;
  /** With the decision of every placed job written (and thrown away, as it would be stored). */
  readonly told: boolean;
}

export interface Batch {
  readonly openMs: number;
  readonly ms: number;
  /** Of the processor, the collector's threads included: steadier where others want the cores too. */
  readonly cpuMs: number;
  readonly asks: number;
  readonly placed: number;
  readonly waiting: number;
  /** The highest at the end of a page, garbage included; without market and jobs. */
  readonly heapMiB: number;
  /** What the session still holds at the end, garbage collected. */
  readonly heldMiB: number;
  /** The process's highest, with market, jobs and all. */
  readonly rssMiB: number;
}

const PAGE = 500;
const MIB = 1024 ** 2;

process.stdout.write(JSON.stringify(decide(JSON.parse(process.argv[2] ?? '{}'))));

function decide({ jobs: count, offers, variety, told }: BatchTask): Batch {
  const world = marketOf(offers);
  const jobs = jobsOf(count, variety);
  const asks = new Set(jobs.map((job) => signatureOf(job, world.now))).size;
  const byProject = Map.groupBy(jobs, ({ project }) => project);
  for (const mine of byProject.values()) mine.sort(byRank);
  global.gc?.();
  const before = getHeapStatistics().used_heap_size;
  const started = performance.now();
  const session = new Session(openWorld(world), stateOf(world));
  const opened = performance.now();
  const cpuBefore = process.cpuUsage();
  const queue = new FairQueue(world.now, new Map());
  for (const [project, mine] of byProject) queue.add(project, mine);
  let [placed, waiting, peak] = [0, 0, 0];
  for (let left = count; left > 0; left -= PAGE) {
    for (let taken = 0; taken < PAGE; taken += 1) {
      const job = queue.next();
      if (job === null) break;
      const given = session.consider(job);
      if (given !== null) queue.placed(job, given.offerGpuCount);
    }
    const plan = session.settle();
    placed += plan.placements.length;
    waiting += plan.waiting.length;
    if (told) plan.placements.forEach(written);
    peak = Math.max(peak, getHeapStatistics().used_heap_size);
  }
  const ms = performance.now() - opened;
  const cpu = process.cpuUsage(cpuBefore);
  global.gc?.();
  const held = getHeapStatistics().used_heap_size - before;
  // What is held must still be there to be measured.
  if (session.pass.given < 0) throw new Error('a session that lost count');
  return {
    openMs: opened - started,
    ms,
    cpuMs: (cpu.user + cpu.system) / 1e3,
    asks,
    placed,
    waiting,
    heapMiB: (peak - before) / MIB,
    heldMiB: held / MIB,
    rssMiB: process.resourceUsage().maxRSS / 1024,
  };
}

function written({ decision }: Placement): number {
  return decision().candidates.length;
}
