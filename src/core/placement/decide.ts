import type { Waiting } from '../job.ts';
import { Purse, waitingForMoney, type Purses } from '../ledger/purse.ts';
import type { Shortage } from '../ledger/plan.ts';
import { bestNow, type Entry } from './choose.ts';
import { decisionOf, heldDecision, waitingDecision } from './explain.ts';
import { exchange, newBudget } from './exchange.ts';
import { holdFor, MAX_HOLDS } from './hold.ts';
import { openMarket, type Market } from './market.ts';
import { saleFor } from './match.ts';
import { drawOf, openPass, placesAt, take, viewOf, type Pass, type State } from './pass.ts';
import { byRank, FairQueue } from './queue.ts';
import { readRequest, signatureOf } from './request.ts';
import type { Ask, Explained, Turn } from './turn.ts';
import type { Placement, PlacementPlan, PlacementSnapshot, QueuedJob, World } from './types.ts';
import { heldBack, whyWaiting } from './wait.ts';

/** How many candidates a decision remembers: enough to see why, and a decision stays a few kilobytes. */
export const CANDIDATES_KEPT = 10;

/**
 * A pass over the queue, page by page: each job in its turn, then `settle`. Pure: the same market, state and jobs give
 * the same plan. Places are counted down as they are given, so a plan never oversells; a job that cannot be placed takes
 * nothing from those behind it (but see hold.ts). Within a page, jobs of equal band may exchange their places when
 * that places more of them, or all of them for less (exchange.ts).
 *
 * The objectives are defined in objective.ts, the rules in rules.ts, the order in queue.ts. A move's target is taken
 * first while it fits and has room; providers that a job avoids are taken only where nothing else has room. Both
 * are preferences: neither makes a job wait that could run.
 */
export class Session {
  readonly pass: Pass;
  readonly #asks = new Map<string, Ask>();
  #turns: Turn[] = [];
  #held: { job: QueuedJob; waiting: Waiting }[] = [];
  #view: Pass;
  #wakeAt: Date | null = null;
  #holds = 0;
  readonly #budget = newBudget();
  readonly #purse: Purse | null;

  /** @param purses null: nobody's money is looked at */
  constructor(market: Market, state: State, purses: Purses | null = null) {
    this.#purse = purses === null ? null : new Purse(purses, state.now);
    this.pass = openPass(market, state);
    this.#view = viewOf(this.pass);
  }

  /** The job's turn. What it is given may still be exchanged for something else; whether it is given anything is final. */
  consider(job: QueuedJob): { readonly offerGpuCount: number } | null {
    const held = heldBack(job, this.pass.now, this.pass.market.currency);
    if (held !== null) {
      if (held.until !== null) this.#wake(held.until);
      this.#held.push({ job, waiting: held.waiting });
      return null;
    }
    const ask = this.#askOf(job);
    const found = ask.deadSince === this.pass.given ? [] : bestNow(ask.request, this.pass, CANDIDATES_KEPT);
    const { taken, poor } = this.#firstPaid(job, ask, found);
    if (poor !== null) {
      this.#turns.push({ job, ask, found, taken, note: null, poor });
      return null;
    }
    if (taken !== null) {
      take(this.pass, taken.sale >> 1, ask.request.needs);
      ask.waiting = null;
    } else {
      ask.deadSince = this.pass.given;
      if (this.#holds < MAX_HOLDS && holdFor(job, ask.request, this.pass)) this.#holds += 1;
    }
    this.#turns.push({ job, ask, found, taken, note: null, poor });
    return taken === null ? null : { offerGpuCount: this.pass.market.columns.gpuCount[taken.sale >> 1] ?? 0 };
  }

  /** Ends a page. */
  settle(): PlacementPlan {
    const { pass } = this;
    exchange(pass, this.#turns, this.#budget);
    const before = this.#view;
    const after = viewOf(pass);
    const placements: Placement[] = [];
    const waiting = this.#held.map(({ job, waiting: why }) => ({
      jobId: job.id,
      waiting: () => why,
      decision: () => heldDecision(pass, job, why),
    }));
    for (const turn of this.#turns) {
      if (turn.taken !== null) placements.push(placementOf(before, turn, turn.taken));
      else waiting.push({ jobId: turn.job.id, ...explained(after, turn) });
    }
    if (waiting.length > this.#held.length) this.#wakeForOffers();
    this.#turns = [];
    this.#held = [];
    this.#view = after;
    return { placements, waiting, wakeAt: this.#wakeAt };
  }

  /** Is there anything left that anybody could be given? */
  anythingFree(): boolean {
    const { pass } = this;
    return pass.free.some(
      (_, position) =>
        placesAt(pass, position) > 0 && pass.always[pass.market.columns.provider[position] ?? 0] === 0,
    );
  }

  /** The best that there is money for. */
  #firstPaid(
    job: QueuedJob,
    { request }: Ask,
    found: readonly Entry[],
  ): { readonly taken: Entry | null; readonly poor: Waiting | null } {
    const purse = this.#purse;
    let first: Shortage | null = null;
    for (const entry of found) {
      const sale = saleFor(request, this.pass, entry.sale);
      const price = (sale?.micros ?? 0n) * BigInt(request.needs.nodes);
      const shortage = purse?.begin(job, price) ?? null;
      if (shortage === null) return { taken: entry, poor: null };
      first ??= shortage;
    }
    return { taken: null, poor: first && waitingForMoney(first, this.pass.market.currency) };
  }

