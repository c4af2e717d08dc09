import { addDays, Calendar, monthOf } from '../../src/core/ledger/calendar.ts';
import type { PeriodKind } from '../../src/core/ledger/words.ts';
import { formatMicros } from '../../src/core/money.ts';
import { approveJob, rejectJob } from '../../src/flows/approveJob.ts';
import { closeException } from '../../src/flows/closeException.ts';
import { closeMonth } from '../../src/flows/closeMonth.ts';
import { createBudget, type NewBudget } from '../../src/flows/createBudget.ts';
import { decideTransfer } from '../../src/flows/decideTransfer.ts';
import { deleteBudget } from '../../src/flows/deleteBudget.ts';
import { patchBudget, type BudgetPatch } from '../../src/flows/patchBudget.ts';
import { transferBudget } from '../../src/flows/transferBudget.ts';
import type { BudgetFacts } from './books.ts';
import type { Door } from './door.ts';
import type { Snapshot } from './facts.ts';
import { ADMIN, ORGANIZATIONS, PROJECT_NAMES } from './market.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

const REQUEST = 'req';
const OFFICER = { ...ADMIN, id: 'officer' };
/** Who approves what the other one asks for. */
const CHIEF = { ...ADMIN, id: 'chief' };
const won = (amount: number) => ({ amount: String(amount), currency: 'KRW' });
/** More than anything of a storm costs. */
const ENOUGH = 1_000_000_000;
const KINDS: readonly PeriodKind[] = ['month', 'month', 'quarter', 'fiscal-year', 'once'];
const ZONE = 'Asia/Seoul';

/** Who watch over the money: they give too little, take it back, lend it, and are asked for more. */
export class Officers {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #door: Door;
  readonly #world: () => Snapshot;
  readonly #calendar = new Calendar(ZONE);
  #made = 0;

