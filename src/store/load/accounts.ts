import { sql, type SQL } from 'drizzle-orm';
import { chainsOf, type Account, type Chain } from '../../core/ledger/account.ts';
import type { Purses } from '../../core/ledger/purse.ts';
import type { HoldTiming } from '../../core/ledger/run.ts';
import type { OnExhausted } from '../../core/ledger/words.ts';
import type { Reader } from '../store.ts';

/** Whose money is asked for: jobs, and the projects that they are of. */
export interface Payer {
  readonly jobId: string;
  readonly project: string;
}

/** The accounts that stand above jobs. */
export class Accounts {
  readonly all: readonly Account[];
  readonly #byProject: ReadonlyMap<string, readonly Chain[]>;
  readonly #byJob: ReadonlyMap<string, Chain>;

  constructor(ofProjects: ReadonlyMap<string, readonly Account[]>, ofJobs: ReadonlyMap<string, Account>) {
    this.all = [...new Set([...ofProjects.values()].flat()), ...ofJobs.values()];
    this.#byProject = new Map([...ofProjects].map(([project, accounts]) => [project, chainsOf(accounts)]));
    this.#byJob = new Map([...ofJobs].map(([job, account]) => [job, [account]]));
  }

  /** A chain for every budget above the job, and one for its own limit. */
  above({ jobId, project }: Payer): readonly Chain[] {
    const own = this.#byJob.get(jobId);
    const budgets = this.#byProject.get(project) ?? [];
    return own === undefined ? budgets : [...budgets, own];
  }

  chainsOfProject(project: string): readonly Chain[] {
    return this.#byProject.get(project) ?? [];
  }
}

/** What is left for everybody above whom a budget stands. */
export async function loadPurses(reader: Reader, now: Date, timing: HoldTiming): Promise<Purses> {
  const { rows } = await reader.execute<{ project: string }>(sql`
    select p.name as project from projects p where exists (
      select from budgets b where b.organization = p.organization and (b.project is null or b.project = p.name))`);
  const { meterSeconds, meterMaxSeconds, leaseSeconds } = timing;
  const accounts = await loadAccounts(
    reader,
    now,
    rows.map(({ project }) => ({ project, jobId: '' })),
    false,
  );
  return {
    timing: { meterSeconds, meterMaxSeconds, leaseSeconds },
    projects: new Map(rows.map(({ project }) => [project, accounts.chainsOfProject(project)])),
  };
}

/** Of a job `j`: the account of its own limit, as JSON; null: it has none. See `ownAccountOf`. */
export const OWN_ACCOUNT: SQL = sql`case when j.spec -> 'limits' ->> 'maxCost' is not null then (
  select json_build_object('id', a.id, 'startsAt', a.starts_at, 'allotted', a.allotted_micros::text,
    'reserved', a.reserved_micros::text, 'charged', a.charged_micros::text)
  from accounts a where a.job_id = j.id) end`;

export type OwnAccountRecord = Pick<AccountRecord, 'id' | 'startsAt' | 'allotted' | 'reserved' | 'charged'>;

export function ownAccountOf(record: OwnAccountRecord): Account {
  const none = { budgetId: null, jobId: null, name: null, project: null, organization: null, endsAt: null };
  const row = { ...none, ...record, disaster: '0', failover: '0', onExhausted: null, frozen: false };
  return accountOf(row, false);
}

interface AccountRecord {
  readonly id: string;
  readonly budgetId: string | null;
  readonly jobId: string | null;
  readonly name: string | null;
  /** Null: of a whole organization. */
  readonly project: string | null;
  readonly organization: string | null;
  readonly startsAt: string;
  readonly endsAt: string | null;
  readonly allotted: string;
  readonly disaster: string;
  readonly reserved: string;
  readonly charged: string;
  readonly failover: string;
  readonly onExhausted: OnExhausted | null;
  readonly frozen: boolean;
}

/**
 * Everything that stands above these jobs: of each budget the account of now, the ones after it, those that still hold
 * anything, and of a budget that is over its last. Locked (`lock`) in the order of ids, as the last rows of a transaction.
 */
