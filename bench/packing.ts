import { seeded } from '../test/sim/random.ts';
import { drawn, inflate, mostAtEnd, replay, workloadOf, type Workload } from './harness/arrivals.ts';
import type { Bench, Finding } from './harness/bench.ts';
import type { Policy } from './harness/cluster.ts';
import { hasOpenb, openbNodes, openbPods, type OpenbNode, type OpenbPod } from './harness/openb.ts';
import * as policies from './harness/policies.ts';
import { nanosecondsPerScore } from './harness/scoring.ts';
import { measured, number, ratios } from './harness/stats.ts';
import { table } from './harness/table.ts';

const TITLE = 'Packing: GPUs allocated when requests first fail';
/** Rows of which the best is what ours is compared with; FGD counts as one, in whichever of its two forms is better. */
const NAMED = ['first-fit', 'best-fit', 'FGD', 'FGD, and memory'];
/** A third less than the most GPUs that the trace has in use at a time (60), so that requests fail. */
const SUBSET_GPUS = 40;

/** What a policy reached, by seed: shares from 0 to 1. */
interface Reached {
  readonly name: string;
  readonly first: number[];
  readonly end: number[];
}

interface Scenario {
  readonly title: string;
  /** Of the second measure. */
  readonly end: string;
  readonly reached: readonly Reached[];
}

/** How many GPUs of the public openb cluster are put to use, by the rule that chooses between machines. */
export async function packing(bench: Bench): Promise<Finding> {
  if (!hasOpenb) {
    const remedy = 'put it at ../shared/data beside the checkout, or name its folder in NARU_TEST_DATA';
    return { title: TITLE, table: `Skipped: the public openb trace is absent; ${remedy}.`, notes: [] };
  }
  const nodes = openbNodes();
  const pods = openbPods('openb-pods');
  const seeds = bench.quick ? 2 : 20;
  const raw = replay(nodes, workloadOf(pods, nodes), policies.firstFit);
  const scenarios = [
    inflated('openb-pods, drawn, none leaves', nodes, pods, seeds, bench),
    inflated(
      'the same, GPU models accepted as in gpuspec33',
      nodes,
      openbPods('openb-pods-gpuspec33'),
      seeds,
      bench,
    ),
    inflated('openb-pods, half of the GPUs for tasks of 2, 4 and 8', nodes, moreOfMany(pods), seeds, bench),
    subset(nodes, pods, seeds * 5, bench),
  ];
  return {
    title: TITLE,
    table: scenarios.map(tableOf).join('\n\n'),
    notes: [...notes(raw.peak, seeds), cost(nodes, pods)],
  };
}

function inflated(
  title: string,
  nodes: readonly OpenbNode[],
  pods: readonly OpenbPod[],
  seeds: number,
  { say }: Bench,
): Scenario {
  const workload = workloadOf(pods, nodes);
  const gpus = nodes.reduce((sum, node) => sum + node.gpus, 0);
  const draws = Array.from({ length: seeds }, (_, seed) =>
    drawn(workload, gpus, seeded(`packing ${seed}`).next),
  );
  const reached = candidates(nodes, workload).map(({ name, make }) => {
    say(`packing: ${title}: ${name}`);
    const runs = draws.map((tasks, seed) => inflate(nodes, workload.shapes, tasks, make(seed)));
    return { name, first: runs.map((run) => run.atFirstFailure), end: runs.map((run) => run.atEnd) };
  });
  const most = draws.map((tasks) => mostAtEnd(nodes, tasks));
  const bound = { name: 'no policy can exceed', first: most.map(() => NaN), end: most };
  return { title, end: 'when 100 % is asked for, %', reached: [...reached, bound] };
}

/** Other machines for each seed: the trace comes and leaves as it did. */
function subset(
  nodes: readonly OpenbNode[],
  pods: readonly OpenbPod[],
  seeds: number,
  { say }: Bench,
): Scenario {
  const title = `openb-pods as it came and left, on machines of ${SUBSET_GPUS} GPUs`;
  say(`packing: ${title}`);
  const reached = new Map<string, Reached>();
  for (let seed = 0; seed < seeds; seed += 1) {
    const few = someOf(nodes, seed);
    const workload = workloadOf(pods, few);
    for (const { name, make } of candidates(few, workload)) {
      const run = replay(few, workload, make(seed));
      const row = reached.get(name) ?? { name, first: [], end: [] };
      reached.set(name, row);
      row.first.push(run.atFirstFailure);
      row.end.push(run.served);
    }
  }
  return { title, end: 'GPUs given of asked, %', reached: [...reached.values()] };
}

