import type { Waiting } from '../job.ts';
import { toWire } from '../money.ts';
import { compare, type Entry } from './choose.ts';
import type { Turn } from './turn.ts';
import { matchAll, saleFor, type Removed } from './match.ts';
import { hoursOf, POINTS, roomShare } from './objective.ts';
import type { Pass } from './pass.ts';
import { whatIsWrong } from './removal.ts';
import type { Request } from './request.ts';
import {
  TIERS,
  type Decision,
  type DecisionCandidate,
  type DecisionRemoval,
  type QueuedJob,
  type ScoreParts,
} from './types.ts';

/** A decision about a job that was not held against any offer. */
export function heldDecision({ now }: Pass, job: QueuedJob, why: Waiting): Decision {
  return {
    version: 2,
    at: now.toISOString(),
    objective: job.spec.placement.objective,
    assumptions: null,
    considered: { providers: 0, offers: 0, matching: 0 },
    outcome: { kind: 'waiting', ...why },
    candidates: [],
    removed: [],
    notes: [],
  };
}

/** Of a job that waits. `view`: the market at the end of the page, when still nothing fitted. */
export function waitingDecision(view: Pass, request: Request, why: Waiting): Decision {
  return body(view, request, { kind: 'waiting', ...why }, [], notesOf(request, view, null));
}

/** Of a job that was placed. `view`: the market at the beginning of its page, by which what was full is counted. */
export function decisionOf(view: Pass, { ask: { request }, found, note }: Turn, taken: Entry): Decision {
  // What an exchange brought may be better than anything that was free in its turn.
  const known = found.some(({ sale }) => sale === taken.sale);
  const shown = known ? found : [...found, taken].sort(compare);
  const candidates = shown.map((entry) => candidateOf(request, view, entry, entry.sale === taken.sale));
  const own = candidates.find((candidate) => candidate.taken);
  if (own === undefined) throw new Error('what was taken is not among the candidates');
  const { provider, offer, region, spot, pricePerHour, estimatedCost } = own;
  const { nodes } = request.needs;
  const outcome = {
    kind: 'placed',
    provider,
    offer,
    region,
    spot,
    nodes,
    pricePerHour,
    estimatedCost,
  } as const;
  const notes = [...notesOf(request, view, taken), ...(note === null ? [] : [note])];
  return body(view, request, outcome, candidates, notes);
}

function body(
  view: Pass,
  request: Request,
  outcome: Decision['outcome'],
  candidates: readonly DecisionCandidate[],
  notes: readonly string[],
): Decision {
  const matching = matchAll(request, view);
  return {
    version: 2,
    at: view.now.toISOString(),
    objective: request.spec.placement.objective,
    assumptions: request.assumptions,
    considered: {
      providers: view.market.providers.length,
      offers: view.market.lots.length,
      matching: matching.lots,
    },
    outcome,
    candidates,
    removed: matching.removed.map((removed) => removalOf(request, view, removed)),
    notes,
  };
}

/** Also what a quote shows. */
export function candidateOf(request: Request, view: Pass, entry: Entry, taken: boolean): DecisionCandidate {
  const lot = view.market.lots[entry.sale >> 1];
  const sale = saleFor(request, view, entry.sale);
  if (lot === undefined || sale === null) throw new Error('a candidate that is not sold');
  const { provider, name: offer, region, capacity } = lot.offer;
  const { currency } = view.market;
  return {
    provider,
    offer,
    region,
    spot: (entry.sale & 1) === 1,
    taken,
    free: entry.places,
    capacity,
    pricePerHour: toWire(sale.micros * BigInt(request.needs.nodes), currency),
    listPricePerHour: toWire(sale.listMicros, sale.listCurrency),
    estimatedCost: toWire(BigInt(Math.round(entry.cost)), currency),
    tier: TIERS[entry.tier] ?? 'normal',
    score: round(entry.score / POINTS),
    parts: partsOf(request, view, entry),
  };
}

function partsOf(request: Request, view: Pass, { sale, places, availability }: Entry): ScoreParts {
  const { columns } = view.market;
  const provider = columns.provider[sale >> 1] ?? 0;
  const slowness = request.fitting.slowness[columns.shape[sale >> 1] ?? 0] ?? 1;
  const { hours, interruptions, lostHours } = hoursOf(request.assumptions, slowness, (sale & 1) === 1);
  return {
    hours: round(hours),
    interruptions: round(interruptions),
    lostHours: round(lostHours),
    room: round(roomShare(places, columns.capacity[sale >> 1] ?? 0)),
    steady: view.steady[provider] ?? 0,
    accepting: round(view.accepting[provider] ?? 0),
    onDemand: 1 - (sale & 1),
    availability: round(availability / POINTS),
  };
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

function removalOf(request: Request, view: Pass, { rule, lots, examples }: Removed): DecisionRemoval {
  return {
    rule,
    offers: lots,
    examples: examples.flatMap((position) => {
      const lot = view.market.lots[position];
      if (lot === undefined) return [];
      const detail = whatIsWrong(rule, request, view, position);
      return [{ provider: lot.offer.provider, offer: lot.offer.name, detail }];
    }),
  };
}

function notesOf(request: Request, view: Pass, taken: Entry | null): string[] {
  const notes: string[] = [];
  if (request.target !== null && taken?.tier !== 0) {
    notes.push(
      `${request.target}, named as the target of a move, has nothing free that fits: others are considered`,
    );
  }
  const avoided = view.market.providers.filter((_, index) => request.tiers?.[index] === 2);
  if (avoided.length > 0) {
    notes.push(
      `used only where nothing else has room, for having lost or refused this job: ${avoided.join(', ')}`,
    );
  }
  if (taken !== null && request.held.has(taken.sale))
    notes.push('the price is that of the quote: the offer costs more by now');
  return notes;
}
