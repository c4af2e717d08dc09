import { sql, type SQL } from 'drizzle-orm';

/** Whole seconds, begun ones counted: "from start to confirmed stop". 0 where it never started. */
export function billedSeconds(started: SQL, ended: SQL): SQL {
  return sql`coalesce(ceil(greatest(extract(epoch from (${ended}) - (${started})), 0)), 0)::bigint`;
}

/** The SQL twin of costMicros (core/money.ts); a store test holds the two against each other. */
export function cost(priceMicrosPerHour: SQL, seconds: SQL): SQL {
  return sql`((${priceMicrosPerHour}) * (${seconds}) + 1800) / 3600`;
}
