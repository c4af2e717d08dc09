import type { AllocationFacts, JobFacts } from './facts.ts';

/** One period of a budget, or what one job may cost, as it is stored; with what its holds and entries come to. Micros. */
export interface AccountFacts {
  readonly id: string;
  readonly budget: string | null;
  readonly job: string | null;
  readonly startsMs: number;
  readonly endsMs: number | null;
  readonly cap: string;
  readonly allotted: string;
  readonly disaster: string;
  readonly reserved: string;
  readonly charged: string;
  readonly failover: string;
  readonly frozen: boolean;
  readonly held: { readonly reserved: string; readonly charged: string; readonly failover: string };
  readonly moved: Readonly<Record<'appropriation' | 'available' | 'reserved' | 'charged', string>>;
}

export interface BudgetFacts {
  readonly id: string;
  readonly organization: string;
  /** Null: of the whole organization. */
  readonly project: string | null;
  readonly onExhausted: string;
  readonly version: number;
  readonly deleted: boolean;
  readonly cap: string;
}

interface HoldFacts {
  readonly allocation: string;
  readonly account: string;
  readonly reserved: string;
  readonly charged: string;
}

/** What was used of one allocation: by the entries, and by their roll-up. */
interface UsageFacts {
  readonly allocation: string;
  readonly entries: string;
  readonly days: string;
  readonly seconds: number;
}

export interface MoneyRows {
  readonly accounts: AccountFacts[];
  readonly budgets: BudgetFacts[];
  readonly holds: HoldFacts[];
  readonly usage: UsageFacts[];
  readonly exceptions: { readonly id: string; readonly budget: string }[];
  readonly transfers: { readonly id: string; readonly budget: string }[];
  readonly closed: { readonly month: string; readonly total: string; readonly now: string }[];
  /** Entries up to the last one seen, in a number; and all of them. */
  readonly seen: string;
  readonly all: string;
  readonly last: number;
}

/** Part of the snapshot's statement; $2 is the last entry that was seen. */
export const MONEY = `json_build_object(
  'accounts', (select coalesce(json_agg(json_build_object('id', a.id, 'budget', budget_id, 'job', job_id,
    'startsMs', extract(epoch from starts_at) * 1000, 'endsMs', extract(epoch from ends_at) * 1000,
    'cap', cap_micros::text, 'allotted', allotted_micros::text, 'disaster', disaster_micros::text,
    'reserved', reserved_micros::text, 'charged', charged_micros::text, 'failover', failover_micros::text,
    'frozen', exists (select from budget_exceptions e where e.account_id = a.id and e.closed_at is null),
    'held', (select json_build_object('reserved', coalesce(sum(reserved_micros), 0)::text,
      'charged', coalesce(sum(charged_micros), 0)::text,
      'failover', coalesce(sum(reserved_micros + charged_micros) filter (where failover), 0)::text) from holds h where h.account_id = a.id),
    'moved', (select json_object_agg(b.name, (select coalesce(sum(case when credit = b.name then amount_micros
      when debit = b.name then -amount_micros end), 0)::text from ledger l where l.account_id = a.id))
      from unnest(array['appropriation', 'available', 'reserved', 'charged']) as b(name))) order by a.id), '[]') from accounts a),
  'budgets', (select coalesce(json_agg(json_build_object('id', id, 'organization', organization, 'project', project,
    'onExhausted', on_exhausted, 'version', version, 'deleted', deleted_at is not null, 'cap', cap_micros::text) order by id), '[]') from budgets),
  'holds', (select coalesce(json_agg(json_build_object('allocation', allocation_id, 'account', account_id,
    'reserved', reserved_micros::text, 'charged', charged_micros::text) order by allocation_id, account_id), '[]') from holds),
  'usage', (select coalesce(json_agg(json_build_object('allocation', a.id,
    'entries', (select coalesce(sum(amount_micros), 0)::text from ledger l where l.allocation_id = a.id and l.kind = 'usage'),
    'days', (select coalesce(sum(micros), 0)::text from cost_days d where d.allocation_id = a.id),
    'seconds', (select coalesce(sum(seconds), 0) from cost_days d where d.allocation_id = a.id)) order by a.id), '[]') from allocations a),
  'exceptions', (select coalesce(json_agg(json_build_object('id', e.id, 'budget', a.budget_id) order by e.id), '[]')
    from budget_exceptions e join accounts a on a.id = e.account_id where e.closed_at is null),
  'transfers', (select coalesce(json_agg(json_build_object('id', id, 'budget', from_budget_id) order by id), '[]')
    from budget_transfers where state = 'requested'),
  'closed', (select coalesce(json_agg(json_build_object('month', month, 'total', total_micros::text,
    'now', (select coalesce(sum(micros), 0)::text from cost_days d where d.month = c.month)) order by month), '[]') from closed_months c),
  'seen', (select coalesce(sum(hashtextextended(l::text, 0)::numeric), 0)::text from ledger l where seq <= $2),
  'all', (select coalesce(sum(hashtextextended(l::text, 0)::numeric), 0)::text from ledger l),
  'last', (select coalesce(max(seq), 0) from ledger))`;

