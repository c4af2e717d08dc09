import type { ContinuityMode } from '../job.ts';
import type { Certification } from '../provider.ts';
import type { PlacementProvider } from '../placement/types.ts';

/** That work was seen to go on elsewhere: what a drill proved. */
export interface Verification {
  readonly drillId: string;
  readonly mode: ContinuityMode;
  readonly from: string;
  readonly to: string;
  /** Canonical model of what it ran on; null: no GPU. */
  readonly gpu: string | null;
  readonly rtoSeconds: number;
  readonly rpoSeconds: number | null;
  readonly verifiedAt: Date;
  readonly validUntil: Date;
  /** Of the agents then; null: not an agent. */
  readonly fromVersion: string | null;
  readonly toVersion: string | null;
}

/** What may take a verification away. */
export interface VerifiedSide {
  readonly name: string;
  readonly certifications: readonly Certification[];
  readonly agentVersion: string | null;
  /** When it was last given up, but for drills; null: never. */
  readonly lastDownAt: Date | null;
}

/** Does it still hold? Null: it does; else why not, for people. */
export function whyVoid(
  one: Verification,
  sides: ReadonlyMap<string, VerifiedSide>,
  now: Date,
): string | null {
  if (one.validUntil <= now) return `it was valid until ${one.validUntil.toISOString()}`;
  const from = sides.get(one.from);
  const to = sides.get(one.to);
  if (from === undefined || to === undefined) return 'one of its providers does not exist any more';
  return sideVoid(from, one.fromVersion, one, now) ?? sideVoid(to, one.toVersion, one, now);
}

function sideVoid(
  side: VerifiedSide,
  versionThen: string | null,
  { verifiedAt }: Verification,
  now: Date,
): string | null {
  if (side.lastDownAt !== null && side.lastDownAt > verifiedAt)
    return `${side.name} was given up at ${side.lastDownAt.toISOString()}`;
  const holds = side.certifications.filter((one) => heldAt(one, now));
  const lapsed = side.certifications.find(
    (one) => heldAt(one, verifiedAt) && !holds.some((other) => isSame(one, other)),
  );
  if (lapsed !== undefined) return `a certificate of ${side.name} has lapsed (${lapsed.scheme})`;
  const [then, today] = [majorOf(versionThen), majorOf(side.agentVersion)];
  if (then !== today)
    return `the agent of ${side.name} was ${versionThen ?? 'none'} and is ${side.agentVersion ?? 'none'}`;
  return null;
}

function heldAt({ validFrom, validUntil }: Certification, at: Date): boolean {
  return new Date(validFrom) <= at && at < new Date(validUntil);
}

/** A renewed certificate is the same one. */
function isSame(a: Certification, b: Certification): boolean {
  return a.scheme === b.scheme && a.grade === b.grade;
}

/** "1.4.2" → "1"; anything else is its own kind. */
function majorOf(version: string | null): string | null {
  return version === null ? null : (/^v?(\d+)\./.exec(version)?.[1] ?? version);
}

/** A pair of providers, one of which was seen to take over from the other. */
export interface VerifiedPair {
  readonly from: string;
  readonly to: string;
  readonly mode: ContinuityMode;
  /** Canonical model; null: no GPU. */
  readonly gpu: string | null;
  readonly until: Date;
}

/** Of those that hold, each pair, mode and model once, with its latest end. In the order of names. */
export function pairsOf(
  all: readonly Verification[],
  sides: ReadonlyMap<string, VerifiedSide>,
  now: Date,
): VerifiedPair[] {
  const pairs = new Map<string, VerifiedPair>();
  for (const one of all) {
    if (whyVoid(one, sides, now) !== null) continue;
    const key = JSON.stringify([one.from, one.to, one.mode, one.gpu]);
    const known = pairs.get(key);
    if (known !== undefined && known.until >= one.validUntil) continue;
    pairs.set(key, { from: one.from, to: one.to, mode: one.mode, gpu: one.gpu, until: one.validUntil });
  }
  return [...pairs].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, pair]) => pair);
}

/** Until when a provider's work was proved to recover elsewhere; null: it was not. */
export function verifiedUntil(
  pairs: readonly VerifiedPair[],
  provider: string,
): PlacementProvider['verifiedUntil'] {
  const ends = pairs.filter(({ from }) => from === provider).map(({ until }) => until.getTime());
  return ends.length === 0 ? null : new Date(Math.max(...ends));
}
