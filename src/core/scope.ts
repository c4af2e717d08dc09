import { FLAPPING_MS } from './health.ts';
import type { HealthState } from './provider.ts';
import type { Timing } from './timing.ts';

/** `control`: can new work be started? `data`: does work that runs go on? Only the second moves anything. */
export const PLANES = ['control', 'data'] as const;
export type Plane = (typeof PLANES)[number];

/** In the place of a region or a model: every one. */
export const ANY = '*';
/** In the place of a model: offers without a GPU. */
export const NO_GPU = 'none';

/** A part of one provider that has a verdict of its own. */
export interface Scope {
  /** A region's name, or ANY. */
  readonly region: string;
  /** A canonical model, NO_GPU, or ANY. */
  readonly gpuModel: string;
}

export const SAMPLE_KINDS = ['contact', 'word', 'launch', 'loss', 'gpu-fault', 'verb'] as const;
export type SampleKind = (typeof SAMPLE_KINDS)[number];

/** One thing that was seen, as it is kept with the verdict that was made from it. No tenant's name is in it. */
export interface KeptSample {
  /** RFC 3339. */
  readonly at: string;
  readonly kind: SampleKind;
  readonly good: boolean;
  readonly allocationId: string | null;
  /** At most 200 characters, of a provider or of ours. */
  readonly detail: string;
}

export interface Sample extends Omit<KeptSample, 'at'> {
  readonly at: Date;
  /** Whose job it was: a project has one vote, however many jobs it has. Null: nobody's, so nobody can make them up. */
  readonly project: string | null;
  /** What this alone means, where it needs no vote. */
  readonly proves: 'degraded' | 'down' | null;
}

/** What is known of a scope and a plane of it. */
export interface ScopeState {
  readonly state: HealthState;
  readonly since: Date;
  readonly reason: string;
  /** Of a closed one: not opened before. */
  readonly heldUntil: Date | null;
  /** Times that it was closed in a row, each within FLAPPING_MS of the one before. */
  readonly closings: number;
}

export interface ScopeVerdict extends ScopeState {
  readonly samples: readonly KeptSample[];
}

/** Of a scope that never had a verdict. */
export const UNTRIED: ScopeState = {
  state: 'unknown',
  since: new Date(0),
  reason: '',
  heldUntil: null,
  closings: 0,
};

const SAMPLES_KEPT = 20;

export function isClosed(state: HealthState): boolean {
  return state === 'degraded' || state === 'down';
}

export function covers(scope: Scope, place: Scope): boolean {
  return (
    (scope.region === ANY || scope.region === place.region) &&
    (scope.gpuModel === ANY || scope.gpuModel === place.gpuModel)
  );
}

/** For people: "H100 in kr-central". */
export function nameOf({ region, gpuModel }: Scope): string {
  const what = gpuModel === ANY ? 'everything' : gpuModel === NO_GPU ? 'what has no GPU' : gpuModel;
  return region === ANY ? what : `${what} in ${region}`;
}

/**
 * The verdict over one plane of a scope, or null where it stays.
 *
 * Closing takes closeVotes projects whose samples are mostly bad, and closeShare of all that vote; or one sample that
 * needs no vote. A closed one stays so for its hold-down, twice as long with each time that it is closed again within
 * FLAPPING_MS. Where it goes on until the hold-down's end, it is held on. Else it is then tried: `unknown`, of which only
 * what comes after counts. One good sample and no bad vote make it `healthy`.
 *
 * @param samples of this scope and plane; those of jobs that are refused everywhere left out
 */
export function judgeScope(
  plane: Plane,
  known: ScopeState,
  samples: readonly Sample[],
  now: Date,
  timing: Timing,
): ScopeVerdict | null {
  const from = Math.max(now.getTime() - timing.sampleWindowMs, known.since.getTime());
  const fresh = samples.filter(({ at }) => at.getTime() > from);
  const found = findingOf(plane, fresh, timing);
  if (found !== null && worse(found.state, known.state)) return closed(known, found, now, timing);
  if (isClosed(known.state)) {
    if (known.heldUntil !== null && known.heldUntil > now) return null;
    const lately = fresh.filter(({ at }) => now.getTime() - at.getTime() < timing.scopeHoldMs);
    const still = findingOf(plane, lately, timing);
    if (still !== null)
      return { ...closed(known, still, now, timing), state: known.state, since: known.since };
    return { ...known, state: 'unknown', since: now, heldUntil: null, reason: 'tried again', samples: [] };
  }
  const good = fresh.filter((sample) => sample.good);
  if (known.state !== 'unknown' || known === UNTRIED || good.length === 0 || fresh.length > good.length)
    return null;
  return { ...known, state: 'healthy', since: now, reason: 'work starts again', samples: kept(good) };
}

