/** One guard switched off. What the net is made of shows when a hole is cut into what it holds. */
export interface Mutant {
  readonly name: string;
  readonly edits: readonly {
    readonly file: string;
    /** Must occur exactly once. */
    readonly find: string;
    readonly replace: string;
  }[];
  /** What would go wrong. */
  readonly why: string;
  /** Seeds that find it, quickest first; more are tried after them. */
  readonly seeds: readonly number[];
}

const GUARDS = 'src/store/apply/guards.ts';
const ROOM = 'src/core/room.ts';
const ELIGIBLE = 'src/core/placement/eligible.ts';
const CHANGES = 'src/store/apply/changes.ts';
const SYNC = 'src/store/load/sync.ts';
const PLAN = 'src/core/ledger/plan.ts';

/**
 * Not here: the states that a change or a release may leave, and the allocation that must still be current. Every flow judges
 * under locks that make those guards the second line, so no world finds them; test/store/changes.test.ts does.
 * Nor an offer withdrawn between plan and apply: one seed in thirty finds that; test/store/placements.test.ts always.
 * Nor a verdict over old contact, a lease believed over without its margin, a request that was overtaken: hours may pass
 * between seeds that find them; test/store/health.test.ts always.
 * Nor holds that are read by the statement that waits for their locks: here nobody waits for a row, as a transaction is one
 * step; test/store/holds.test.ts has many connections.
 * Nor more charged than was held: of thirty worlds none has it, as who lacks money is stopped long before;
 * test/core/metering.test.ts and test/store/holds.test.ts always.
 */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'no-fence',
    edits: [
      {
        file: GUARDS,
        find: "select from allocations a where a.job_id = j.id and a.role = 'run' and a.state <> 'released'",
        replace: "select from allocations a where false and a.job_id = j.id and a.state <> 'released'",
      },
      {
        file: 'src/store/load/queue.ts',
        find: "where a.job_id = j.id and a.role = 'run' and a.state <> 'released'",
        replace: "where false and a.job_id = j.id and a.state <> 'released'",
      },
    ],
    why: 'a job starts elsewhere while its old place still has a lease: it runs twice',
    seeds: [1],
  },
  {
    name: 'placed-is-started',
    edits: [
      {
        file: CHANGES,
        find: 'case when w.started_at is not null then greatest(w.started_at, a.placed_at) end',
        replace: 'greatest(w.started_at, a.placed_at)',
      },
    ],
    why: 'what is only being started counts as running, and is billed from its placement',
    seeds: [1],
  },
  {
    name: 'standby-not-fenced',
    edits: [
      {
        file: 'src/store/load/protection.ts',
        find: "where o.job_id = j.id and o.role = 'run' and o.state <> 'released'",
        replace: "where false and o.job_id = j.id and o.role = 'run' and o.state <> 'released'",
      },
      {
        file: 'src/store/apply/promotions.ts',
        find: 'const free = await ofFreeJobs(tx, now, terms.leaseMarginMs, ready);',
        replace: 'const free = ready.slice(0, ready.length + 0 * terms.leaseMarginMs);',
      },
      {
        file: 'src/store/apply/promotions.ts',
        find: "import { ofFreeJobs } from './guards.ts';",
        replace: '',
      },
    ],
    why: 'a job goes on where it stood by while its lost place still has a lease: it runs twice',
    seeds: [2002, 2000, 2004, 2009, 2012, 2015, 2018, 2021],
  },
  {
    name: 'standby-anywhere',
    edits: [
      {
        file: 'src/core/placement/whereabouts.ts',
        find: 'const others = named(beside);',
        replace: 'const others = named(beside.slice(0, 0));',
      },
    ],
    why: 'what stands by is of the same vendor, or in the same disaster zone',
    seeds: [2000, 2002, 2004],
  },
  {
    name: 'spares-outlive-their-jobs',
    edits: [
      {
        file: 'src/store/load/protection.ts',
        find: "and j.state in ('stopping', 'succeeded', 'failed', 'cancelled')",
        replace: "and j.state in ('nothing')",
      },
    ],
    why: 'a place stands by, and bills, for a job that has ended',
    seeds: [13, 27, 3],
  },
  {
    name: 'no-capacity-guard',
    edits: [
      {
        file: ROOM,
        find: ' || left.places < nodes',
        replace: '',
      },
    ],
    why: 'capacity that was lowered between plan and apply is oversold',
    seeds: [3],
  },
  {
    name: 'no-health-guard',
    edits: [{ file: GUARDS, find: "and mode = 'active' and health = 'healthy'", replace: '' }],
    why: 'a job is placed on a provider that went down, or began to drain, between plan and apply',
    seeds: [26],
  },
  {
    name: 'fenced-lease-renewed',
    edits: [
      {
        file: 'src/core/orders.ts',
        find: "one.endReason === 'provider-down' || one.endReason === 'lost' || one.releasingAt",
        replace: 'one.releasingAt',
      },
    ],
    why: 'a provider that was given up keeps its lease, and the job waits for it',
    seeds: [11],
  },
  {
    name: 'absence-is-proof',
    edits: [
      {
        file: 'src/flows/push.ts',
        find: '? judgeUnseen(one, now, deps.timing)',
        replace: '? judgeAbsence(one, now, deps.timing)',
      },
      {
        file: 'src/flows/push.ts',
        find: 'import { judgeFault, judgeObservation, judgeUnseen }',
        replace: 'import { judgeAbsence, judgeFault, judgeObservation }',
      },
      {
        file: SYNC,
        find: 'eq(providers.name, provider), eq(providers.agentSequence, look)',
        replace: 'eq(providers.name, provider), sql`true`',
      },
    ],
    why: 'a replica that stood still takes what was started meanwhile for lost, and the job runs twice',
    seeds: [3],
  },
  {
    name: 'own-silence-counts',
    edits: [
      {
        file: 'src/core/health.ts',
        find: 'Math.max(lastContactAt?.getTime() ?? 0, listeningSince.getTime())',
        replace: '(lastContactAt ?? listeningSince).getTime()',
      },
    ],
    why: 'after an outage of our own every provider is given up',
    seeds: [6, 5],
  },
  {
    name: 'nobody-doubts-us',
    edits: [
      {
        file: 'src/core/health.ts',
        find: 'least >= timing.degradedAfterMs && least < timing.doubtMs',
        replace: 'least === timing.doubtMs',
      },
    ],
    why: 'when our own network is lost, everybody is given up',
    seeds: [2, 11],
  },
  {
    name: 'moves-told-by-notes',
    edits: [
      {
        file: 'src/core/moves.ts',
        find: 'Math.min(releasedAt?.getTime() ?? Infinity, over)',
        replace: 'releasedAt?.getTime() ?? over',
      },
    ],
    why: 'a move is told as if the job had run twice: the lease was over before anybody noted it',
    seeds: [1, 2, 5],
  },
  {
    name: 'submitting-counts-as-absent',
    edits: [
      {
        file: 'src/core/failover.ts',
        find: "if (held.state !== 'active' && held.state !== 'releasing') return [];",
        replace: "if (held.state === 'released') return [];",
      },
    ],
    why: 'an order is taken back before its provider could take it',
    seeds: [1],
  },
  {
    name: 'submitting-only-kept',
    edits: [
      {
        file: 'src/core/orders.ts',
        find: "if (one.state === 'submitting' && !observed.has(id)) {",
        replace: 'if (one.state === null) {',
      },
    ],
    why: 'nothing is ever started',
    seeds: [1],
  },
  {
    name: 'lease-not-awaited',
    edits: [
      {
        file: SYNC,
        find: "and(eq(allocations.state, 'releasing'), sql`${allocations.leaseUntil} < ${before.toISOString()}`)",
        replace: "and(eq(allocations.state, 'releasing'), sql`${before.toISOString()} <> ''`)",
      },
    ],
    why: 'what was told to go is taken for gone at once',
    seeds: [1],
  },
  {
    name: 'contact-does-not-count-for-lease',
    edits: [
      {
        file: CHANGES,
        find: 'else greatest(a.lease_until, c.until) end',
        replace: 'else a.lease_until end',
      },
    ],
    why: 'a fenced allocation is believed over while its provider still has a lease from its last contact',
    seeds: [1],
  },
  {
    name: 'idempotency-untied',
    edits: [
      {
        file: 'src/store/apply/submissions.ts',
        find: 'where key is null or id in (select job_id from firsts)',
        replace: 'where true',
      },
    ],
    why: 'the same request sent twice is two jobs',
    seeds: [1],
  },
  {
    name: 'places-not-freed',
    edits: [{ file: CHANGES, find: 'await giveBack(tx, released);', replace: '' }],
    why: 'a provider fills up with what is gone',
    seeds: [3],
  },
  {
    name: 'late-truth-ignored',
    edits: [
      {
        file: 'src/core/failover.ts',
        find: 'if (exited && seen.exitCode === 0) {',
        replace: "if (exited && seen.exitCode === 0 && held.jobState !== 'queued') {",
      },
    ],
    why: 'a job that had ended well before its provider fell silent runs again',
    seeds: [1],
  },
  {
    name: 'stop-forgotten',
    edits: [
      {
        file: 'src/core/failover.ts',
        find: "if (held.jobState === 'stopping') {",
        replace: "if (held.jobState === 'queued') {",
      },
    ],
    why: 'a cancelled job whose stop is confirmed never becomes cancelled',
    seeds: [1],
  },
  {
    name: 'cost-rounded-down',
    edits: [
      {
        file: 'src/core/money.ts',
        find: '(priceMicrosPerHour * BigInt(seconds) + 1800n) / 3600n',
        replace: '(priceMicrosPerHour * BigInt(seconds)) / 3600n',
      },
    ],
    why: 'the bill is not what the price says',
    seeds: [1],
  },
  {
    name: 'rules-ignored',
    edits: [
      {
        file: 'src/core/placement/places.ts',
        find: "passes(this.#rules.regions, this.#pass.market.regions[at] ?? '') ? 0 : bit('regions')",
        replace: '0',
      },
    ],
    why: 'a job is placed where its tenant forbade it',
    seeds: [1],
  },
  {
    name: 'pool-room-not-looked-at',
    edits: [
      {
        file: ROOM,
        find: 'if (pool === undefined || !holds(pool, draw)) return false;',
        replace: 'if (pool === undefined) return false;',
      },
    ],
    why: 'what several offers draw on together is oversold when its total was lowered between plan and apply',
    seeds: [11],
  },
  {
    name: 'pool-not-given-back',
    edits: [
      {
        file: 'src/store/apply/room.ts',
        find: 'if (drawn.length > 0) await countDrawn(tx, drawn, sign);',
        replace: 'if (drawn.length > 0 && sign === 1) await countDrawn(tx, drawn, sign);',
      },
    ],
    why: 'a host fills up with what is gone',
    seeds: [1],
  },
  {
    name: 'shape-not-looked-at',
    edits: [{ file: ROOM, find: ' || !isSameShape(left.shape, shape)', replace: '' }],
    why: 'a job gets what its offer was when it was planned, and the offer is smaller by now',
    seeds: [11],
  },
  {
    name: 'rules-not-guarded',
    edits: [
      {
        file: GUARDS,
        find: 'rules?.organization === row.organization &&',
        replace: 'rules?.organization === row.organization ||',
      },
    ],
    why: 'a job is placed by rules that were replaced between plan and apply',
    seeds: [9],
  },
  {
    name: 'policies-not-guarded',
    edits: [
      {
        file: GUARDS,
        find: 'rows.filter(({ policiesVersion }) => policiesVersion === now)',
        replace: 'rows.filter(({ policiesVersion }) => policiesVersion <= now)',
      },
    ],
    why: 'data goes where it may not go any more since a table was replaced between plan and apply',
    seeds: [9],
  },
  {
    name: 'statement-not-guarded',
    edits: [
      {
        file: GUARDS,
        find: 'taken.get(provider) === providerVersion',
        replace: 'providerVersion > 0 && taken.has(provider)',
      },
    ],
    why: 'graded data goes to a provider that took back, between plan and apply, what was vouched for',
    seeds: [33],
  },
  {
    name: 'project-rules-ignored',
    edits: [
      {
        file: 'src/core/placement/rulebook.ts',
        find: 'rules.projects.get(project)',
        replace: "rules.projects.get('')",
      },
    ],
    why: 'a project tells its jobs where they may run, and they run elsewhere',
    seeds: [9],
  },
  {
    name: 'certificate-never-expires',
    edits: [
      {
        file: ELIGIBLE,
        find: 'now.getTime() && now.getTime() < Date.parse(validUntil);',
        replace: 'now.getTime() && validUntil.length > 0;',
      },
    ],
    why: 'a job goes to a provider whose certificate ended',
    seeds: [9],
  },
  {
    name: 'vendor-vouches-for-itself',
    edits: [
      { file: ELIGIBLE, find: "provider.attested ? provider.realm : 'public'", replace: 'provider.realm' },
    ],
    why: 'a vendor calls itself a government centre, and gets its data',
    seeds: [9],
  },
  {
    name: 'quote-ceiling-ignored',
    edits: [
      {
        file: 'src/core/placement/match.ts',
        find: '(columns.rank[sale] ?? 0) > request.quoteRank',
        replace: '(columns.rank[sale] ?? 0) > Infinity',
      },
    ],
    why: 'a job that was quoted a price pays more',
    seeds: [10],
  },
  {
    name: 'use-not-recorded',
    edits: [
      {
        file: 'src/core/placement/record.ts',
        find: 'use: state.uses.get(provider.name) ?? null',
        replace: 'use: null',
      },
    ],
    why: 'a decision that is made again comes out otherwise, as it does not know what was taken',
    seeds: [1],
  },
  {
    name: 'control-plane-fences',
    edits: [
      {
        file: 'src/flows/scopes.ts',
        find: "const data = plane === 'data' ? state : 'healthy';",
        replace: 'const data = state;',
      },
    ],
    why: 'a provider that only cannot start anything has its running work given up',
    seeds: [1030, 1000, 1003],
  },
  {
    name: 'sick-part-not-left-out',
    edits: [
      {
        file: 'src/core/placement/pass.ts',
        find: 'for (const position of pass.shut.keys()) pass.free[position] = 0;',
        replace: '',
      },
      {
        file: GUARDS,
        find: 'return !sick.some((scope)',
        replace: 'return sick.length < 0 || !sick.slice(sick.length).some((scope)',
      },
    ],
    why: 'jobs are placed one after the other where nothing starts',
    seeds: [1003, 1000],
  },
  {
    name: 'renewed-without-reserving',
    edits: [
      {
        file: PLAN,
        find: '? (one.paidSeconds ?? 0) : one.paidSeconds;',
        replace: '? (one.paidSeconds ?? 0) : (one.paidSeconds ?? 0) + timing.meterSeconds;',
      },
    ],
    why: 'what cannot be held any longer goes on all the same',
    seeds: [3016, 3001, 3003],
  },
  {
    name: 'hold-not-released',
    edits: [
      {
        file: PLAN,
        find: "one.phase === 'over' ? used : (one.paidSeconds ?? used)",
        replace: 'one.paidSeconds ?? used',
      },
    ],
    why: 'what was held for a run that has ended is lost to everybody else',
    seeds: [3000],
  },
  {
    name: 'disaster-reserve-open',
    edits: [
      {
        file: 'src/core/ledger/balances.ts',
        find: 'allottedMicros > disasterMicros ? allottedMicros - disasterMicros : 0n',
        replace: 'allottedMicros > disasterMicros ? allottedMicros : 0n',
      },
    ],
    why: 'ordinary work draws on what is kept for disasters, which the database refuses, and with it everybody',
    seeds: [3002, 3003, 3006],
  },
  {
    name: 'one-budget-is-enough',
    edits: [
      {
        file: 'src/store/apply/reserve.ts',
        find: 'accounts.above(row)',
        replace: 'accounts.above(row).slice(0, 1)',
      },
    ],
    why: 'a job is placed though a budget above it lost its money between plan and apply',
    seeds: [3007, 3002, 3012],
  },
  {
    name: 'paid-end-unheard',
    edits: [
      {
        file: 'src/core/orders.ts',
        find: 'if (one.paidSeconds !== null) paid.push(',
        replace: 'if (one.paidSeconds === -1) paid.push(',
      },
      {
        file: 'src/core/orders.ts',
        find: 'healthPath: spec.serve.healthPath },\n    paidSeconds,',
        replace: 'healthPath: spec.serve.healthPath },\n    paidSeconds: paidSeconds === -1 ? 0 : null,',
      },
    ],
    why: 'a provider never hears until when it is paid, and goes on beyond',
    seeds: [3016, 3003, 3018],
  },
  {
    name: 'year-end-not-split',
    edits: [
      {
        file: 'src/core/ledger/run.ts',
        find: 'endsAt === null ? paidSeconds : Math.min(paidSeconds, secondsBetween(begins, endsAt))',
        replace: 'endsAt === null || begins !== null ? paidSeconds : 0',
      },
    ],
    why: 'the old year pays for what was used in the new one',
    seeds: [3003, 3001, 3002, 3005],
  },
  {
    name: 'new-budget-not-asked',
    edits: [
      {
        file: 'src/core/ledger/moves.ts',
        find: 'chain.filter(({ id }) => holds.has(id)));',
        replace: "chain.filter(({ id }) => id !== ''));",
      },
    ],
    why: 'a new budget holds what others have paid, money or not: the database refuses, and with it everybody',
    seeds: [3000],
  },
  {
    name: 'own-limit-not-read',
    edits: [
      {
        file: 'src/store/load/queue.ts',
        find: '${OWN_ACCOUNT} as "ownAccount"',
        replace: 'null::json as "ownAccount"',
      },
    ],
    why: 'a job that says what it may cost waits for ever where that has to be said',
    seeds: [3003, 3007],
  },
  {
    name: 'cut-period-stays',
    edits: [
      {
        file: 'src/core/ledger/budget-change.ts',
        find: 'days === null ? after1Ms(period.startsAt) :',
        replace: 'days === null ? period.endsAt :',
      },
    ],
    why: 'a period that its budget has no longer holds up everybody below it, whoever pays for that time',
    seeds: [3111],
  },
];
