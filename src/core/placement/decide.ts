import type { Waiting } from '../job.ts';
import { best, emptyShortlist, type Entry, type Shortlist } from './choose.ts';
import { explainer, heldDecision, type Explainer } from './explain.ts';
import { openMarket, take, type Lot, type Market } from './market.ts';
import { matchAll, type Matching } from './match.ts';
import { queueOrder } from './order.ts';
import { readRequest, signatureOf, type Request } from './request.ts';
import type {
  Decision,
  Placement,
  PlacementPlan,
  PlacementSnapshot,
  QueuedJob,
  WaitingJob,
} from './types.ts';
import { heldBack, whyWaiting } from './wait.ts';

/** How many candidates a decision remembers: enough to see why, and a decision stays a few kilobytes. */
export const CANDIDATES_KEPT = 10;

/** Everything that jobs of a pass share which ask the same. */
interface Ask {
  readonly request: Request;
  readonly matching: Matching;
  readonly shortlist: Shortlist;
  readonly explain: Explainer;
  /** Set once nothing was left: places are only ever given away in a pass, so nothing will be left later either. */
  dead: { readonly waiting: Waiting; readonly decision: Decision } | null;
}

/**
 * Which queued jobs go where, and why the others wait. Pure: the same snapshot gives the same plan, in whatever
 * order its arrays come. Capacity is counted down as places are given, so a plan never oversells; a job that
 * cannot be placed takes nothing from those behind it.
 *
 * `cheapest`, `available` and `balanced` are defined in score.ts, the rules in rules.ts. A move's target is taken
 * first while it fits and has room; providers that a job avoids are taken only where nothing else has room. Both
 * are preferences: neither makes a job wait that could run.
 */
export function decidePlacements(snapshot: PlacementSnapshot): PlacementPlan {
  const market = openMarket(snapshot);
  const asks = new Map<string, Ask>();
  const placements: Placement[] = [];
  const waiting: WaitingJob[] = [];
  const ends: Date[] = [];
  for (const job of queueOrder(snapshot.jobs)) {
    const held = heldBack(job, snapshot.now);
    if (held) {
      ends.push(held.until);
      waiting.push({
        jobId: job.id,
        waiting: held.waiting,
        decision: heldDecision(market, job, held.waiting),
      });
      continue;
    }
    const outcome = decideOne(job, askOf(job, market, asks), market);
    if ('provider' in outcome) placements.push(outcome);
    else waiting.push(outcome);
  }
  return {
    placements,
    waiting,
    wakeAt: earliest([...ends, ...(waiting.length > 0 ? startDates(market) : [])]),
  };
}

function askOf(job: QueuedJob, market: Market, asks: Map<string, Ask>): Ask {
  const signature = signatureOf(job, market.now);
  const known = asks.get(signature);
  if (known) return known;
  const request = readRequest(job, market);
  const matching = matchAll(request, market);
  const explain = explainer(request, market, matching);
  const ask: Ask = { request, matching, shortlist: emptyShortlist(), explain, dead: null };
  asks.set(signature, ask);
  return ask;
}

function decideOne(job: QueuedJob, ask: Ask, market: Market): Placement | WaitingJob {
  if (!ask.dead) {
    const found = best(ask.request, market, ask.matching, ask.shortlist, CANDIDATES_KEPT);
    const [first] = found;
    if (first) return place(job, first, ask.explain.placed(found), market);
    const waiting = whyWaiting(ask.request, market, ask.matching);
    ask.dead = { waiting, decision: ask.explain.waiting(waiting) };
  }
  return { jobId: job.id, ...ask.dead };
}

function place(job: QueuedJob, entry: Entry, decision: Decision, market: Market): Placement {
  const lot = market.lots[entry.sale >> 1] as Lot;
  const spot = (entry.sale & 1) === 1;
  const sale = spot ? lot.spot : lot.onDemand;
  take(market, entry.sale >> 1);
  return {
    jobId: job.id,
    provider: lot.offer.provider,
    offer: lot.offer.name,
    region: lot.offer.region,
    spot,
    offerGpuCount: lot.offer.gpuCount,
    listPriceMicrosPerHour: sale?.listMicros ?? 0n,
    listCurrency: lot.offer.currency,
    rateMicros: lot.rateMicros ?? 0n,
    priceMicrosPerHour: sale?.micros ?? 0n,
    decision,
  };
}

function startDates(market: Market): Date[] {
  return market.lots
    .filter(({ offer }) => offer.withdrawnAt === null)
    .flatMap(({ offer }) => offer.effectiveFrom ?? [])
    .filter((from) => from > market.now);
}

function earliest(dates: readonly Date[]): Date | null {
  return dates.reduce<Date | null>((first, date) => (first === null || date < first ? date : first), null);
}
