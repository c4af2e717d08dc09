import loadHighs, { type Highs } from 'highs';
import { DIMENSIONS, type BatchProblem } from '../../src/core/placement/batch/problem.ts';

/** The best that is possible, by a mixed-integer solver. */
export interface Exact {
  readonly placed: number;
  readonly cost: number;
  /** By job: its option, or -1. */
  readonly chosen: Int32Array;
  /** False: the solver ran into its time limit, and this is the best that it had. */
  readonly proven: boolean;
}

export interface ExactSolver {
  /**
   * Most jobs first, then the least cost (the same as a cost per unplaced job that outweighs everything, without the
   * rounding that such a number brings). `kept`, by job, 1: it has to be placed. Null: nothing found in the time.
   */
  solve(problem: BatchProblem, kept?: Uint8Array): Exact | null;
}

/** Stop when the bound is within this of the cost; the solver's own default is 1e-4. */
export const RELATIVE_GAP = 1e-6;
const SECONDS = 20;

export async function exactSolver(): Promise<ExactSolver> {
  // The package's types say CommonJS, where its default would be one deeper than it is.
  const load = loadHighs as unknown as typeof loadHighs.default;
  const highs = await load();
  return { solve: (problem, kept = new Uint8Array(problem.jobs)) => solve(highs, problem, kept) };
}

function solve(highs: Highs, problem: BatchProblem, kept: Uint8Array): Exact | null {
  if (problem.cost.length === 0)
    return { placed: 0, cost: 0, chosen: new Int32Array(problem.jobs).fill(-1), proven: true };
  // Mostly everything can be placed, and this is a far easier question than how many can.
  const all = Uint8Array.from(kept, (_, job) => (optionsOf(problem, job) > 0 ? 1 : 0));
  const full = run(highs, problem, all, 0, problem.cost);
  if (full) return full;
  const most = run(
    highs,
    problem,
    kept,
    0,
    problem.cost.map(() => -1),
  );
  if (!most) return null;
  const best = run(highs, problem, kept, most.placed, problem.cost);
  return best && { ...best, proven: best.proven && most.proven };
}

const optionsOf = ({ first }: BatchProblem, job: number) => (first[job + 1] ?? 0) - (first[job] ?? 0);

/** Null: infeasible, or nothing found in the time. */
function run(
  highs: Highs,
  problem: BatchProblem,
  kept: Uint8Array,
  atLeast: number,
  objective: Float64Array,
): Exact | null {
  const { modelStatus } = highs.constants;
  return highs.withModel<Exact | null>(modelOf(highs, problem, kept, atLeast, objective), (model) => {
    model.options.set({ output_flag: false, mip_rel_gap: RELATIVE_GAP, mip_abs_gap: 0, time_limit: SECONDS });
    model.run();
    const status = model.getModelStatus();
    const proven = status === modelStatus.optimal;
    const { colValue } = model.getSolution();
    if ((!proven && status !== modelStatus.timeLimit) || !colValue || colValue.length === 0) return null;
    const chosen = Int32Array.from({ length: problem.jobs }, (_, job) => {
      const [from, to] = [problem.first[job] ?? 0, problem.first[job + 1] ?? 0];
      const at = colValue.subarray(from, to).findIndex((value) => value > 0.5);
      return at < 0 ? -1 : from + at;
    });
    const held = chosen.filter((option) => option >= 0);
    const cost = held.reduce((sum, option) => sum + (problem.cost[option] ?? 0), 0);
    return { placed: held.length, cost, chosen, proven };
  });
}

/** Columns: options, 0 or 1. Rows: jobs, slots, DIMENSIONS a pool, and how many are placed. */
function modelOf(
  highs: Highs,
  problem: BatchProblem,
  kept: Uint8Array,
  atLeast: number,
  objective: Float64Array,
) {
  const { jobs, slotRoom, poolRoom, cost } = problem;
  const slotRow = jobs;
  const poolRow = slotRow + slotRoom.length;
  const countRow = poolRow + poolRoom.length;
  const [starts, indices, values]: [number[], number[], number[]] = [[0], [], []];
  const put = (row: number, value: number) => void (indices.push(row), values.push(value));
  for (let job = 0; job < jobs; job += 1) {
    for (let option = problem.first[job] ?? 0; option < (problem.first[job + 1] ?? 0); option += 1) {
      const slot = problem.slot[option] ?? 0;
      const pool = problem.slotPool[slot] ?? -1;
      put(job, 1);
      put(slotRow + slot, problem.places[option] ?? 0);
      for (let d = 0; d < DIMENSIONS && pool >= 0; d += 1) {
        const drawn = problem.draws[option * DIMENSIONS + d] ?? 0;
        // In thousandths of the whole: a pool's MiB beside a job's 1 would be hard on the solver's tolerances.
        const whole = poolRoom[pool * DIMENSIONS + d] ?? 0;
        if (drawn > 0) put(poolRow + pool * DIMENSIONS + d, whole > 0 ? drawn / whole : 2);
      }
      put(countRow, 1);
      starts.push(indices.length);
    }
  }
  return {
    numCols: cost.length,
    numRows: countRow + 1,
    sense: highs.constants.objectiveSense.minimize,
    colCost: objective,
    colLower: new Float64Array(cost.length),
    colUpper: new Float64Array(cost.length).fill(1),
    integrality: new Int32Array(cost.length).fill(highs.constants.variableType.integer),
    rowLower: Float64Array.from({ length: countRow + 1 }, (_, row) =>
      row < jobs ? (kept[row] ?? 0) : row === countRow ? atLeast : -highs.infinity,
    ),
    rowUpper: Float64Array.from({ length: countRow + 1 }, (_, row) =>
      row < jobs ? 1 : row < poolRow ? (slotRoom[row - slotRow] ?? 0) : row < countRow ? 1 : jobs,
    ),
    matrix: { format: 'csc' as const, numRows: countRow + 1, numCols: cost.length, starts, indices, values },
  };
}
