import type { Allocation, Job } from './api.ts';
import type { Line } from './ledger.ts';
import type { Blow } from './loss.ts';
import { SERVICE, TRAINING } from './story.ts';
import type { Picture } from './watch.ts';

/** After the blow; every `…Ms` counted from it. */
export interface Recovery {
  /** The service gave the old attempt up. */
  readonly lostMs: number | null;
  /** The new place was decided. */
  readonly decidedMs: number | null;
  /** The service saw the new attempt run. */
  readonly runningMs: number | null;
  /** RTO: by the job's own word in the ledger, or by the first right answer over HTTP. */
  readonly rtoMs: number | null;
  readonly to: string | null;
  /** For a person: what it went on from. */
  readonly from: string;
  /** RPO: how old what it went on from was at the blow; all of its work where there was nothing. Null: it has none to lose. */
  readonly rpoMs: number | null;
}

export function recoveryOf(
  job: Job,
  attempts: readonly Allocation[],
  picture: Picture,
  blow: Blow,
): Recovery {
  const old = attempts.findLast(({ placedAt }) => Date.parse(placedAt) <= blow.atMs);
  const next = attempts.find(({ placedAt }) => Date.parse(placedAt) > blow.atMs);
  const since = (time: string | null | undefined) => (time == null ? null : Date.parse(time) - blow.atMs);
  const own = picture.ledger.filter(({ name }) => name === job.name);
  const restart = own.find(({ what, atMs }) => what === 'start' && atMs > blow.atMs);
  const again =
    job.name === SERVICE
      ? picture.probes.find(({ right, attempt }) => right && attempt === next?.attempt)?.atMs
      : restart?.atMs;
  return {
    lostMs: since(old?.releasingAt ?? old?.releasedAt),
    decidedMs: since(next?.placedAt),
    runningMs: since(next?.startedAt),
    rtoMs: again === undefined ? null : again - blow.atMs,
    to: next?.provider ?? null,
    ...lossOf(job, own, restart, blow),
  };
}

function lossOf(
  { name }: Job,
  own: readonly Line[],
  restart: Line | undefined,
  { atMs }: Blow,
): { from: string; rpoMs: number | null } {
  const before = own.filter((line) => line.atMs <= atMs);
  if (name === SERVICE) return { from: `the model of epoch ${restart?.epoch ?? '?'}`, rpoMs: null };
  if (name !== TRAINING)
    return { from: 'its beginning: it keeps no checkpoint', rpoMs: atMs - (before[0]?.atMs ?? atMs) };
  const done = before.findLast(({ what }) => what === 'epoch')?.epoch ?? 0;
  const written = before.find(({ what, epoch }) => what === 'epoch' && epoch === restart?.epoch);
  const from = `the checkpoint of epoch ${restart?.epoch ?? '?'} (${done} were done)`;
  return { from, rpoMs: atMs - (written?.atMs ?? before[0]?.atMs ?? atMs) };
}
