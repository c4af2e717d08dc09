import { canonicalJson, sha256Hex } from '../core/canonical.ts';
import { Session } from '../core/placement/decide.ts';
import {
  ENGINE,
  partsOf,
  readMarket,
  readPage,
  type JobRecord,
  type MarketRecord,
  type PageRecord,
} from '../core/placement/record.ts';
import type { Decision, PlacementPlan, QueuedJob } from '../core/placement/types.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { findDecision, findInput, findParts, findRecordedJobs } from '../store/read/inputs.ts';
import { unzipped } from './inputs.ts';

/** A decision made again. */
export interface Replayed {
  readonly decisionId: string;
  readonly inputId: string;
  /** Which engine decided, and which one did it again: another one may decide otherwise. */
  readonly engine: string;
  readonly replayedBy: string;
  /** Hex SHA-256 of the canonical JSON of either; `same` when they are equal, byte for byte. */
  readonly storedHash: string;
  readonly replayedHash: string;
  readonly same: boolean;
  readonly replayed: Decision | null;
}

/**
 * Makes a job's decision again, from what is stored of the pass that made it: the whole pass up to the decision's page,
 * as what one page takes the next finds taken. Changes nothing.
 *
 * Problems: not-found (no such decision of this job), state-conflict (it is older than the keeping of inputs).
 */
export async function replayDecision(
  deps: Pick<Deps, 'store'>,
  jobId: string,
  decisionId: string,
): Promise<Replayed> {
  const decision = await findDecision(deps.store.db, decisionId);
  if (decision === null || decision.jobId !== jobId)
    throw new Problem('not-found', 'The job has no such decision.');
  if (decision.inputId === null)
    throw new Problem(
      'state-conflict',
      'Nothing is kept that it was decided from: the job went on where it stood by, or it is older than the keeping.',
    );
  const { pages, engine } = await loadPages(deps, decision.inputId);
  const plan = await decideAgain(deps, pages);
  const found = [...plan.placements, ...plan.waiting].find((one) => one.jobId === jobId);
  const replayed = found?.decision() ?? null;
  const storedHash = sha256Hex(canonicalJson(decision.body));
  const replayedHash = sha256Hex(canonicalJson(replayed));
  return {
    decisionId,
    inputId: decision.inputId,
    engine,
    replayedBy: ENGINE,
    storedHash,
    replayedHash,
    same: storedHash === replayedHash,
    replayed,
  };
}

/** The page and those before it in its pass, in their order. */
async function loadPages(
  { store }: Pick<Deps, 'store'>,
  inputId: string,
): Promise<{ readonly pages: readonly PageRecord[]; readonly engine: string }> {
  const pages: PageRecord[] = [];
  let engine = '';
  for (let id: string | null = inputId; id !== null;) {
    const input = await findInput(store.db, id);
    if (input === null) throw new Error(`the decision input ${id} is not there`);
    engine = input.engine;
    const page = readPage(unzipped(input.body));
    pages.unshift(page);
    id = page.after;
  }
  return { pages, engine };
}

/** @returns the plan of the last page */
async function decideAgain(deps: Pick<Deps, 'store'>, pages: readonly PageRecord[]): Promise<PlacementPlan> {
  const first = pages[0]?.market;
  if (!first) throw new Error('a pass without a market');
  const { market, state, purses } = await loadMarket(deps, first);
  const session = new Session(market, state, purses);
  let plan: PlacementPlan = { placements: [], waiting: [], wakeAt: null };
  for (const { jobs } of pages) {
    for (const job of await recordedJobs(deps, jobs)) session.consider(job);
    plan = session.settle();
  }
  return plan;
}

async function loadMarket({ store }: Pick<Deps, 'store'>, record: MarketRecord) {
  const bodies = await findParts(store.db, partsOf(record));
  return readMarket(record, (hash) => {
    const body = bodies.get(hash);
    const text = body === undefined ? null : unzipped(body);
    // What an auditor reads years later must be what was written.
    if (text === null || sha256Hex(text) !== hash)
      throw new Error(`the market part ${hash} is not as it was`);
    return text;
  });
}

async function recordedJobs(
  { store }: Pick<Deps, 'store'>,
  records: readonly JobRecord[],
): Promise<QueuedJob[]> {
  const known = await findRecordedJobs(
    store.db,
    records.map(({ id }) => id),
  );
  return records.map((record) => {
    const job = known.get(record.id);
    if (job === undefined) throw new Error(`the job ${record.id} is not there any more`);
    return { ...job, ...record };
  });
}
