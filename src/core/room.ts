import { isSameShape, type OfferShape } from './offer.ts';
import type { Draw } from './placement/types.ts';

/** What one allocation holds: places of an offer, and what they draw of the offer's pool. */
export interface Taking {
  readonly provider: string;
  readonly offer: string;
  readonly nodes: number;
  /** Null: the offer draws on no pool. */
  readonly draw: Draw | null;
}

/** What is to be taken of an offer, and what the offer was when that was decided. */
export interface Claim extends Taking {
  readonly shape: OfferShape;
}

/** What is left of the offers and pools that a plan wants to take of; by `provider\nname`, see placeOf. */
export interface Room {
  readonly offers: ReadonlyMap<string, OfferRoom>;
  readonly pools: ReadonlyMap<string, PoolRoom>;
}

export interface OfferRoom {
  readonly places: number;
  readonly pool: string | null;
  readonly shape: OfferShape;
}

/** Null: that dimension is not limited. */
export interface PoolRoom {
  readonly gpus: number;
  readonly cpuMillis: number | null;
  readonly memoryMiB: number | null;
}

/** Names an offer or a pool among all providers'. */
export const placeOf = (provider: string, name: string): string => `${provider}\n${name}`;

/**
 * Those for which there is room when they are taken one after the other, whole or not at all; and whose offer is
 * still what it was, and draws on the pool that was planned with.
 */
export function thatFit<T extends Claim>(claims: readonly T[], room: Room): T[] {
  const offers = new Map(room.offers);
  const pools = new Map(room.pools);
  return claims.filter(({ provider, offer, nodes, draw, shape }) => {
    const left = offers.get(placeOf(provider, offer));
    if (left === undefined || !isSameShape(left.shape, shape)) return false;
    if (left.pool !== (draw?.pool ?? null) || left.places < nodes) return false;
    if (draw !== null) {
      const pool = pools.get(placeOf(provider, draw.pool));
      if (pool === undefined || !holds(pool, draw)) return false;
      pools.set(placeOf(provider, draw.pool), without(pool, draw));
    }
    offers.set(placeOf(provider, offer), { ...left, places: left.places - nodes });
    return true;
  });
}

const holds = (pool: PoolRoom, draw: Draw): boolean =>
  enough(pool.gpus, draw.gpus) &&
  enough(pool.cpuMillis, draw.cpuMillis) &&
  enough(pool.memoryMiB, draw.memoryMiB);

/** Nothing is always there, also of what is overdrawn since a vendor lowered its total. */
const enough = (left: number | null, wanted: number): boolean =>
  left === null || wanted === 0 || wanted <= left;

const without = (pool: PoolRoom, draw: Draw): PoolRoom => ({
  gpus: pool.gpus - draw.gpus,
  cpuMillis: pool.cpuMillis === null ? null : pool.cpuMillis - draw.cpuMillis,
  memoryMiB: pool.memoryMiB === null ? null : pool.memoryMiB - draw.memoryMiB,
});
