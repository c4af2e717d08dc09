import { sql, type SQL } from 'drizzle-orm';
import { formatMicros } from '../../src/core/money.ts';
import { verifyBudget } from '../../src/flows/verifyBudget.ts';
import { verifyCosts } from '../../src/store/read/months.ts';
import { budgets } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';

const ALWAYS = { from: '2020-01-01', until: '2040-01-01' };

/** What is wrong with the money when nothing runs any more. Empty: nothing. */
export async function openBooks(store: Store): Promise<string[]> {
  const wrong: string[] = [];
  const { rows } = await store.db.execute<{ id: string; reserved: string }>(
    sql`select id, reserved_micros as reserved from accounts where reserved_micros <> 0 order by id`,
  );
  for (const { id, reserved } of rows)
    wrong.push(`${id} still reserves ${formatMicros(BigInt(reserved))}, and nothing runs`);
  for (const { id } of await store.db.select({ id: budgets.id }).from(budgets).orderBy(budgets.id))
    for (const { ok, account } of await verifyBudget({ store }, id))
      if (!ok) wrong.push(`${account.id} of ${id} is not what its entries come to`);
  const check = await verifyCosts(store.db, ALWAYS);
  if (check.wrong > 0) wrong.push(`${check.wrong} lines of the bills are not what the entries come to`);
  return [...wrong, ...(await ofBothSides(store))];
}

/** What vendors have earned and what projects owe are what their runs cost, and these were as long as they were. */
async function ofBothSides({ db }: Store): Promise<string[]> {
  const bill = (column: SQL) =>
    sql`(select ${column} as name, sum(micros) as micros from cost_days group by 1)`;
  const runs = (column: SQL) => sql`(select ${column} as name, sum(a.charged_micros) as micros
    from allocations a join jobs j on j.id = a.job_id join providers p on p.name = a.provider where a.charged_micros > 0 group by 1)`;
  const { rows } = await db.execute<Record<'name' | 'runs' | 'bill', string>>(sql`
    select name, r.micros::text as runs, b.micros::text as bill
    from ${runs(sql`p.vendor`)} r full join ${bill(sql`vendor`)} b using (name) where r.micros is distinct from b.micros
    union all select name, r.micros::text, b.micros::text
    from ${runs(sql`j.project`)} r full join ${bill(sql`project`)} b using (name) where r.micros is distinct from b.micros
    union all select id, ran::text, metered_seconds::text from (
      select *, ceil(extract(epoch from released_at - started_at)) as ran from allocations where state = 'released') a
    where metered_seconds < least(coalesce(ran, 0), coalesce(paid_seconds, ran, 0))
      or metered_seconds > coalesce(ran, 0) + ${UNHEARD_SECONDS}::int`);
  return rows.map((row) => `what was used is not what is billed: ${JSON.stringify(row)}`);
}

/** An end is heard of some time later, and until then it counts: never longer than a lease. */
const UNHEARD_SECONDS = 8;
