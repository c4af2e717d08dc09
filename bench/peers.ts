import type { Bench, Finding } from './harness/bench.ts';
import { OURS } from './harness/our-policy.ts';
import { TRACES } from './harness/outage-traces.ts';
import {
  CHECKPOINT_SECONDS,
  FAULT_AT,
  JOBS,
  PROVIDERS,
  runTrace,
  START_SECONDS,
  WORK_SECONDS,
  type Outcome,
  type Policy,
  type Trace,
} from './harness/outage-world.ts';
import { PEER_POLICIES } from './harness/peer-policies.ts';
import { number, quantile, rising } from './harness/stats.ts';
import { table } from './harness/table.ts';

const HEAD = [
  'stood still, p50 s',
  'longest s',
  'starts elsewhere',
  'done again or twice, min a job',
  'of it at the same time, s a job',
  'paid, of the least',
  'never finished',
];

/** The same outages through the published constants of others and through our own decisions, on a virtual clock. */
export async function peers(bench: Bench): Promise<Finding> {
  const seeds = bench.quick ? 1 : 5;
  const rows = TRACES.flatMap((trace) => [
    [`**${trace.name}**`, ...HEAD.map(() => '')],
    ...[OURS, ...PEER_POLICIES].map((policy) => rowOf(trace, policy, seeds)),
  ]);
  return {
    title: 'Beside the peers: the same outages by published defaults',
    table: table([[`${JOBS * seeds} jobs`, ...HEAD], ...rows]),
    notes: notes(seeds),
  };
}

function rowOf(trace: Trace, policy: Policy, seeds: number): string[] {
  if (policy.unknown?.includes(trace.kind)) return [policy.name, ...HEAD.map(() => 'not modelled')];
  const runs = Array.from({ length: seeds }, (_, seed) => runTrace(trace, policy, seed + 1));
  const gaps = rising(runs.flatMap(({ gaps: of }) => of));
  const jobs = JOBS * seeds;
  const sum = (of: (run: Outcome) => number) => runs.reduce((total, run) => total + of(run), 0);
  const least = sum(({ leastPaid }) => leastPaid);
  const unfinished = sum((run) => run.unfinished);
  return [
    policy.name,
    gaps.length === 0 ? '–' : number(quantile(gaps, 0.5)),
    gaps.length === 0 ? '–' : number(gaps.at(-1) ?? NaN),
    String(sum(({ starts }) => starts)),
    number(sum(({ lostSeconds }) => lostSeconds) / jobs / 60),
    number(sum(({ doubledSeconds }) => doubledSeconds) / jobs),
    `${number(sum(({ paid }) => paid) / least)}×`,
    unfinished === 0 ? '' : String(unfinished),
  ];
}

const notes = (seeds: number): string[] => [
  `\\* RE-IMPLEMENTATIONS OF PUBLISHED DEFAULTS, not the programs: ${PEER_POLICIES.map(({ name, from }) => `${name.slice(0, -1)}: ${from}`).join('; ')}. No peer publishes a measured time for the loss of a whole provider. In their favour: features that are off by default count as on, teardown and provisioning (minutes, with most) take no time, a cut-off copy is stopped the moment that its place is reached again, and nothing is lost but what a trace takes.`,
  `Ours: \`judgeHealth\`, \`isOurOwnSilence\`, \`judgeProviderDown\` and \`judgeFault\` of src/core with the timing as it is; the agent’s talk (a call held for a second, given up after three, the lease of an answer counted from its call, jobs told half a second before it ends) is modelled after src/agent, in steps of an eighth of a second.`,
  `${JOBS} jobs of ${WORK_SECONDS / 3_600} h, saving every ${CHECKPOINT_SECONDS / 60} min, run at the cheapest of ${PROVIDERS.length} providers (${PROVIDERS.map(({ price }) => price).join(', ')} an hour), which has the fault after ${FAULT_AT / 60} minutes; ${seeds} seeds for the moments of saving and the peers’ random parts. Every start takes ${START_SECONDS} s, the others have room for all, only the newest copy saves. Nothing is modelled of queues, bandwidth, restoring, or several jobs’ competing.`,
  '`stood still`: of each job the longest time in which no copy of it ran; –: none ever stood still. `done again or twice`: all seconds of running that are in no result, those of jobs that were never finished included. `paid`: by the price of what ran, against the same work with no fault.',
  'What it shows against us: cut off for longer than five seconds, or with answers that are later than 1.75 s (two calls that are each held for a second no longer fit into a lease of six), everything is moved though it would have come back, and what was done since the last checkpoint is done again; the slower peers sit such a cut out. In return nothing of ours ever runs twice, and a real loss costs seconds.',
  '`not modelled`: no default is published for that. Lying is refusing at the launch. A provider that takes orders and runs nothing is not in here: neither side has a published or built-in limit for it that could be compared.',
];