export const NO_MONEY: MoneyRows = {
  accounts: [],
  budgets: [],
  holds: [],
  usage: [],
  exceptions: [],
  transfers: [],
  closed: [],
  seen: '0',
  all: '0',
  last: 0,
};

/** The price of so many seconds, half up. On purpose not the program's own. */
export function costOf(priceMicros: string | bigint, seconds: number): bigint {
  const exact = BigInt(priceMicros) * BigInt(seconds);
  return exact / 3_600n + (exact % 3_600n >= 1_800n ? 1n : 0n);
}

/** Budgets of which the job is. */
export const isAbove = (
  { organization, project }: BudgetFacts,
  job: Pick<JobFacts, 'organization' | 'project'>,
): boolean => organization === job.organization && (project === null || project === job.project);

/** What every book must say after every step. Knows what it saw before. */
export class Books {
  #last = 0;
  #all = '0';
  /** Allocation → the accounts that had to pay for it when it was placed, and their ends as they were then. */
  readonly #accountsOf = new Map<string, ReadonlyMap<string, number | null>>();
  #known: ReadonlySet<string> = new Set();
  readonly #closed = new Map<string, string>();

  /** The last entry that was seen. */
  get last(): number {
    return this.#last;
  }

  check(
    money: MoneyRows,
    allocations: ReadonlyMap<string, AllocationFacts>,
    jobs: ReadonlyMap<string, JobFacts>,
  ): string[] {
    const wrong = [
      ...this.#entries(money),
      ...money.accounts.flatMap(wrongAccount),
      ...money.usage.flatMap((usage) => wrongUsage(usage, allocations.get(usage.allocation))),
      ...this.#months(money),
      ...this.#held(money, allocations, jobs),
    ];
    this.#known = new Set(money.accounts.map(({ id }) => id));
    return wrong;
  }

