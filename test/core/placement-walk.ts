import { marketOf, Session, stateOf } from '../../src/core/placement/decide.ts';
import type {
  Placement,
  PlacementOffer,
  PlacementSnapshot,
  QueuedJob,
  WaitingJob,
} from '../../src/core/placement/types.ts';
import { choices, costOf, drawOf, keyOf, poolOf, scoreOf, tierOf, type Choice } from './placement-oracle.ts';

/** What is free, counted down by hand. */
export interface Ledger {
  readonly places: Map<string, number>;
  /** GPUs, thousandths of CPUs, MiB. */
  readonly pools: Map<string, [number, number, number]>;
}

export function openLedger(world: PlacementSnapshot): Ledger {
  return {
    places: new Map(world.offers.map((offer) => [keyOf(offer), Math.max(0, offer.capacity - offer.used)])),
    pools: new Map(
      world.pools.map((pool) => [
        keyOf(pool),
        [
          pool.gpus - pool.usedGpus,
          (pool.cpuMillis ?? Infinity) - pool.usedCpuMillis,
          (pool.memoryMiB ?? Infinity) - pool.usedMemoryMiB,
        ],
      ]),
    ),
  };
}

export function book(world: PlacementSnapshot, ledger: Ledger, job: QueuedJob, offer: PlacementOffer): void {
  const key = keyOf(offer);
  ledger.places.set(key, (ledger.places.get(key) ?? 0) - job.spec.resources.nodes);
  const pool = poolOf(world, offer);
  const left = pool && ledger.pools.get(keyOf(pool));
  const draw = drawOf(job, offer);
  if (pool && left) ledger.pools.set(keyOf(pool), [left[0] - draw[0], left[1] - draw[1], left[2] - draw[2]]);
}

export function hasRoom(world: PlacementSnapshot, ledger: Ledger, job: QueuedJob, offer: PlacementOffer) {
  if ((ledger.places.get(keyOf(offer)) ?? 0) < job.spec.resources.nodes) return false;
  const pool = poolOf(world, offer);
  const left = pool && ledger.pools.get(keyOf(pool));
  return !left || drawOf(job, offer).every((needed, dimension) => needed <= (left[dimension] ?? 0));
}

/** Whole offers that one node could have, CPUs and memory aside. */
export function placesAt(world: PlacementSnapshot, ledger: Ledger, offer: PlacementOffer): number {
  const places = ledger.places.get(keyOf(offer)) ?? 0;
  const pool = poolOf(world, offer);
  const left = pool && ledger.pools.get(keyOf(pool));
  return left && offer.gpuCount > 0 ? Math.min(places, Math.floor(left[0] / offer.gpuCount)) : places;
}

/** What the job could be given now, best first by the documented order. */
export function ranking(world: PlacementSnapshot, ledger: Ledger, job: QueuedJob): Choice[] {
  const { nodes, gpu } = job.spec.resources;
  const open = choices(world, job).filter(({ offer }) => hasRoom(world, ledger, job, offer));
  const ranked = open.map((choice) => {
    const { offer, spot } = choice;
    const pool = poolOf(world, offer);
    const left = pool ? (ledger.pools.get(keyOf(pool))?.[0] ?? 0) - nodes * offer.gpuCount : 0;
    const places = placesAt(world, ledger, offer);
    const numbers = [
      tierOf(world, job, choice),
      scoreOf(world, job, choice, places),
      costOf(world, job, choice),
      spot ? 1 : 0,
      offer.gpuCount - gpu.count,
      left,
      -places,
    ];
    return { choice, numbers, names: [offer.provider, offer.name] };
  });
  const first = (a: number | string = 0, b: number | string = 0) => (a < b ? -1 : a > b ? 1 : 0);
  return ranked
    .sort(
      (a, b) =>
        a.numbers.map((number, at) => first(number, b.numbers[at])).find((order) => order !== 0) ??
        a.names.map((name, at) => first(name, b.names[at])).find((order) => order !== 0) ??
        0,
    )
    .map(({ choice }) => choice);
}

// ---- turns ----------------------------------------------------------------------------------------------------------

/** Of all that wait: the highest priority by now in whole points (six minutes make one), the poorest project, the rank. */
export function nextInTurn(now: Date, waiting: readonly QueuedJob[], shares: ReadonlyMap<string, number>) {
  const order = (job: QueuedJob): (number | string)[] => [
    -Math.floor((now.getTime() - job.queueRank) / 360_000),
    shares.get(job.project) ?? 0,
    job.queueRank,
    job.id,
  ];
  return waiting.reduce((first, job) => (isBefore(order(job), order(first)) ? job : first));
}

function isBefore(a: readonly (number | string)[], b: readonly (number | string)[]): boolean {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
}

/** An eighth of a GPU for an offer that has none. */
export const shareOf = (offerGpuCount: number, nodes: number) =>
  (offerGpuCount === 0 ? 0.125 : offerGpuCount) * nodes;

export interface Step {
  readonly job: QueuedJob;
  /** Before the turn. */
  readonly ledger: Ledger;
  readonly placed: Placement | null;
  readonly waits: WaitingJob | null;
}

/** Serves the queue as it should be served, a page for each job, so that nothing is exchanged between them. */
export function walk(world: PlacementSnapshot, visit: (step: Step) => void): Ledger {
  const session = new Session(marketOf(world), stateOf(world));
  const ledger = openLedger(world);
  const shares = new Map(world.shares);
  const waiting = new Set(world.jobs);
  while (waiting.size > 0) {
    const job = nextInTurn(world.now, [...waiting], shares);
    waiting.delete(job);
    session.consider(job);
    const page = session.settle();
    const placed = page.placements[0] ?? null;
    visit({ job, ledger, placed, waits: page.waiting[0] ?? null });
    const offer = placed && world.offers.find((one) => keyOf(one) === `${placed.provider}/${placed.offer}`);
    if (!offer) continue;
    book(world, ledger, job, offer);
    const more = shareOf(offer.gpuCount, job.spec.resources.nodes);
    shares.set(job.project, (shares.get(job.project) ?? 0) + more);
  }
  return ledger;
}

/** A fence or a backoff that is not over. */
export function heldBack({ now }: PlacementSnapshot, { fencedUntil, notBefore }: QueuedJob): boolean {
  return [fencedUntil, notBefore].some((until) => until !== null && until > now);
}
