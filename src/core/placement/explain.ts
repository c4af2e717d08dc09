import type { Waiting } from '../job.ts';
import { toWire } from '../money.ts';
import type { Entry } from './choose.ts';
import type { Lot, Market } from './market.ts';
import { brokenBy, countIn, type Matching } from './match.ts';
import { whatIsWrong } from './removal.ts';
import type { Request } from './request.ts';
import type { RuleName } from './rules.ts';
import { priceShare, roomShare, SCORE_PARTS, WEIGHTS, type Parts, type ScorePart } from './score.ts';
import {
  TIERS,
  type Decision,
  type DecisionCandidate,
  type DecisionOutcome,
  type DecisionRemoval,
  type QueuedJob,
} from './types.ts';

/** Writes the decisions of everybody who asks the same; what they share is worked out once. */
export interface Explainer {
  placed(best: readonly Entry[]): Decision;
  waiting(why: Waiting): Decision;
}

export function explainer(request: Request, market: Market, matching: Matching): Explainer {
  const { objective } = request.spec.placement;
  const weights = usedOnly(WEIGHTS[objective], objective);
  const considered = {
    providers: market.providers.length,
    offers: market.lots.length,
    matching: matching.lots,
  };
  const removed = matching.removed.map(({ rule, lots, examples }) =>
    removalOf(request, market, rule, lots, examples),
  );
  const full = fullLots(request, market, matching);
  const body = (
    outcome: DecisionOutcome,
    candidates: readonly DecisionCandidate[],
    tiers: readonly number[],
  ): Decision => ({
    version: 1,
    at: market.now.toISOString(),
    objective,
    weights,
    considered,
    outcome,
    candidates,
    removed: [...removed, ...full()],
    notes: notesOf(request, market, tiers),
  });
  return {
    placed: (best) => {
      const candidates = best.map((entry) => candidateOf(request, market, matching, entry));
      return body(
        outcomeOf(candidates[0] as DecisionCandidate),
        candidates,
        best.map((entry) => entry.tier),
      );
    },
    waiting: (why) => body({ kind: 'waiting', ...why }, [], []),
  };
}

/** A decision about a job that was not held against any offer. */
export function heldDecision(market: Market, job: QueuedJob, why: Waiting): Decision {
  return {
    version: 1,
    at: market.now.toISOString(),
    objective: job.spec.placement.objective,
    weights: {},
    considered: { providers: 0, offers: 0, matching: 0 },
    outcome: { kind: 'waiting', ...why },
    candidates: [],
    removed: [],
    notes: [],
  };
}

function outcomeOf({ provider, offer, region, spot, pricePerHour }: DecisionCandidate): DecisionOutcome {
  return { kind: 'placed', provider, offer, region, spot, pricePerHour };
}

function candidateOf(request: Request, market: Market, matching: Matching, entry: Entry): DecisionCandidate {
  const lot = market.lots[entry.sale >> 1] as Lot;
  const sale = (entry.sale & 1) === 1 ? lot.spot : lot.onDemand;
  const { provider, name: offer, region, capacity, currency } = lot.offer;
  return {
    provider,
    offer,
    region,
    spot: (entry.sale & 1) === 1,
    free: entry.free,
    capacity,
    pricePerHour: toWire(sale?.micros ?? 0n, market.currency),
    listPricePerHour: toWire(sale?.listMicros ?? 0n, currency),
    tier: TIERS[entry.tier] ?? 'normal',
    score: entry.points / 1e6,
    parts: usedOnly(partsOf(market, matching, entry), request.spec.placement.objective),
  };
}

function partsOf({ columns }: Market, { cheapest }: Matching, { sale, free }: Entry): Parts {
  const provider = columns.provider[sale >> 1] ?? 0;
  return {
    price: round(priceShare(columns.price[sale] ?? 0, cheapest)),
    room: round(roomShare(free, columns.capacity[sale >> 1] ?? 0)),
    steady: round(columns.steady[provider]),
    accepting: round(columns.accepting[provider]),
    onDemand: 1 - (sale & 1),
  };
}

function round(value: number | undefined): number {
  return Math.round((value ?? 0) * 1e6) / 1e6;
}

/** Only the parts that the objective weighs: the others would only puzzle. */
function usedOnly(values: Parts, objective: Decision['objective']): Partial<Record<ScorePart, number>> {
  const weighed = SCORE_PARTS.filter((part) => WEIGHTS[objective][part] > 0);
  return Object.fromEntries(weighed.map((part) => [part, values[part]]));
}

/** Counts what is full as the pass fills it: those that were from the start, then each that fits as it runs out. */
function fullLots(request: Request, market: Market, matching: Matching): () => DecisionRemoval[] {
  const full = { lots: matching.full.lots, examples: [...matching.full.examples] };
  let seen = market.exhausted.length;
  return () => {
    for (; seen < market.exhausted.length; seen += 1) {
      const position = market.exhausted[seen] ?? 0;
      if (brokenBy(request, market, position) === 0) countIn(full, position);
    }
    return full.lots > 0 ? [removalOf(request, market, 'capacity', full.lots, full.examples)] : [];
  };
}

function removalOf(
  request: Request,
  market: Market,
  rule: RuleName,
  offers: number,
  positions: readonly number[],
): DecisionRemoval {
  const examples = positions.flatMap((position) => {
    const lot = market.lots[position];
    return lot
      ? { provider: lot.offer.provider, offer: lot.offer.name, detail: whatIsWrong(rule, request, lot) }
      : [];
  });
  return { rule, offers, examples };
}

/** `tiers`: of the candidates that are shown; best first, so the first one's is the best there is. */
function notesOf(request: Request, market: Market, tiers: readonly number[]): string[] {
  const notes: string[] = [];
  if (request.target !== null && tiers[0] !== 0) {
    notes.push(
      `${request.target}, named as the target of a move, has nothing free that fits: others are considered`,
    );
  }
  const avoided = market.providers.filter((_, index) => request.tiers[index] === 2).map(({ name }) => name);
  if (avoided.length > 0) {
    notes.push(
      `used only where nothing else has room, for having lost or refused this job: ${avoided.join(', ')}`,
    );
  }
  return notes;
}