/** Makes each policy anew for a run, for some remember. */
function candidates(
  nodes: readonly OpenbNode[],
  { shapes }: Workload,
): { name: string; make: (seed: number) => Policy }[] {
  const makers: ((seed: number) => Policy)[] = [
    () => policies.firstFit,
    () => policies.bestFit(nodes),
    () => policies.fgd(shapes, false),
    () => policies.fgd(shapes, true),
    () => policies.dotProduct(nodes),
    () => policies.worstFit(nodes),
    (seed) => policies.randomFit(seeded(`random ${seed}`).next),
    () => policies.ours('ours', shapes),
    () => policies.fgdLearning(shapes),
    () => policies.learning(shapes),
    () => policies.ours('ours, told nothing', []),
  ];
  return makers.map((make) => ({ name: make(0).name, make }));
}

/** The same tasks, those of many GPUs repeated until they ask for as much as the others. */
function moreOfMany(pods: readonly OpenbPod[]): OpenbPod[] {
  const many = pods.filter((pod) => pod.gpus > 1);
  const rest = pods.filter((pod) => pod.gpus <= 1);
  const gpusOf = (some: readonly OpenbPod[]) => some.reduce((sum, pod) => sum + pod.gpus, 0);
  const times = Math.round(gpusOf(rest) / gpusOf(many));
  return [...rest, ...Array.from({ length: times }, () => many).flat()];
}

/** In the order in which they were drawn. */
function someOf(nodes: readonly OpenbNode[], seed: number): OpenbNode[] {
  const random = seeded(`machines ${seed}`);
  const left = [...nodes];
  const some: OpenbNode[] = [];
  for (let gpus = 0; gpus < SUBSET_GPUS; gpus += some.at(-1)?.gpus ?? 0) {
    some.push(...left.splice(random.int(0, left.length - 1), 1));
  }
  return some;
}

function tableOf({ title, end, reached }: Scenario): string {
  const [first, last] = [bestOf(reached, 'first'), bestOf(reached, 'end')];
  const rows = reached.map((row) => [
    row.name,
    percent(row.first),
    ratio(row.first, first.first),
    percent(row.end),
    ratio(row.end, last.end),
  ]);
  return table([[title, 'at the first failure, %', `of ${first.name}`, end, `of ${last.name}`], ...rows]);
}

function bestOf(reached: readonly Reached[], measure: 'first' | 'end'): Reached {
  const median = (row: Reached) => measured(row[measure]).median;
  return reached
    .filter(({ name }) => NAMED.includes(name))
    .reduce((best, row) => (median(row) > median(best) ? row : best));
}

/** Two digits, where stats.ts has one: the best lie that close together. */
function percent(shares: readonly number[]): string {
  const { median, min, max } = measured(shares.map((share) => 100 * share));
  return Number.isNaN(median) ? '–' : `${median.toFixed(2)} [${min.toFixed(2)}..${max.toFixed(2)}]`;
}

function ratio(of: readonly number[], to: readonly number[]): string {
  const { median, min, max } = ratios(of, to);
  return Number.isNaN(median) ? '–' : `${median.toFixed(4)}× [${min.toFixed(3)}..${max.toFixed(3)}]`;
}

function notes(peak: number, seeds: number): string[] {
  return [
    `1,523 machines, 6,212 GPUs of seven models. A share of a GPU counts as a whole one. Replayed with its departures the trace never fills the cluster: ${peak} GPUs at the most, nothing refused. So, as in the FGD paper, tasks are drawn from it (${seeds} seeds, the same draws for each policy) and none leaves, until they have asked for all GPUs; and the trace as it was runs on ${SUBSET_GPUS} GPUs' worth of machines drawn from the cluster (${seeds * 5} seeds).`,
    'Median [lowest..highest] of the seeds. `of …`: seed by seed, of the best by median of first-fit, best-fit and FGD; FGD as its simulator has it (GPUs and CPU) and with memory, whichever is better. A task that no machine could run even empty is left out (one in gpuspec33).',
    'FGD and `ours` are told the whole trace’s distribution of tasks; with `learning` they have only what has come so far; `ours, told nothing` knows the standard offers of 1, 2, 4 and 8 GPUs. Ours looks at the cluster every 250 tasks.',
    '`no policy can exceed`: by the models that tasks accept alone, CPU and memory not counted. First-fit is strong with gpuspec33 because rare models lie evenly among the machines: those who need them overtake the others, and have taken them when the others arrive.',
  ];
}

function cost(nodes: readonly OpenbNode[], pods: readonly OpenbPod[]): string {
  const { shapes } = workloadOf(pods, nodes);
  const [best = NaN, fgd = NaN, fit = NaN] = nanosecondsPerScore(nodes, shapes, [
    policies.bestFit(nodes),
    policies.fgd(shapes, true),
    policies.ours('ours', shapes),
  ]);
  return `Scoring one empty machine for one task, with the trace’s ${shapes.length} kinds of tasks: ours ${number(fit / 1_000)} µs, ${number(fit / fgd)}× FGD with memory, ${number(fit / best)}× best-fit.`;
}