  #entries({ seen, all, last }: MoneyRows): string[] {
    const wrong = seen === this.#all ? [] : ['entries of the ledger have changed, or are gone'];
    this.#last = last;
    this.#all = all;
    return wrong;
  }

  #months({ closed }: MoneyRows): string[] {
    return closed.flatMap(({ month, total, now }) => {
      const first = this.#closed.get(month) ?? total;
      this.#closed.set(month, first);
      return first === total && total === now ? [] : [`${month} was closed with ${first}, and is ${now} now`];
    });
  }

  #held(
    { accounts, budgets, holds }: MoneyRows,
    allocations: ReadonlyMap<string, AllocationFacts>,
    jobs: ReadonlyMap<string, JobFacts>,
  ): string[] {
    const byAllocation = Map.groupBy(holds, ({ allocation }) => allocation);
    const byBudget = Map.groupBy(accounts, ({ budget, job }) => budget ?? job ?? '');
    return [...allocations.values()].flatMap((one) => {
      const job = jobs.get(one.job);
      if (job === undefined) return [];
      const above = [
        ...budgets.filter((budget) => !budget.deleted && isAbove(budget, job)).map(({ id }) => id),
        job.id,
      ];
      const first = !this.#accountsOf.has(one.id);
      if (first) {
        const then = above
          .map((id) => (byBudget.get(id) ?? []).filter((account) => this.#known.has(account.id)))
          .filter((chain) => chain.some(({ endsMs }) => (endsMs ?? Infinity) > one.placedMs));
        const open = then.flat().some(({ startsMs }) => one.placedMs >= startsMs);
        this.#accountsOf.set(one.id, new Map(open ? then.flat().map(({ id, endsMs }) => [id, endsMs]) : []));
      }
      const known = this.#accountsOf.get(one.id) ?? new Map<string, number | null>();
      const own = new Map((byAllocation.get(one.id) ?? []).map((hold) => [hold.account, hold]));
      const chains = above
        .map((id) => (byBudget.get(id) ?? []).filter((account) => known.has(account.id)))
        // Of a budget that ends on another day by now, what is held is for who metered last to say.
        .filter((chain) => chain.length > 0 && chain.every(({ id, endsMs }) => known.get(id) === endsMs));
      return [
        ...(first ? unpaidStart(one, known) : []),
        ...chains.flatMap((chain) => wrongChain(one, chain, own)),
      ];
    });
  }
}

const LIVE: readonly string[] = ['submitting', 'active'];

function unpaidStart(one: AllocationFacts, known: ReadonlyMap<string, unknown>): string[] {
  if (known.size === 0 || !LIVE.includes(one.state)) return [];
  if (one.paidSeconds === null) return [`${one.id} was placed below a budget, and nobody pays for it`];
  if (one.paidSeconds > 0 || one.tookOver !== null) return [];
  return [`${one.id} was placed, and nothing is held for it`];
}

function wrongAccount(account: AccountFacts): string[] {
  const { id, held, moved } = account;
  const [cap, allotted, reserved, charged] = [
    account.cap,
    account.allotted,
    account.reserved,
    account.charged,
  ].map(BigInt) as [bigint, bigint, bigint, bigint];
  const says = (what: string, is: string, told: string) =>
    is === told ? [] : [`${id} has ${told} ${what}, and its ${what} come to ${is}`];
  return [
    ...(reserved >= 0n && charged >= 0n && reserved + charged <= allotted && allotted <= cap
      ? []
      : [`${id} is overdrawn: ${reserved} + ${charged} of ${allotted} of ${cap}`]),
    ...says('held as reserved', held.reserved, account.reserved),
    ...says('held as charged', held.charged, account.charged),
    ...says('held for failovers', held.failover, account.failover),
    ...says('entries of the cap', moved.appropriation, String(-cap)),
    ...says('entries of what is available', moved.available, String(cap - reserved - charged)),
    ...says('entries of what is reserved', moved.reserved, account.reserved),
    ...says('entries of what is charged', moved.charged, account.charged),
  ];
}

function wrongUsage({ entries, days, seconds }: UsageFacts, one: AllocationFacts | undefined): string[] {
  if (one === undefined) return [];
  const cost = String(costOf(one.priceMicros, one.seconds));
  return [
    ...(one.chargedMicros === cost && entries === cost && days === cost && seconds === one.seconds
      ? []
      : [
          `${one.id}: ${one.seconds} s at ${one.priceMicros} are ${cost}, and it has ${one.chargedMicros}, entries of ${entries}, days of ${days} and ${seconds} s`,
        ]),
    ...(one.paidSeconds === null || one.seconds <= one.paidSeconds
      ? []
      : [`${one.id} is charged for ${one.seconds} s, and ${one.paidSeconds} s are paid`]),
  ];
}

/**
 * Each second is charged to every budget above it, to the period that it is in, and what is paid beyond is reserved there;
 * `chain` are the periods of one that were there when it was placed.
 */
function wrongChain(
  one: AllocationFacts,
  chain: readonly AccountFacts[],
  holds: ReadonlyMap<string, HoldFacts>,
): string[] {
  const { id, priceMicros, startedMs, paidSeconds } = one;
  if (one.state === 'released') {
    const kept = chain.filter((account) => (holds.get(account.id)?.reserved ?? '0') !== '0');
    if (kept.length > 0)
      return [`${id} is released, and ${kept.map((account) => account.id).join()} keeps money for it`];
  }
  const wrong = chain.flatMap((account) => {
    const charged = BigInt(holds.get(account.id)?.charged ?? 0);
    const [from, to] = startedMs === null ? [0, 0] : within(account, startedMs, one.seconds);
    const due = costOf(priceMicros, to) - costOf(priceMicros, from);
    return charged === due
      ? []
      : [`${id} has cost ${charged} of ${account.id}, and ${due} were used in its time`];
  });
  if (one.state === 'released' || paidSeconds === null) return wrong;
  const lastMs = Math.max(...chain.map(({ endsMs }) => endsMs ?? Infinity));
  if ((startedMs ?? Infinity) + paidSeconds * 1000 > lastMs && lastMs !== Infinity) return wrong;
  const sum = chain.reduce((all, account) => {
    const hold = holds.get(account.id);
    return all + BigInt(hold?.reserved ?? 0) + BigInt(hold?.charged ?? 0);
  }, 0n);
  const paid = costOf(priceMicros, paidSeconds);
  return sum >= paid
    ? wrong
    : [
        ...wrong,
        `${id} has ${paidSeconds} s paid, which are ${paid}, and ${chain[0]?.budget ?? chain[0]?.id} holds ${sum}`,
      ];
}

/** The seconds of a run that begin in the account's time. */
function within(
  { startsMs, endsMs }: AccountFacts,
  startedMs: number,
  seconds: number,
): [from: number, to: number] {
  const secondsUntil = (ms: number) => Math.max(0, Math.ceil((ms - startedMs) / 1000));
  const from = Math.min(seconds, secondsUntil(startsMs));
  return [from, Math.max(from, endsMs === null ? seconds : Math.min(seconds, secondsUntil(endsMs)))];
}
