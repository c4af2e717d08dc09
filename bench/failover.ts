import { setTimeout as wait } from 'node:timers/promises';
import { DEFAULT_TIMING } from '../src/core/timing.ts';
import { overlapOf, type Beats } from './harness/beats.ts';
import type { Bench, Finding } from './harness/bench.ts';
import { openPlace, signal, startBeating, type Place } from './harness/outage.ts';
import { startService, type Service } from './harness/service.ts';
import { measured, number, quantile, rising, spread } from './harness/stats.ts';
import { table } from './harness/table.ts';

const JOBS = 20;
const MOVED_WITHIN_MS = 60_000;
/** Watched for so long after everything runs elsewhere: what the old place does when it wakes up comes late. */
const WATCHED_MS = 4_000;

interface Fault {
  readonly name: string;
  strike(place: Place): void;
  /** Undone once everything runs elsewhere. */
  undo?(place: Place): void;
}

const FAULTS: readonly Fault[] = [
  {
    name: 'SIGKILL of the agent, its warden and its jobs',
    strike: (place) => place.family().forEach((pid) => signal(pid, 'SIGKILL')),
  },
  {
    name: 'SIGKILL of the agent alone',
    strike: (place) => signal(place.agentPid, 'SIGKILL'),
  },
  {
    name: 'SIGSTOP of the agent alone, woken afterwards',
    strike: (place) => signal(place.agentPid, 'SIGSTOP'),
    undo: (place) => signal(place.agentPid, 'SIGCONT'),
  },
  {
    name: 'SIGSTOP of agent and warden (not of jobs and sentinel), woken afterwards',
    strike: (place) => [place.agentPid, place.wardenPid()].forEach((pid) => signal(pid, 'SIGSTOP')),
    undo: (place) => [place.agentPid, place.wardenPid()].forEach((pid) => signal(pid, 'SIGCONT')),
  },
  {
    name: 'SIGSTOP of everything there (a frozen machine), woken afterwards',
    strike: (place) => place.family().forEach((pid) => signal(pid, 'SIGSTOP')),
    undo: (place) => place.family().forEach((pid) => signal(pid, 'SIGCONT')),
  },
  {
    name: 'network cut, silently',
    strike: (place) => place.wire.cut('drop'),
    undo: (place) => place.wire.heal(),
  },
  {
    name: 'network cut, connections reset',
    strike: (place) => place.wire.cut('reset'),
    undo: (place) => place.wire.heal(),
  },
];

interface Round {
  /** Of each job, from the fault until its new process had started, seconds. */
  readonly movedSeconds: readonly number[];
  /** From the fault until the last beat at the old place, the longest; negative: none came after it. */
  readonly oldSeconds: number;
  /** The longest that two attempts of one job lived at once, seconds. */
  readonly overlapSeconds: number;
  /** From when it was last heard until it was given up, seconds. */
  readonly verdictSeconds: number;
}

/**
 * From a fault of a provider until its jobs run at another: the whole service and two agents as processes of their
 * own, default settings, and the jobs' own notes of when they lived.
 */
export async function failover(bench: Bench): Promise<Finding> {
  const rounds = bench.quick ? 1 : 5;
  const service = await startService(bench, { env: { NARU_PROCESS_BROKER: '' } });
  await service.api.makeProject();
  const spare = await openPlace(bench, service, 'spare', { capacity: JOBS, price: 200 });
  const found = FAULTS.map((fault) => ({ fault, rounds: [] as Round[] }));
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, { fault, rounds: of }] of found.entries()) {
      const one = await once(bench, service, fault, `lost-${round}-${index}`);
      of.push(one);
      bench.say(
        `failover ${round + 1}/${rounds}: ${fault.name}: p50 ${number(quantile(rising(one.movedSeconds), 0.5))} s, overlap ${number(one.overlapSeconds)} s`,
      );
    }
  }
  await spare.end();
  await service.stop();
  return finding(found, rounds);
}

