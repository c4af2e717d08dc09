import { spawn, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { DEFAULT_TIMING } from '../src/core/timing.ts';
import { BEATS_PER_SECOND, longestPauseOf, overlapOf } from './harness/beats.ts';
import type { Bench, Finding } from './harness/bench.ts';
import { openPlace, startBeating, type Beating, type Place } from './harness/outage.ts';
import { startService, type Service } from './harness/service.ts';
import { number } from './harness/stats.ts';
import { table } from './harness/table.ts';

const JOBS = 10;
const BLIP_MS = 3_000;
/** From the end of a blip to the next: between these. */
const PAUSE_MS = [4_000, 16_000] as const;

interface Watched {
  readonly name: string;
  readonly place: Place;
  readonly jobs: Beating;
  /** Blips that it had. */
  blips: number;
}

/**
 * What must move nothing: short interruptions of the network, and an agent that hardly gets a processor. Minutes from
 * NARU_BENCH_MINUTES, else 30.
 */
export async function alarms(bench: Bench): Promise<Finding> {
  const minutes = bench.quick ? 1 : Number(process.env['NARU_BENCH_MINUTES'] ?? 30);
  const service = await startService(bench, { env: { NARU_PROCESS_BROKER: '' } });
  await service.api.makeProject();
  const steady = await openPlace(bench, service, 'steady', { capacity: 2 * JOBS, price: 900 });
  const blips = await watch(bench, service, 'blips', '3 s without network, again and again', []);
  const starved = await watch(bench, service, 'starved', 'an agent started at nice 19, beside hogs', [
    'nice',
    '-n',
    '19',
  ]);
  const hogs = startHogs();
  try {
    await disturb(bench, blips, minutes);
  } finally {
    for (const hog of hogs) hog.kill('SIGKILL');
  }
  const rows = [await rowOf(service, blips, minutes), await rowOf(service, starved, minutes)];
  for (const { jobs, place } of [blips, starved]) {
    await jobs.end();
    await place.end();
  }
  await steady.end();
  await service.stop();
  return finding(rows, minutes, hogs.length);
}

async function watch(
  bench: Bench,
  service: Service,
  name: string,
  about: string,
  prefix: readonly string[],
): Promise<Watched> {
  const place = await openPlace(bench, service, name, { capacity: JOBS, price: 100, prefix });
  const jobs = await startBeating(bench, service, JOBS, [name, 'steady']);
  await jobs.untilAttempt(1, 60_000);
  return { name: about, place, jobs, blips: 0 };
}

/** One for each core, at ordinary priority. */
function startHogs(): ChildProcess[] {
  return Array.from({ length: availableParallelism() }, () =>
    spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' }),
  );
}

async function disturb(bench: Bench, watched: Watched, minutes: number): Promise<void> {
  const until = performance.now() + minutes * 60_000;
  while (performance.now() < until) {
    watched.place.wire.cut('drop');
    await wait(BLIP_MS);
    watched.place.wire.heal();
    watched.blips += 1;
    await wait(PAUSE_MS[0] + Math.random() * (PAUSE_MS[1] - PAUSE_MS[0]));
    if (watched.blips % 10 === 0) bench.say(`alarms: ${watched.blips} blips`);
  }
}

async function rowOf(service: Service, { name, place, jobs, blips }: Watched, minutes: number) {
  const beats = jobs.ledger.read();
  const records: { source: string; state: string; reason: string }[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const more: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const page = await service.api.call('GET', `/v1/providers/${place.name}/health?limit=500${more}`);
    records.push(...(page['items'] as typeof records));
    cursor = page['nextCursor'] as string | null;
  }
  const times = (state: string) => String(records.filter((record) => record.state === state).length);
  const wanted = JOBS * minutes * 60 * BEATS_PER_SECOND;
  const written = beats.reduce((sum, one) => sum + one.times.length, 0);
  return [
    name,
    blips === 0 ? '' : String(blips),
    times('degraded'),
    times('down'),
    String(beats.filter(({ attempt }) => attempt > 1).length),
    number(overlapOf(beats)),
    `${number(Math.min(1, written / wanted) * 100)} %`,
    number(longestPauseOf(beats)),
  ];
}

function finding(rows: readonly (readonly string[])[], minutes: number, hogs: number): Finding {
  const { degradedAfterMs, downAfterMs, leaseSeconds } = DEFAULT_TIMING;
  const head = [
    `${minutes} minutes`,
    'blips',
    'called degraded',
    'given up',
    'moves',
    'both at once, s',
    'beats written',
    'longest pause, s',
  ];
  return {
    title: 'Alarms: what must move nothing',
    table: table([head, ...rows]),
    notes: [
      `The service and three agents as processes of their own, default settings; ${JOBS} jobs at each of the two that are disturbed, both at the same time, and room for all at a third. \`moves\` has to be 0.`,
      `Blips: nothing arrives in either direction for ${BLIP_MS / 1_000} s, then ${PAUSE_MS[0] / 1_000} to ${PAUSE_MS[1] / 1_000} s of peace; connections that there were stay dead, so the agent has to notice (its call times out after 3 s) and make new ones; one that is begun within a blip comes about by TCP’s second SYN, a second later. ${degradedAfterMs / 1_000} s of silence make a provider degraded (nothing new goes there), ${downAfterMs / 1_000} s give it up, and its jobs end themselves ${leaseSeconds} s after the last answer.`,
      `Starved: started at \`nice 19\`, while ${hogs} busy loops at ordinary priority keep every core; the service and its database share the cores with them. Where it may (as root, here) an agent takes nice −5 whatever it was started with, and leaves its jobs at 19. \`beats written\`: of those that jobs which always run would have written (ten a second each); the longest pause is of one job.`,
    ],
  };
}
