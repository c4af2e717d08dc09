import type { Waiting } from '../job.ts';
import { toWire, type WireMoney } from '../money.ts';
import { ratedOf, type Choice, type Scored } from './choose.ts';
import type { Lot, Market } from './market.ts';
import type { Matching } from './match.ts';
import { whatIsWrong } from './removal.ts';
import type { Request } from './request.ts';
import { RULES } from './rules.ts';
import { partsOf, SCORE_PARTS, WEIGHTS, type ScorePart } from './score.ts';
import {
  TIERS,
  type Decision,
  type DecisionCandidate,
  type DecisionOutcome,
  type DecisionRemoval,
  type QueuedJob,
} from './types.ts';

/** The parts of an explanation that are the same for everybody who asks the same, but for what is taken. */
export interface Explainer {
  placed(choice: Choice): Decision;
  waiting(why: Waiting): Decision;
}

export function explainer(market: Market, matching: Matching): Explainer {
  const { request } = matching;
  const removed = removalsOf(request, matching);
  const body = (outcome: DecisionOutcome, candidates: readonly DecisionCandidate[]): Decision => ({
    version: 1,
    at: market.now.toISOString(),
    objective: request.spec.placement.objective,
    weights: usedOnly(WEIGHTS[request.spec.placement.objective], request),
    considered: {
      providers: market.providers.length,
      offers: market.lots.length,
      matching: matching.matching,
    },
    outcome,
    candidates,
    removed: [...removed, ...taken(matching)],
    notes: notesOf(matching),
  });
  return {
    placed: (choice) => {
      const candidates = choice.best.map((scored) => candidateOf(market, request, scored, choice.cheapest));
      return body(outcomeOf(candidates[0] as DecisionCandidate), candidates);
    },
    waiting: (why) => body({ kind: 'waiting', ...why }, []),
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

function candidateOf(market: Market, request: Request, scored: Scored, cheapest: number): DecisionCandidate {
  const { candidate, score } = scored;
  const { lot, sale, tier } = candidate;
  return {
    provider: lot.offer.provider,
    offer: lot.offer.name,
    region: lot.offer.region,
    spot: sale.spot,
    free: lot.free,
    capacity: lot.offer.capacity,
    pricePerHour: toWire(sale.micros, market.currency),
    listPricePerHour: listPrice(lot, sale.listMicros),
    tier: TIERS[tier],
    score,
    parts: usedOnly(partsOf(ratedOf(candidate), cheapest), request),
  };
}

function listPrice(lot: Lot, micros: bigint): WireMoney {
  return toWire(micros, lot.offer.currency);
}

/** Only the parts that the objective weighs: the others would only puzzle. */
function usedOnly(
  values: Readonly<Record<ScorePart, number>>,
  request: Request,
): Partial<Record<ScorePart, number>> {
  const weights = WEIGHTS[request.spec.placement.objective];
  return Object.fromEntries(
    SCORE_PARTS.filter((part) => weights[part] > 0).map((part) => [part, values[part]]),
  );
}

function removalsOf(request: Request, matching: Matching): DecisionRemoval[] {
  return [...matching.removed].map(([rule, { offers, examples }]) => ({
    rule,
    offers,
    examples: examples.map((lot) => exampleOf(lot, whatIsWrong(rule, request, lot))),
  }));
}

function taken(matching: Matching): DecisionRemoval[] {
  const full = [...new Set(matching.candidates.map(({ lot }) => lot))].filter((lot) => lot.free === 0);
  if (full.length === 0) return [];
  const examples = full.slice(0, 3).map((lot) => exampleOf(lot, `all ${lot.offer.capacity} are taken`));
  return [{ rule: RULES[RULES.length - 1] ?? 'capacity', offers: full.length, examples }];
}

function exampleOf(lot: Lot, detail: string): { provider: string; offer: string; detail: string } {
  return { provider: lot.offer.provider, offer: lot.offer.name, detail };
}

function notesOf(matching: Matching): string[] {
  const { request, candidates } = matching;
  const notes: string[] = [];
  if (request.target !== null && !candidates.some(({ tier, lot }) => tier === 0 && lot.free > 0)) {
    notes.push(
      `${request.target}, named as the target of a move, has nothing free that fits: others are considered`,
    );
  }
  const avoided = new Set(candidates.filter(({ tier }) => tier === 2).map(({ lot }) => lot.provider.name));
  if (avoided.size > 0) {
    notes.push(
      `lost or refused this job lately, so used only where nothing else has room: ${[...avoided].join(', ')}`,
    );
  }
  return notes;
}