  #askOf(job: QueuedJob): Ask {
    const signature = signatureOf(job, this.pass.now);
    const known = this.#asks.get(signature);
    if (known !== undefined) return known;
    const request = readRequest(job, this.pass);
    const ask: Ask = { request, deadSince: null, waiting: null };
    this.#asks.set(signature, ask);
    return ask;
  }

  #wake(at: Date): void {
    if (this.#wakeAt === null || at < this.#wakeAt) this.#wakeAt = at;
  }

  #wakeForOffers(): void {
    const now = this.pass.now.getTime();
    let first = Infinity;
    for (const from of this.pass.market.columns.effectiveFromMs) if (from > now && from < first) first = from;
    if (first < Infinity) this.#wake(new Date(first));
  }
}

/** Everything at once: for a quote, a test, a repetition. */
export function decidePlacements(snapshot: PlacementSnapshot): PlacementPlan {
  const session = new Session(marketOf(snapshot), stateOf(snapshot));
  const queue = new FairQueue(snapshot.now, snapshot.shares);
  const byProject = Map.groupBy(snapshot.jobs, ({ project }) => project);
  for (const [project, jobs] of byProject) queue.add(project, jobs.toSorted(byRank));
  for (let job = queue.next(); job !== null; job = queue.next()) {
    const placed = session.consider(job);
    if (placed !== null) queue.placed(job, placed.offerGpuCount);
  }
  return session.settle();
}

export function marketOf(world: World): Market {
  return openMarket({ ...world, providers: world.providers.map(({ name }) => name) });
}

export function stateOf({ now, providers, rules, policies, verifiedPairs, offers, pools }: World): State {
  return {
    ...(verifiedPairs && { verifiedPairs }),
    now,
    providers,
    rules,
    policies,
    usedOffers: offers.filter(({ used }) => used > 0),
    usedPools: pools.filter((pool) => pool.usedGpus > 0 || pool.usedCpuMillis > 0 || pool.usedMemoryMiB > 0),
  };
}

/** There was room, and no money; or what all of its sort wait for. */
function explained(view: Pass, { ask, poor }: Turn): Explained {
  if (poor === null) return explainedOnce(view, ask);
  return { waiting: () => poor, decision: once(() => waitingDecision(view, ask.request, poor)) };
}

function explainedOnce(view: Pass, ask: Ask): Explained {
  if (ask.waiting !== null) return ask.waiting;
  const waiting = once(() => whyWaiting(ask.request, view));
  ask.waiting = { waiting, decision: once(() => waitingDecision(view, ask.request, waiting())) };
  return ask.waiting;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}

function placementOf(before: Pass, turn: Turn, taken: Entry): Placement {
  const { request } = turn.ask;
  const position = taken.sale >> 1;
  const lot = before.market.lots[position];
  const sale = saleFor(request, before, taken.sale);
  if (lot === undefined || sale === null) throw new Error('a placement on nothing');
  return {
    jobId: turn.job.id,
    provider: lot.offer.provider,
    offer: lot.offer.name,
    region: lot.offer.region,
    spot: (taken.sale & 1) === 1,
    nodes: request.needs.nodes,
    offerGpuCount: lot.offer.gpuCount,
    draw: drawOf(before, position, request.needs),
    listPriceMicrosPerHour: sale.listMicros,
    listCurrency: sale.listCurrency,
    rateMicros: sale.rateMicros,
    priceMicrosPerHour: sale.micros,
    decision: once(() => decisionOf(before, turn, taken)),
  };
}