interface Finding {
  readonly state: 'degraded' | 'down';
  readonly reason: string;
  readonly samples: readonly Sample[];
  /** Does a device or a broker say so? Then it is held down longer. */
  readonly proved: boolean;
}

function findingOf(plane: Plane, fresh: readonly Sample[], timing: Timing): Finding | null {
  const proofs = fresh.filter(({ proves }) => proves !== null);
  if (proofs.length > 0) {
    const worst = proofs.find(({ proves }) => proves === 'down') ?? proofs[0];
    const reason = worst?.detail ?? '';
    return { state: worst?.proves ?? 'degraded', reason, samples: proofs, proved: true };
  }
  const voting = fresh.filter(({ project }) => project !== null);
  const votes = [...Map.groupBy(voting, ({ project }) => project).values()].map(
    (own) => own.filter(({ good }) => !good).length > own.length / 2,
  );
  const against = votes.filter(Boolean).length;
  if (against < timing.closeVotes || against / votes.length < timing.closeShare) return null;
  const bad = voting.filter(({ good }) => !good);
  // That running jobs were lost does not prove that those which still run are dead: nobody is fenced for it.
  const none = plane === 'control' && bad.length === voting.length;
  const what = plane === 'control' ? 'did not start' : 'were lost';
  const reason = `${bad.length} jobs of ${against} projects ${what}${none ? ', and none did' : ''}`;
  return { state: none ? 'down' : 'degraded', reason, samples: voting, proved: false };
}

const RANK: Readonly<Record<HealthState, number>> = { healthy: 0, unknown: 0, degraded: 1, down: 2 };

export function worse(a: HealthState, b: HealthState): boolean {
  return RANK[a] > RANK[b];
}

function closed(known: ScopeState, found: Finding, now: Date, timing: Timing): ScopeVerdict {
  const again = now.getTime() - known.since.getTime() < FLAPPING_MS;
  const over = known.heldUntil === null || known.heldUntil <= now;
  const closings = !over ? known.closings : again ? known.closings + 1 : 1;
  const heldUntil = new Date(now.getTime() + holdMs(closings, found.proved, timing));
  return { ...found, since: now, heldUntil, closings, samples: kept(found.samples) };
}

/** How long a closed scope is left alone: twice as long with each further time lately. */
export function holdMs(closings: number, proved: boolean, timing: Timing): number {
  const first = proved ? timing.gpuHoldMs : timing.scopeHoldMs;
  return Math.min(timing.recoverMaxMs, first * 2 ** Math.max(0, closings - 1));
}

function kept(samples: readonly Sample[]): KeptSample[] {
  const newest = samples.toSorted((a, b) => b.at.getTime() - a.at.getTime());
  return newest.slice(0, SAMPLES_KEPT).map(({ at, kind, good, allocationId, detail }) => ({
    at: at.toISOString(),
    kind,
    good,
    allocationId,
    detail: detail.slice(0, 200),
  }));
}

/** A scope with what is known of it. */
export type KnownScope = Scope & Pick<ScopeVerdict, 'state' | 'reason' | 'samples'>;

/**
 * What its scopes make of the whole provider: it is as well as the best that it sells, so that one sick region or model
 * closes nothing else.
 *
 * @param sold what it sells, by region and model; empty: only what is said of everything counts
 * @returns null: it is open
 */
export function rollUp(scopes: readonly KnownScope[], sold: readonly Scope[]): KnownScope | null {
  const sick = scopes.filter(({ state }) => isClosed(state));
  const places = sold.length > 0 ? sold : [{ region: ANY, gpuModel: ANY }];
  let best: KnownScope | null = null;
  for (const place of places) {
    const worst = worstOf(sick.filter((scope) => covers(scope, place)));
    if (worst === null) return null;
    if (best === null || worse(best.state, worst.state)) best = worst;
  }
  return best;
}

function worstOf(scopes: readonly KnownScope[]): KnownScope | null {
  return scopes.reduce<KnownScope | null>(
    (worst, one) => (worst === null || worse(one.state, worst.state) ? one : worst),
    null,
  );
}
