import type { Timing } from '../../src/core/timing.ts';
import type { JobFacts, OfferState, Snapshot } from './facts.ts';
import { lacksMoney } from './lacks.ts';
import { brokenPrice, brokenRules, type Sale } from './oracle.ts';
import { everHolds, hasRoom } from './room.ts';
import { RATES } from './market.ts';

/** In calm, with nothing broken any more: is what a queued job says it waits for true? Null: yes. */
export function untrueWait(job: JobFacts, world: Snapshot, nowMs: number, timing: Timing): string | null {
  const { waiting } = job;
  if (waiting === null) return 'it waits without a reason';
  if (waiting.reason === 'approval' || isAsking(job))
    return waiting.reason === 'approval' && isAsking(job)
      ? null
      : `it says ${waiting.reason}, and nobody has approved it`;
  const fitting = [...world.offers.values()].filter((offer) => fits(job, offer, world, nowMs));
  const affordable = fitting.filter((offer) => isAffordable(job, offer, world, nowMs));
  // What a drill proved, a storm or a lapsed certificate may have voided.
  if (asksForProof(job, world)) return null;
  const free = affordable.filter((offer) => hasRoom(job, offer, poolOf(offer, world)));
  const paid = free.find((offer) =>
    pricesOf(job, offer, world, nowMs).some((micros) => !lacksMoney(job, micros, world, nowMs, timing)),
  );
  if (paid !== undefined)
    return `it says ${waiting.reason} (${waiting.detail}), and ${paid.provider}/${paid.name} has room for it`;
  // What is closed opens again when something starts there, for which there is no money: both are true.
  const brokeOrClosed = ['budget', 'provider-health'].includes(waiting.reason);
  if (free.length > 0) return brokeOrClosed ? null : `it says ${waiting.reason}, and what it lacks is money`;
  switch (waiting.reason) {
    case 'no-capacity':
      return affordable.length > 0 ? null : 'nothing fits, and it says that all is taken';
    case 'no-match':
      return affordable.length === 0 ? null : 'it says that nothing matches, and something only is taken';
    case 'no-rate':
      return affordable.length === 0 && isUnrated(job, fitting) ? null : 'all that it could have has a rate';
    default:
      return `it still says ${waiting.reason}: ${waiting.detail}`;
  }
}

const poolOf = ({ provider, pool }: OfferState, { pools }: Snapshot) =>
  pool === null ? undefined : pools.get(`${provider}/${pool}`);

function fits(job: JobFacts, offer: OfferState, world: Snapshot, nowMs: number): boolean {
  const provider = world.providers.get(offer.provider);
  return (
    provider !== undefined &&
    !offer.withdrawn &&
    everHolds(job, offer, poolOf(offer, world)) &&
    brokenRules(job, offer, provider, world.law, nowMs).length === 0
  );
}

/** Does somebody have to approve it, and has not? */
function isAsking({ row }: JobFacts): boolean {
  const { approval } = JSON.parse(row) as { approval: { approvedBy: string | null } | null };
  return approval !== null && approval.approvedBy === null;
}

function isAffordable(job: JobFacts, offer: OfferState, world: Snapshot, nowMs: number): boolean {
  return pricesOf(job, offer, world, nowMs).length > 0;
}

/** What it may have the offer for: micros of KRW an hour, all nodes. */
function pricesOf(job: JobFacts, offer: OfferState, { law }: Snapshot, nowMs: number): bigint[] {
  const { provider, name, currency, gpuModel, onDemandMicros, spotMicros } = offer;
  const sales = [
    { spot: false, micros: onDemandMicros },
    { spot: true, micros: spotMicros },
  ];
  return sales.flatMap(({ spot, micros }) => {
    if (micros === null) return [];
    const asked = { provider, offer: name, spot, listMicros: BigInt(micros), currency, gpuModel };
    return [asked, ...heldSales(job, asked, nowMs)]
      .filter((sale) => brokenPrice(job, sale, law, nowMs).length === 0)
      .map((sale) => inWon(sale) * BigInt(job.spec.resources.nodes));
  });
}

const inWon = ({ listMicros, currency }: Sale): bigint =>
  (listMicros * (RATES.get(currency) ?? 0n) + 500_000n) / 1_000_000n;

/** While its quote lives, a job may also have the offer as it was quoted. */
function heldSales({ quote }: JobFacts, asked: Sale, nowMs: number): Sale[] {
  if (quote === null || Date.parse(quote.expiresAt) <= nowMs) return [];
  return quote.prices
    .filter((one) => one.provider === asked.provider && one.offer === asked.offer && one.spot === asked.spot)
    .map((one) => ({ ...asked, listMicros: BigInt(one.listMicrosPerHour), currency: one.listCurrency }));
}

/** Is there a price that cannot be compared: what it would pay, or what it may pay at most? */
function isUnrated({ spec: { placement } }: JobFacts, fitting: readonly OfferState[]): boolean {
  const limits = [placement.maxPricePerHour, placement.maxPricePerJob].map(
    (limit) => limit?.currency ?? 'KRW',
  );
  return [...limits, ...fitting.map(({ currency }) => currency)].some((currency) => !RATES.has(currency));
}

function asksForProof({ spec, organization, project }: JobFacts, { law }: Snapshot): boolean {
  const levels = [law.organizations.get(organization), law.projects.get(project), spec.placement];
  return levels.some((rules) => rules?.drVerified === true);
}
