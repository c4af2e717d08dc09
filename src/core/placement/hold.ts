import { brokenBy } from './match.ts';
import { DIMENSIONS, drawOf, type Pass } from './pass.ts';
import type { Request } from './request.ts';
import type { QueuedJob } from './types.ts';

/**
 * So that waiting ends also for what is large: what small jobs give back one by one would be taken by the next small
 * ones for ever. A job that has waited this long, and whose turn has come while a pool (or, for several nodes, an offer)
 * that fits is only partly free, has that pool to itself: until it fits, nobody behind it is given any of it.
 */
export const HOLD_AFTER_SECONDS = 600;
/** Of one pass: holding leaves things idle, so it is for few. */
export const MAX_HOLDS = 16;

/** Holds what lacks least, the first by name among equals; false: there is nothing to hold. */
export function holdFor(job: QueuedJob, request: Request, pass: Pass): boolean {
  if (pass.now.getTime() - job.queuedAt.getTime() < HOLD_AFTER_SECONDS * 1_000) return false;
  if (request.needs.nodes === 1 && pass.market.pools.length === 0) return false;
  const position = nearest(request, pass);
  if (position < 0) return false;
  const pool = pass.market.columns.pool[position] ?? -1;
  if (pool >= 0) pass.poolHeld[pool] = 1;
  else pass.lotHeld[position] = 1;
  return true;
}

function nearest(request: Request, pass: Pass): number {
  let nearestAt = -1;
  let least = Infinity;
  for (let position = 0; position < pass.market.lots.length; position += 1) {
    if (!mayHold(request, pass, position)) continue;
    const lack = lacking(request, pass, position);
    if (lack < least) {
      least = lack;
      nearestAt = position;
    }
  }
  return nearestAt;
}

function mayHold(request: Request, pass: Pass, position: number): boolean {
  const pool = pass.market.columns.pool[position] ?? -1;
  if (pool < 0 && request.needs.nodes === 1) return false;
  if (pass.lotHeld[position] === 1 || (pool >= 0 && pass.poolHeld[pool] === 1)) return false;
  return brokenBy(request, pass, position) === 0;
}

/** How much of what it needs is not free, the worst dimension, as a share. */
export function lacking(request: Request, pass: Pass, position: number): number {
  const places = (request.needs.nodes - (pass.free[position] ?? 0)) / request.needs.nodes;
  const draw = drawOf(pass, position, request.needs);
  if (draw === null) return Math.max(0, places);
  const at = DIMENSIONS * (pass.market.columns.pool[position] ?? 0);
  const short = [draw.gpus, draw.cpuMillis, draw.memoryMiB].map((needed, dimension) =>
    needed === 0 ? 0 : (needed - (pass.poolFree[at + dimension] ?? 0)) / needed,
  );
  return Math.max(0, places, ...short);
}
