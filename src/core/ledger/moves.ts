import { costMicros } from '../money.ts';
import type { Chain } from './account.ts';
import { rangeIn, type Range } from './run.ts';

/** An allocation whose money is looked at. */
export interface Paying {
  readonly allocationId: string;
  readonly priceMicrosPerHour: bigint;
  readonly startedAt: Date | null;
  /** Until when it is known to have run; at most now. */
  readonly ranUntil: Date;
  readonly meteredSeconds: number;
  /** Null: nobody held any money for it so far. */
  readonly paidSeconds: number | null;
  readonly meterSeconds: number;
  readonly graceSeconds: number;
  /** May it draw on a disaster reserve? */
  readonly failover: boolean;
  /** Must it not stop (standby, active)? It is paid even where an account is frozen. */
  readonly guarded: boolean;
  /** goes: it may be paid further. stops: what is held has to do. over: it has ended, and `ranUntil` is when. */
  readonly phase: 'goes' | 'stops' | 'over';
  /** `limits.maxRuntimeSeconds`; null: it has none. */
  readonly maxRuntimeSeconds: number | null;
}

/** What an account holds for an allocation. */
export interface Hold extends Range {
  readonly accountId: string;
  readonly reservedMicros: bigint;
  readonly chargedMicros: bigint;
}

/** What becomes of a hold, and what that moves. */
export interface HoldMove extends Hold {
  readonly reserve: bigint;
  readonly charge: bigint;
  readonly release: bigint;
}

/**
 * What is held already, with what was used charged to it. Nobody is asked for more: not a budget that is new, for what
 * others have paid, nor one that was over and is not any more.
 */
export function settledMoves(
  one: Paying,
  chains: readonly Chain[],
  holds: ReadonlyMap<string, Hold>,
  used: number,
  paid: number,
  now: Date,
): HoldMove[] {
  const known = chains.map((chain) => chain.filter(({ id }) => holds.has(id)));
  return movesFor(one, known, holds, used, paid, now, ({ to }) => to);
}

/**
 * Every hold as it is when so much is used and so much is paid, and what that moves.
 *
 * @param most no hold reaches further than this
 */
export function movesFor(
  one: Paying,
  chains: readonly Chain[],
  holds: ReadonlyMap<string, Hold>,
  used: number,
  paidSeconds: number,
  now: Date,
  most: (hold: Hold) => number = () => Infinity,
): HoldMove[] {
  const cost = (seconds: number) => costMicros(one.priceMicrosPerHour, seconds);
  return chains.flatMap((chain) => {
    // An account that comes later pays from where the others have paid; a chain that is new, from where the run is now.
    const since = chain.some(({ id }) => holds.has(id)) ? (one.paidSeconds ?? used) : used;
    return chain.flatMap((account): HoldMove[] => {
      const hold = holds.get(account.id);
      const range = rangeIn(account, paidSeconds, one.startedAt, now);
      const from = Math.max(range.from, hold?.from ?? (one.startedAt === null ? 0 : since));
      // Of one that has not started, the time that passes is nobody's yet: it may turn out to have begun before.
      const kept = one.startedAt === null && one.phase !== 'over' ? (hold?.to ?? 0) : 0;
      const to = Math.max(from, kept, hold === undefined ? range.to : Math.min(range.to, most(hold)));
      if (hold === undefined && to === from) return [];
      const at = Math.min(Math.max(used, from), to);
      const chargedMicros = cost(at) - cost(from);
      const reservedMicros = cost(to) - cost(at);
      const charge = chargedMicros - (hold?.chargedMicros ?? 0n);
      const held = (hold?.reservedMicros ?? 0n) - charge;
      return [
        {
          accountId: account.id,
          from,
          to,
          reservedMicros,
          chargedMicros,
          charge,
          reserve: reservedMicros > held ? reservedMicros - held : 0n,
          release: held > reservedMicros ? held - reservedMicros : 0n,
        },
      ];
    });
  });
}

/** How much more a move takes of what is left than has been counted already. */
export function grown(settled: readonly HoldMove[], move: HoldMove): bigint {
  const before = settled.find(({ accountId }) => accountId === move.accountId);
  return takenBy(move) - (before === undefined ? 0n : takenBy(before));
}

export const takenBy = ({ reserve, release }: HoldMove): bigint => reserve - release;
