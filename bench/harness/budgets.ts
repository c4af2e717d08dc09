import type pg from 'pg';

/** Big enough for everything that a benchmark spends. */
const CAP_MICROS = '1000000000000000';

/** A budget of this organization, or one of each of these projects, with the account of the year around `at`. */
export async function insertBudgets(
  client: pg.Client,
  at: Date,
  organization: string,
  projects: readonly (string | null)[],
): Promise<void> {
  await client.query(
    `insert into budgets (id, name, organization, project, period_kind, from_day, cap_micros, thresholds, on_exhausted, created_at, created_by)
      select 'bud-' || coalesce(p, $2), coalesce(p, $2), $2, p, 'fiscal-year', '2026-01-01', ${CAP_MICROS}, '{80,100}', 'stop', $1, 'key-bench'
      from unnest($3::text[]) p`,
    [at, organization, projects],
  );
  await client.query(
    `insert into accounts (id, budget_id, starts_at, ends_at, cap_micros, allotted_micros, created_at)
      select 'acc-' || id, id, $1::timestamptz - interval '180 days', $1::timestamptz + interval '180 days', ${CAP_MICROS}, ${CAP_MICROS}, $1
      from budgets where organization = $2`,
    [at, organization],
  );
}

export async function insertProjects(
  client: pg.Client,
  at: Date,
  organization: string,
  projects: readonly string[],
): Promise<void> {
  await client.query(`insert into organizations (name, created_at) values ($2, $1) on conflict do nothing`, [
    at,
    organization,
  ]);
  await client.query(
    `insert into projects (name, organization, created_at) select p, $2, $1 from unnest($3::text[]) p`,
    [at, organization, projects],
  );
}

/** So that what one measurement left behind is not what the next one pays for. */
export async function tidied(client: pg.Client): Promise<void> {
  await client.query('vacuum (analyze)');
  await client.query('checkpoint');
}