  constructor(scheduler: Scheduler, random: Random, door: Door, world: () => Snapshot) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#door = door;
    this.#world = world;
  }

  /** A new budget; where there is one of the kind already, it is refused. */
  fund(): void {
    const random = this.#random;
    const kind = random.pick(KINDS);
    const scope = random.chance(0.5)
      ? { organization: random.pick(ORGANIZATIONS) }
      : { project: random.pick(PROJECT_NAMES) };
    const cap = this.#cap();
    const until = kind === 'once' ? random.int(1, 2) : random.pick([null, null, 1]);
    const input: NewBudget = {
      name: `budget-${(this.#made += 1)}`,
      scope,
      period: { kind, from: null, until: until === null ? null : addDays(this.#today(), until) },
      cap: won(cap),
      thresholds: [50, 100],
      onExhausted: random.pick(['stop', 'stop', 'stop', 'block']),
      disasterReserve: random.chance(0.4) ? won(Math.floor(cap / random.pick([2, 4]))) : null,
      allotments: kind === 'fiscal-year' && random.chance(0.5) ? inParts(cap) : [],
      carryOver: random.chance(0.4),
      approvalAbove: random.chance(0.15) ? won(random.pick([1, 50, 1_000])) : null,
    };
    this.#door.ask(`fund ${kind} of ${Object.values(scope).join()} with ${cap}`, ({ deps }) =>
      createBudget(deps, OFFICER, input, { requestId: REQUEST, idempotency: null, render: () => null }),
    );
  }

  /** More or less of it, or other terms; by who has not seen the last change, sometimes. */
  reconsider(): void {
    const budget = this.#any();
    if (budget === null) return;
    const random = this.#random;
    const reason = 'because';
    const patch = random.pick<() => BudgetPatch>([
      () => ({ cap: won(this.#cap()), reason }),
      () => ({ cap: won(this.#cap()), reason }),
      () => ({ cap: won(this.#left(budget)), reason }),
      () => ({ cap: won(this.#left(budget)), disasterReserve: null, reason }),
      () => ({ disasterReserve: random.chance(0.5) ? null : won(this.#cap()) }),
      () => ({ onExhausted: random.pick(['stop', 'block']) }),
      () => ({ carryOver: random.chance(0.5), approvalAbove: random.pick([null, won(50)]) }),
      () => ({ until: random.pick([null, addDays(this.#today(), 1)]) }),
    ])();
    const version = random.pick([null, budget.version, budget.version, budget.version - 1]);
    this.#patch(budget, version, patch);
  }

  lend(): void {
    const [from, to] = [this.#any(), this.#any()];
    if (from === null || to === null || from === to) return;
    const amount = won(this.#random.int(1, 200));
    const ask = { requestId: REQUEST, idempotency: null, render: () => null };
    this.#door.ask(`lend ${amount.amount}`, ({ deps }) =>
      transferBudget(deps, OFFICER, { from: from.id, to: to.id, amount, reason: 'they lack it' }, ask),
    );
  }

  /** Whatever waits for an answer, at random; a month that is over is closed, what was made by mistake deleted. */
  answer(): void {
    const { money, jobs } = this.#world();
    const what = this.#random.pick([
      'exception',
      'transfer',
      'transfer',
      'job',
      'job',
      'month',
      'delete',
    ] as const);
    if (what === 'month') return this.#closeMonth();
    if (what === 'exception' && money.exceptions.length > 0)
      return this.#close(this.#random.pick(money.exceptions));
    if (what === 'transfer' && money.transfers.length > 0)
      return this.#decide(this.#random.pick(money.transfers));
    const asking = [...jobs.values()].filter(
      ({ state, waiting }) => state === 'queued' && waiting?.reason === 'approval',
    );
    if (what === 'job' && asking.length > 0) return this.#judge(this.#random.pick(asking).id);
    const budget = this.#any();
    if (what === 'delete' && budget !== null)
      this.#door.ask(`delete ${budget.id}`, ({ deps }) => deleteBudget(deps, OFFICER, budget.id, REQUEST));
  }

  /** In calm: there is enough for everybody, and nobody waits for an answer. */
  relieve(): void {
    const { money, jobs } = this.#world();
    for (const budget of money.budgets) {
      if (budget.deleted || BigInt(budget.cap) === BigInt(ENOUGH) * 1_000_000n) continue;
      this.#patch(budget, null, {
        cap: won(ENOUGH),
        disasterReserve: null,
        allotments: [],
        onExhausted: 'stop',
        approvalAbove: null,
        reason: 'it is calm',
      });
    }
    for (const one of money.exceptions) this.#close(one);
    for (const { id, state, waiting } of jobs.values())
      if (state === 'queued' && waiting?.reason === 'approval') this.#approve(id);
  }

  #judge(id: string): void {
    if (this.#random.chance(0.8)) return this.#approve(id);
    this.#door.ask(`reject ${id}`, ({ deps }) => rejectJob(deps, OFFICER, id, 'too dear', REQUEST));
  }

  #approve(id: string): void {
    this.#door.ask(`approve ${id}`, ({ deps }) => approveJob(deps, OFFICER, id, null, REQUEST));
  }

  #close({ id, budget }: { readonly id: string; readonly budget: string }): void {
    this.#door.ask(`close ${id}`, ({ deps }) =>
      closeException(deps, OFFICER, budget, id, 'so be it', REQUEST),
    );
  }

  #decide({ id, budget }: { readonly id: string; readonly budget: string }): void {
    const approved = this.#random.chance(0.8);
    const who = this.#random.chance(0.9) ? CHIEF : OFFICER;
    const decision = { budgetId: budget, transferId: id, approved, note: null };
    this.#door.ask(`decide ${id}`, ({ deps }) => decideTransfer(deps, who, decision, REQUEST));
  }

  #closeMonth(): void {
    const month = monthOf(addDays(`${monthOf(this.#today())}-01`, -1));
    this.#door.ask(`close ${month}`, ({ deps }) => closeMonth(deps, CHIEF, month, REQUEST));
  }

  #patch({ id, organization }: BudgetFacts, version: number | null, patch: BudgetPatch): void {
    this.#door.ask(`patch ${id} ${Object.keys(patch).join()} ${patch.cap?.amount ?? ''}`, ({ deps }) =>
      patchBudget(deps, OFFICER, { id, organization }, version, patch, REQUEST),
    );
  }

  #any(): BudgetFacts | null {
    const budgets = this.#world().money.budgets.filter(({ deleted }) => !deleted);
    return budgets.length === 0 ? null : this.#random.pick(budgets);
  }

  /** As low as it may be, or nearly: what is held and charged, and a little more. */
  #left({ id }: BudgetFacts): number {
    const used = this.#world()
      .money.accounts.filter(({ budget }) => budget === id)
      .map(({ reserved, charged }) => BigInt(reserved) + BigInt(charged));
    const most = used.reduce((a, b) => (a > b ? a : b), 0n);
    return Math.ceil(Number(formatMicros(most))) + this.#random.pick([0, 1, 30, 100]);
  }

  /** A first hold is a won to a thousand: from what pays for nothing to what pays for everything. */
  #cap(): number {
    const random = this.#random;
    return random.pick([
      random.int(0, 40),
      random.int(40, 400),
      random.int(40, 400),
      random.int(400, 4_000),
      ENOUGH / 10,
    ]);
  }

  #today(): string {
    return this.#calendar.dayOf(new Date(this.#scheduler.nowMs));
  }
}

const inParts = (cap: number) => [
  { afterMonths: 0, amount: won(Math.ceil(cap / 3)) },
  { afterMonths: 1, amount: won(Math.floor(cap / 3)) },
];
