import { assignGreedily } from '../src/core/placement/batch/greedy.ts';
import { decidePlacements, marketOf, Session, stateOf } from '../src/core/placement/decide.ts';
import type { PlacementSnapshot } from '../src/core/placement/types.ts';
import type { Bench, Finding } from './harness/bench.ts';
import { contended, type Draw, type Supply } from './harness/contended.ts';
import { SHAPES } from './harness/contended-offers.ts';
import { exactSolver, RELATIVE_GAP, type ExactSolver } from './harness/exact.ts';
import { costOf, problemOf } from './harness/problem-of.ts';
import { readPublicData, type PublicData } from './harness/public-data.ts';
import { number, quantile, rising } from './harness/stats.ts';
import { table } from './harness/table.ts';

/** Of each supply, a third of each shape. */
const INSTANCES: Readonly<Record<Supply, number>> = { plenty: 210, scarce: 60 };
const TOLERANCE = 0.01;

/** One contended batch, placed in turn, by the product, and by the solver. */
interface Instance {
  readonly jobs: number;
  readonly proven: boolean;
  readonly exact: Plan;
  readonly greedy: Plan & { readonly ms: number };
  readonly ours: Plan & { readonly ms: number };
}

interface Plan {
  readonly placed: number;
  readonly cost: number;
}

/**
 * As good as the optimum? The whole of the product's decision, from a snapshot to a plan, against a mixed-integer
 * solver on the same queue written as numbers by other code.
 */
export async function optimum({ quick, say }: Bench): Promise<Finding> {
  const data = readPublicData();
  if (data === null) return absent();
  const solver = await exactSolver();
  const found = (['plenty', 'scarce'] as const).map((supply) => {
    const count = quick ? 9 : INSTANCES[supply];
    const instances = Array.from({ length: count }, (_, index) => {
      if (index % 30 === 0) say(`optimum: ${supply}, ${index} of ${count}`);
      return measure(data, solver, drawn(supply, index));
    });
    return { supply, instances: instances.flatMap((one) => one ?? []), count };
  });
  return {
    title: 'As good as the optimum: contended batches',
    table: table([
      [
        '',
        'instances',
        'jobs',
        'placed fewer than the optimum',
        'cost above it: median',
        'p95',
        'max',
        'over 1 %',
        'ms',
      ],
      ...found.flatMap(({ supply, instances }) => [
        row(`${supply}: in turn`, instances, ({ greedy }) => greedy),
        row(`${supply}: ours`, instances, ({ ours }) => ours),
      ]),
    ]),
    notes: [
      'Jobs of 30 to 120 a batch: sizes, durations, CPUs, memory and accepted models of Philly, Chronus and openb; offers of the public catalogs, a third as whole machines of small capacity, a third as offers of 1, 2, 4 and 8 GPUs that share a host or a regional quota, a third both; two of five jobs allow spot, one of five wants nothing else; some run on several machines.',
      '`plenty`: the cheap offers hold 0.6 to 1.4 times the GPUs that are asked for, and a dear one of each model never runs out, so everything that fits anywhere can be placed. `scarce`: nothing dear besides, 1.3 to 2.2 times the GPUs, so that some wait in the optimum, too.',
      `The optimum: most jobs first, then the least cost (HiGHS, relative gap ${RELATIVE_GAP}, ${found.reduce((sum, { instances }) => sum + instances.filter(({ proven }) => !proven).length, 0)} not proven in its 20 s). In \`scarce\` whoever was placed in turn has to stay placed, which is what a queue promises; leaving out somebody earlier and dearer would cost less and is no plan that we would make.`,
      '`in turn`: each job the cheapest that is left, in the order of the queue. Cost is of the batches where as many were placed as in the optimum. `ms`: median of a whole decision (for `in turn`, of the loop over ready options alone).',
      ...found.flatMap(({ supply, instances, count }) =>
        instances.length < count
          ? [`${supply}: ${count - instances.length} left out, the solver found nothing in its time.`]
          : [],
      ),
    ],
  };
}

function drawn(supply: Supply, index: number): Draw {
  const shape = SHAPES[index % SHAPES.length] ?? 'both';
  return { seed: index + (supply === 'scarce' ? 10_001 : 1), shape, supply, jobs: 30 + ((index * 37) % 91) };
}

function measure(data: PublicData, solver: ExactSolver, draw: Draw): Instance | null {
  const { snapshot } = contended(data, draw);
  const problem = problemOf(snapshot);
  const [greedy, greedyMs] = timed(() => assignGreedily(problem));
  const inTurn = placedInTurn(snapshot);
  const kept = Uint8Array.from(inTurn, (placed) => (draw.supply === 'scarce' && placed ? 1 : 0));
  const exact = solver.solve(problem, kept);
  if (exact === null) return null;
  const [plan, ms] = timed(() => decidePlacements(snapshot));
  const { placements } = plan;
  return {
    jobs: snapshot.jobs.length,
    proven: exact.proven,
    exact,
    greedy: { placed: greedy.placed, cost: greedy.cost, ms: greedyMs },
    ours: { placed: placements.length, cost: costOf(snapshot, placements), ms },
  };
}

/** Whom the product's own turns give a place, in the order of the queue: of equally good places, which is taken decides who comes too late. */
function placedInTurn(snapshot: PlacementSnapshot): boolean[] {
  const session = new Session(marketOf(snapshot), stateOf(snapshot));
  return snapshot.jobs
    .toSorted((a, b) => a.queuedAt.getTime() - b.queuedAt.getTime())
    .map((job) => session.consider(job) !== null);
}

function timed<T>(work: () => T): [T, number] {
  const started = performance.now();
  const made = work();
  return [made, performance.now() - started];
}

function row(
  name: string,
  instances: readonly Instance[],
  of: (one: Instance) => Instance['ours'],
): string[] {
  const fewer = instances.filter((one) => of(one).placed < one.exact.placed);
  const gaps = rising(
    instances
      .filter((one) => of(one).placed === one.exact.placed && one.exact.cost > 0)
      .map((one) => of(one).cost / one.exact.cost - 1),
  );
  return [
    name,
    String(instances.length),
    String(instances.reduce((sum, { jobs }) => sum + jobs, 0)),
    String(fewer.length),
    ...[0.5, 0.95, 1].map((share) => `${(100 * quantile(gaps, share)).toFixed(3)} %`),
    String(gaps.filter((gap) => gap > TOLERANCE).length),
    number(quantile(rising(instances.map((one) => of(one).ms)), 0.5)),
  ];
}

function absent(): Finding {
  return {
    title: 'As good as the optimum: contended batches',
    table: '(not measured)',
    notes: [
      'The public offers and workloads are not here: put them beside the checkout, or name their folder in NARU_TEST_DATA.',
    ],
  };
}