async function once(bench: Bench, service: Service, fault: Fault, name: string): Promise<Round> {
  const place = await openPlace(bench, service, name, { capacity: JOBS, price: 100 });
  const jobs = await startBeating(bench, service, JOBS, [name, 'spare']);
  await jobs.untilAttempt(1, MOVED_WITHIN_MS);
  place.family();
  // Anywhere in the beat of the sweep and of the heartbeats.
  await wait(1_000 + Math.random() * 1_000);
  const faultAt = Date.now() / 1_000;
  fault.strike(place);
  const moved = await jobs.untilAttempt(2, MOVED_WITHIN_MS);
  fault.undo?.(place);
  await wait(WATCHED_MS);
  const beats = jobs.ledger.read();
  const verdictSeconds = await verdictOf(service, name);
  await jobs.end();
  await place.end();
  return {
    movedSeconds: moved.map(({ first }) => first - faultAt),
    oldSeconds: lastOf(beats, 1) - faultAt,
    overlapSeconds: overlapOf(beats),
    verdictSeconds,
  };
}

const lastOf = (beats: readonly Beats[], attempt: number): number =>
  Math.max(...beats.filter((one) => one.attempt === attempt).map(({ last }) => last));

async function verdictOf(service: Service, provider: string): Promise<number> {
  const { items } = await service.api.call('GET', `/v1/providers/${provider}/health?limit=100`);
  const down = (items as { state: string; reason: string }[]).find(({ state }) => state === 'down');
  return Number(/silent for ([\d.]+) s/.exec(down?.reason ?? '')?.[1] ?? NaN);
}

function finding(
  found: readonly { readonly fault: Fault; readonly rounds: readonly Round[] }[],
  rounds: number,
): Finding {
  const { leaseSeconds, leaseMarginMs, sweepMs, downAfterMs, heartbeatMs } = DEFAULT_TIMING;
  const floor = leaseSeconds + leaseMarginMs / 1_000;
  const head = [
    'seconds from the fault',
    'running elsewhere, p50',
    'p99',
    'max',
    'given up after a silence of',
    'last sign of the old run',
    'both at once, longest',
  ];
  const rows = found.map(({ fault, rounds: of }) => {
    const moved = rising(of.flatMap(({ movedSeconds }) => movedSeconds));
    return [
      fault.name,
      ...[0.5, 0.99, 1].map((q) => number(quantile(moved, q))),
      spread(measured(of.map(({ verdictSeconds }) => verdictSeconds))),
      number(Math.max(...of.map(({ oldSeconds }) => oldSeconds))),
      number(Math.max(...of.map(({ overlapSeconds }) => overlapSeconds))),
    ];
  });
  return {
    title: 'Failover: from a fault to running elsewhere, with real processes',
    table: table([head, ...rows]),
    notes: [
      `The service and two agents as processes of their own, default settings; ${JOBS} jobs run at one agent, which then has the fault, and the other has room for all. ${rounds} rounds of each fault, taking turns, each with an agent of its own: ${rounds * JOBS} moves a line. Everything on one machine, the jobs’ own work included.`,
      '`running elsewhere`: until the job’s new process itself wrote that it lives, not what the service believes. `last sign`: the latest note of an old process, at most a tenth of a second old; negative: none came after the fault. `both at once`: for how long the old process noted anything while the new one did, watched for 4 s after everything ran elsewhere and the fault was undone; 0: never.',
      `The floor is the lease: ${leaseSeconds} s after it was last heard the old place has ended its jobs by itself (or is dead), ${leaseMarginMs} ms more are for what clocks and SIGKILL may differ; no job starts elsewhere before that, so nothing here can be faster than ${floor} s after the last contact, which is up to ${heartbeatMs / 1_000} s before the fault (a sync is held for so long; that is why a line can be below ${floor}). The sweep that sees it comes every ${sweepMs} ms, then the job is placed, the order is fetched, its process starts. The verdict (${downAfterMs / 1_000} s of silence) falls before the lease ends and adds nothing.`,
      'With agent and warden both stopped the sentinel ends the jobs, two shells that read until when each lease holds; it waits 150 ms for the warden first, so the last sign comes that much later. A machine that was frozen as a whole, the sentinel too, goes on for the moment that it needs to see what is over: that is the one line in which an old run may be seen beside the new one. It may not write a checkpoint, nor is it believed to be the job.',
      'A shorter lease would be faster and would end healthy work in every short blip: with 6 s, 3 s without network move nothing (`alarms`).',
    ],
  };
}