export async function loadAccounts(
  reader: Reader,
  now: Date,
  payers: readonly Payer[],
  lock: boolean,
): Promise<Accounts> {
  const projects = [...new Set(payers.map(({ project }) => project))];
  const jobIds = [...new Set(payers.map(({ jobId }) => jobId))];
  const scopes = await reader.execute<{ project: string; organization: string }>(sql`
    select name as project, organization from projects where name = any(${sql.param(projects)}::text[])`);
  const organizations = [...new Set(scopes.rows.map(({ organization }) => organization))];
  const at = sql`${now.toISOString()}::timestamptz`;
  const { rows } = await reader.execute<AccountRecord & Record<string, unknown>>(sql`
    select a.id, a.budget_id as "budgetId", a.job_id as "jobId", b.name, b.project, b.organization, a.starts_at as "startsAt",
      a.ends_at as "endsAt", a.allotted_micros as allotted, a.disaster_micros as disaster, a.reserved_micros as reserved,
      a.charged_micros as charged, a.failover_micros as failover, b.on_exhausted as "onExhausted",
      exists (select from budget_exceptions e where e.account_id = a.id and e.closed_at is null) as frozen
    from accounts a left join budgets b on b.id = a.budget_id
    where a.job_id = any(${sql.param(jobIds)}::text[]) or a.id in (
      select x.id from budgets m join accounts x on x.budget_id = m.id
      where m.organization = any(${sql.param(organizations)}::text[])
        and (m.project is null or m.project = any(${sql.param(projects)}::text[]))
        and (x.reserved_micros > 0 or (m.deleted_at is null and (x.ends_at > ${at}
          or x.starts_at = (select max(starts_at) from accounts l where l.budget_id = m.id and l.starts_at <= ${at})))))
    order by a.id ${lock ? sql`for no key update of a` : sql``}`);
  return arrange(rows, scopes.rows, now);
}

function arrange(
  rows: readonly AccountRecord[],
  scopes: readonly { readonly project: string; readonly organization: string }[],
  now: Date,
): Accounts {
  const current = new Set(
    rows
      .filter((row) => row.budgetId !== null && new Date(row.startsAt) <= now && isAhead(row.endsAt, now))
      .map(scopeOf),
  );
  const accounts = rows.map((row, position) => ({
    row,
    position,
    account: accountOf(row, !isAhead(row.endsAt, now) && current.has(scopeOf(row))),
  }));
  // By scope, as each project with each account is a million pairs where there are a thousand of both.
  const byScope = Map.groupBy(
    accounts.filter(({ row }) => row.budgetId !== null),
    ({ row }) => scopeOf(row),
  );
  const ofProjects = scopes.map(({ project, organization }) => {
    const above = [null, project].flatMap(
      (scope) => byScope.get(scopeOf({ organization, project: scope })) ?? [],
    );
    const inOrder = above.toSorted((a, b) => a.position - b.position);
    return [project, inOrder.map(({ account }) => account)] as const;
  });
  const ofJobs = accounts.flatMap(({ row, account }) =>
    row.jobId === null ? [] : [[row.jobId, account] as const],
  );
  return new Accounts(new Map(ofProjects), new Map(ofJobs));
}

const isAhead = (endsAt: string | null, now: Date): boolean => endsAt === null || new Date(endsAt) > now;
const scopeOf = ({ organization, project }: Pick<AccountRecord, 'organization' | 'project'>): string =>
  `${organization}\n${project ?? ''}`;

function accountOf(row: AccountRecord, superseded: boolean): Account {
  return {
    id: row.id,
    budgetId: row.budgetId,
    name: row.name ?? 'limits.maxCost',
    startsAt: new Date(row.startsAt),
    endsAt: row.endsAt === null ? null : new Date(row.endsAt),
    allottedMicros: BigInt(row.allotted),
    disasterMicros: BigInt(row.disaster),
    reservedMicros: BigInt(row.reserved),
    chargedMicros: BigInt(row.charged),
    failoverMicros: BigInt(row.failover),
    onExhausted: row.onExhausted ?? 'stop',
    frozen: row.frozen,
    superseded,
  };
}
