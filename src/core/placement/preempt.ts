import { byName } from './columns.ts';
import { brokenBy } from './match.ts';
import { giveBack, hasRoom, positionOf, take, type Needs, type Pass } from './pass.ts';
import { readRequest, type Request } from './request.ts';
import type { QueuedJob } from './types.ts';

/** An allocation that may have to make room. */
export interface Holder {
  readonly allocationId: string;
  readonly jobId: string;
  readonly provider: string;
  readonly offer: string;
  /** What its job asked for, of each node. */
  readonly needs: Needs;
  readonly priority: number;
  readonly startedAt: Date;
}

/** Who has to go for whom. */
export interface Preemption {
  readonly jobId: string;
  readonly victims: readonly Holder[];
}

/**
 * Room for work that must not stop, where none is left: of each such job, in its turn, the place that costs the fewest
 * others theirs, then the lowest priority among those who lose it. What is on its way out already (`leaving`) counts as
 * free, so that nobody is stopped for room that is about to be there. Places taken here are taken from the pass.
 *
 * @param holders whose projects let them be preempted
 */
export function preemptFor(
  pass: Pass,
  jobs: readonly QueuedJob[],
  holders: readonly Holder[],
  leaving: readonly Omit<Holder, 'jobId' | 'priority' | 'startedAt'>[],
): Preemption[] {
  for (const { provider, offer, needs } of leaving) {
    const position = positionOf(pass.market, provider, offer);
    if (position >= 0) giveBack(pass, position, needs);
  }
  const staying = [...holders].sort(
    (a, b) =>
      a.priority - b.priority ||
      b.startedAt.getTime() - a.startedAt.getTime() ||
      byName(a.allocationId, b.allocationId),
  );
  const preemptions: Preemption[] = [];
  for (const job of jobs) {
    const request = readRequest(job, pass);
    const found = cheapest(pass, request, staying);
    if (found === null) continue;
    for (const victim of found.victims) {
      giveBack(pass, positionOf(pass.market, victim.provider, victim.offer), victim.needs);
      staying.splice(staying.indexOf(victim), 1);
    }
    take(pass, found.position, request.needs);
    if (found.victims.length > 0) preemptions.push({ jobId: job.id, victims: found.victims });
  }
  return preemptions;
}

interface Found {
  readonly position: number;
  readonly victims: readonly Holder[];
}

function cheapest(pass: Pass, request: Request, staying: readonly Holder[]): Found | null {
  let best: Found | null = null;
  for (let position = 0; position < pass.market.lots.length; position += 1) {
    if (brokenBy(request, pass, position) !== 0) continue;
    const victims = victimsAt(pass, request, position, staying);
    if (victims !== null && (best === null || isLess(victims, best.victims))) best = { position, victims };
    if (victims?.length === 0) break;
  }
  return best;
}

function isLess(a: readonly Holder[], b: readonly Holder[]): boolean {
  const highest = (victims: readonly Holder[]) => Math.max(0, ...victims.map(({ priority }) => priority));
  return a.length < b.length || (a.length === b.length && highest(a) < highest(b));
}

/** In the order of their priority, as few as are needed; null: even without all of them there is no room. */
function victimsAt(
  pass: Pass,
  request: Request,
  position: number,
  staying: readonly Holder[],
): readonly Holder[] | null {
  const victims: Holder[] = [];
  const pool = pass.market.columns.pool[position] ?? -1;
  const given: { readonly at: number; readonly needs: Needs }[] = [];
  for (const holder of staying) {
    if (hasRoom(pass, position, request.needs)) break;
    const at = positionOf(pass.market, holder.provider, holder.offer);
    const helps = at === position || (at >= 0 && pool >= 0 && pass.market.columns.pool[at] === pool);
    if (!helps) continue;
    giveBack(pass, at, holder.needs);
    given.push({ at, needs: holder.needs });
    victims.push(holder);
  }
  const enough = hasRoom(pass, position, request.needs);
  for (const { at, needs } of given) take(pass, at, needs);
  return enough ? victims : null;
}
