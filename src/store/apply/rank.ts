import { sql, type SQL } from 'drizzle-orm';

/** Of the job `j`: the rank that it has while no disaster sends it to the front; see core/queue-rank.ts. */
export const USUAL_RANK: SQL = sql`case when j.queue_rank < 0
  then (extract(epoch from j.created_at) * 1000)::bigint - j.priority * 360000 else j.queue_rank end`;
