import type { Amounts, OfferState, PoolState, Snapshot } from './facts.ts';
import { drawOf, type Wanted } from './oracle.ts';

/** What offers and pools say of their use, held against what allocations hold. Empty: they say the truth. */
export function brokenRoom(before: Snapshot, now: Snapshot): string[] {
  const places = new Map<string, number>();
  const drawn = new Map<string, Amounts>();
  for (const { state, provider, offer, nodes, pool, draw } of now.allocations.values()) {
    if (state === 'released') continue;
    const key = `${provider}/${offer}`;
    places.set(key, (places.get(key) ?? 0) + nodes);
    if (pool !== null) drawn.set(`${provider}/${pool}`, sum(drawn.get(`${provider}/${pool}`) ?? NONE, draw));
  }
  return [
    ...[...now.offers].flatMap(([key, offer]) =>
      ofOffer(key, offer, places.get(key) ?? 0, before.offers.get(key)),
    ),
    ...[...now.pools].flatMap(([key, pool]) =>
      ofPool(key, pool, drawn.get(key) ?? NONE, before.pools.get(key)),
    ),
  ];
}

const NONE: Amounts = [0, 0, 0];
const sum = (a: Amounts, b: Amounts): Amounts => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];

function ofOffer(key: string, { used, capacity }: OfferState, held: number, before?: OfferState): string[] {
  return [
    ...(used === held ? [] : [`${key} says ${used} are used, and ${held} hold it`]),
    // A vendor may lower a capacity below what is in use; nothing may be added then.
    ...(used > (before?.used ?? 0) && used > capacity ? [`${key} is oversold: ${used} of ${capacity}`] : []),
  ];
}

function ofPool(key: string, { used, totals }: PoolState, held: Amounts, before?: PoolState): string[] {
  const told = held.some((amount, index) => amount !== used[index])
    ? [`pool ${key} says ${used.join('/')} are used, and ${held.join('/')} are drawn`]
    : [];
  const over = used.some(
    (amount, index) => amount > (before?.used[index] ?? 0) && amount > (totals[index] ?? Infinity),
  );
  return over ? [...told, `pool ${key} is oversold: ${used.join('/')} of ${totals.join('/')}`] : told;
}

/** Could the job be there if nobody else were? */
export function everHolds(job: Wanted, offer: OfferState, pool: PoolState | undefined): boolean {
  return holds(job, offer, pool, offer.capacity, pool?.totals ?? UNLIMITED);
}

/** Is there room for it now? */
export function hasRoom(job: Wanted, offer: OfferState, pool: PoolState | undefined): boolean {
  const left = pool?.totals.map((total, index) => (total === null ? null : total - (pool.used[index] ?? 0)));
  return holds(job, offer, pool, offer.capacity - offer.used, left ?? UNLIMITED);
}

const UNLIMITED = [null, null, null];

function holds(
  job: Wanted,
  offer: OfferState,
  pool: PoolState | undefined,
  places: number,
  left: readonly (number | null)[],
): boolean {
  if (places < job.spec.resources.nodes) return false;
  return (
    pool === undefined || drawOf(job, offer).every((amount, index) => amount <= (left[index] ?? Infinity))
  );
}
