import { sql, type SQL } from 'drizzle-orm';
import { isTerminal, type JobState } from '../../core/job.ts';

const struck = sql`w.reason in ('provider-down', 'provider-degraded')`;
/** Where a disaster took it from first; it may want to go back there. */
const homeOf = sql`case when ${struck} and coalesce(j.spec -> 'continuity' ->> 'failback', 'manual') <> 'never'
  then coalesce(j.home, w.avoid) else j.home end`;
/** The SQL twin of struckRankOf (core/queue-rank.ts). */
const rankOf = sql`case when ${struck} and j.queue_rank >= 0
  then case when j.spares > 0 then -4000000000000000 else -2000000000000000 end
    + coalesce((extract(epoch from j.deadline_at) * 1000)::bigint, 100000000000000 + j.queue_rank)
  else j.queue_rank end`;

/** What else a state brings with it, in an update of the job `j` from the wanted change `w`. */
export function jobAssignments(to: JobState, now: Date): SQL {
  if (isTerminal(to)) return sql`, finished_at = ${now.toISOString()}::timestamptz, exit_code = w.exit_code`;
  if (to === 'running')
    return sql`, started_at = coalesce(j.started_at, greatest(w.started_at, j.created_at)), failed_starts = 0`;
  if (to === 'queued') {
    return sql`, queued_at = ${now.toISOString()}::timestamptz, not_before = w.not_before, move_to = w.move_to,
      failed_starts = case when w.failed_start then j.failed_starts + 1 else 0 end,
      home = ${homeOf},
      queue_rank = ${rankOf},
      avoid = case when w.avoid is null then j.avoid else j.avoid || jsonb_build_object(w.avoid, w.avoid_until) end`;
  }
  return sql``;
}
