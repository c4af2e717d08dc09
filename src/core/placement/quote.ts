import type { JobSpec, Waiting } from '../job.ts';
import type { WireMoney } from '../money.ts';
import { askOf, type HeldPrice, type HeldQuote, type QuotedAsk } from '../quote.ts';
import { bestNow, type Entry } from './choose.ts';
import { candidateOf } from './explain.ts';
import type { Market, Sale } from './market.ts';
import { matchAll, saleFor } from './match.ts';
import { openPass, type Pass, type State } from './pass.ts';
import { rejectionsOf, type FurtherRejections, type Rejection } from './rejections.ts';
import { newlyQueued } from './queue.ts';
import { readRequest, type Request } from './request.ts';
import type { Assumptions, Decision, DecisionCandidate, QueuedJob } from './types.ts';
import { whyWaiting } from './wait.ts';

/** As many as somebody compares. */
export const CANDIDATES_QUOTED = 20;

/** What a job would get now, and why not something else: plain JSON, some tens of kilobytes at most. */
export interface QuoteBody {
  readonly ask: QuotedAsk;
  /** What the estimates were made with. */
  readonly assumptions: Assumptions;
  /** As in a Decision. */
  readonly considered: Decision['considered'];
  /** Of all nodes, accounting currency: of the first candidate. Null: there is none, so no price is quoted. */
  readonly pricePerHour: WireMoney | null;
  /** Best first. */
  readonly candidates: readonly QuotedCandidate[];
  /** See rejections.ts; what has no line of its own is summed up in `furtherRejected`. */
  readonly rejected: readonly Rejection[];
  readonly furtherRejected: readonly FurtherRejections[];
  /** Why the job would wait; null: it would not. */
  readonly waiting: Waiting | null;
}

export interface QuotedCandidate extends Omit<DecisionCandidate, 'taken' | 'tier'> {
  /** Does a job with the quote get it at this price? Not where it costs more per hour than what is quoted. */
  readonly held: boolean;
}

export interface Quoted extends QuoteBody {
  /** What the quote will mean to a job; null: nothing can be had, so nothing is held. */
  readonly prices: HeldPrices | null;
}
export type HeldPrices = Pick<HeldQuote, 'ceilingMicrosPerHour' | 'prices'>;

/** A job that nobody submitted, as if it were alone in the queue. A quote that its spec names is not looked at. */
export function jobToQuote(spec: JobSpec, organization: string, now: Date): QueuedJob {
  return newlyQueued('', spec, organization, now);
}

/**
 * What a pass would decide about the job if nobody else waited, told in full. Pure, and takes nothing: the first
 * candidate is the placement that the job would get.
 */
export function quoteFor(market: Market, state: State, job: QueuedJob): Quoted {
  const pass = openPass(market, state);
  const request = readRequest(job, pass);
  const found = bestNow(request, pass, CANDIDATES_QUOTED).map((entry) => soldAs(request, pass, entry));
  const ceiling = found[0]?.sale.micros ?? null;
  const candidates = found.map(({ entry, sale }) => {
    const { taken: _, tier: __, ...shown } = candidateOf(request, pass, entry, false);
    return { ...shown, held: ceiling !== null && sale.micros <= ceiling };
  });
  const { rejected, further } = rejectionsOf(request, pass);
  return {
    ask: askOf(job.spec, job.organization),
    assumptions: request.assumptions,
    considered: {
      providers: market.providers.length,
      offers: market.lots.length,
      matching: matchAll(request, pass).lots,
    },
    pricePerHour: candidates[0]?.pricePerHour ?? null,
    candidates,
    rejected,
    furtherRejected: further,
    waiting: ceiling === null ? whyWaiting(request, pass) : null,
    prices: ceiling === null ? null : pricesOf(pass, found, ceiling),
  };
}

interface Found {
  readonly entry: Entry;
  readonly sale: Sale;
}

function soldAs(request: Request, pass: Pass, entry: Entry): Found {
  const sale = saleFor(request, pass, entry.sale);
  if (sale === null) throw new Error('a candidate that is not sold');
  return { entry, sale };
}

/** A dearer candidate's price is not held: above the ceiling, it would let the job pay more than was quoted. */
function pricesOf(pass: Pass, found: readonly Found[], ceiling: bigint): HeldPrices {
  const prices = found
    .filter(({ sale }) => sale.micros <= ceiling)
    .map(({ entry, sale }) => heldPrice(pass, entry, sale));
  return { ceilingMicrosPerHour: String(ceiling), prices };
}

function heldPrice({ market }: Pass, entry: Entry, sale: Sale): HeldPrice {
  const { provider = '', name: offer = '' } = market.lots[entry.sale >> 1]?.offer ?? {};
  return {
    provider,
    offer,
    spot: (entry.sale & 1) === 1,
    listMicrosPerHour: String(sale.listMicros),
    listCurrency: sale.listCurrency,
    rateMicros: String(sale.rateMicros),
    microsPerHour: String(sale.micros),
  };
}
