import { sql } from 'drizzle-orm';
import {
  bigint,
  bigserial,
  boolean,
  check,
  customType,
  date,
  doublePrecision,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
} from 'drizzle-orm/pg-core';
import { ROLES } from '../core/access.ts';
import {
  ALLOCATION_ROLES,
  ALLOCATION_STATES,
  END_REASONS,
  HOLDING_ALLOCATION_STATES,
  LIVE_ALLOCATION_STATES,
  PURPOSES,
} from '../core/allocation.ts';
import {
  ACTIVE_DRILL_STATES,
  DRILL_ENDS,
  DRILL_MODES,
  DRILL_STATES,
  OPEN_DRILL_STATES,
  type DrillSpec,
} from '../core/drill/drill.ts';
import type { DrillPlan } from '../core/drill/plan.ts';
import type { DrillEvidence, DrillReport } from '../core/drill/report.ts';
import type { CanaryCheck } from '../core/drill/check.ts';
import {
  CONTINUITY_MODES,
  JOB_KINDS,
  JOB_STATES,
  LIVE_JOB_STATES,
  type JobSpec,
  type Waiting,
} from '../core/job.ts';
import { FAULTS } from '../core/fault.ts';
import { FORM_FACTORS } from '../core/gpu.ts';
import {
  BALANCES,
  DELIVERY_STATES,
  ENTRY_KINDS,
  ON_EXHAUSTED,
  PERIOD_KINDS,
  TRANSFER_STATES,
  WEBHOOK_EVENTS,
  type Allotment,
} from '../core/ledger/words.ts';
import { UNKEPT_OUTCOMES, type Inventory, type Outcome } from '../core/order.ts';
import type { Approval } from '../core/ledger/approval.ts';
import type { QuoteBody } from '../core/placement/quote.ts';
import type { HeldQuote } from '../core/quote.ts';
import { POLICY_NAMES } from '../core/policy.ts';
import { BROKER_VERBS } from '../core/probe.ts';
import type { RuleSet } from '../core/rules.ts';
import { PLANES, type KeptSample } from '../core/scope.ts';
import {
  BROKER_KINDS,
  HEALTH_STATES,
  PROVIDER_MODES,
  REALMS,
  type Certification,
  type Site,
} from '../core/provider.ts';

/** `'a', 'b'` for a CHECK or a partial index, from the tuple that the code uses: a state exists in one place. */
const oneOf = (values: readonly string[]) => sql.raw(values.map((value) => `'${value}'`).join(', '));
const at = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });
const micros = (name: string) => bigint(name, { mode: 'bigint' });
const bytes = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

// ---- people -----------------------------------------------------------------------------------------------

/** One row: what this database was made for. A start with another currency or time zone is refused. */
export const installation = pgTable(
  'installation',
  {
    id: integer('id').primaryKey().default(1),
    currency: text('currency').notNull(),
    /** IANA name: where a day, a month and a fiscal year begin. Null: from before it mattered, not said yet. */
    timeZone: text('time_zone'),
    createdAt: at('created_at').notNull(),
  },
  (t) => [check('installation_one_row', sql`${t.id} = 1`)],
);

/** Placement rules of an organization or a project, and how often they were changed: what a placement is guarded by. */
const rules = () => ({
  /** Null: none were ever set. */
  rules: jsonb('rules').$type<RuleSet>(),
  rulesVersion: integer('rules_version').notNull().default(0),
  rulesUpdatedAt: at('rules_updated_at'),
});

export const organizations = pgTable('organizations', {
  name: text('name').primaryKey(),
  createdAt: at('created_at').notNull(),
  ...rules(),
});

export const projects = pgTable('projects', {
  name: text('name').primaryKey(),
  organization: text('organization')
    .notNull()
    .references(() => organizations.name),
  createdAt: at('created_at').notNull(),
  ...rules(),
});

/** Tables of the rules that change with the law and the market rather than with the program: see core/policy.ts. */
export const policies = pgTable(
  'policies',
  {
    name: text('name', { enum: POLICY_NAMES }).primaryKey(),
    /** An array of the rows that core/policy.ts describes. */
    body: jsonb('body').$type<unknown[]>().notNull(),
    version: integer('version').notNull().default(1),
    updatedAt: at('updated_at').notNull(),
    updatedBy: text('updated_by').notNull(),
  },
  (t) => [check('policies_name', sql`${t.name} in (${oneOf(POLICY_NAMES)})`)],
);

export const keys = pgTable(
  'keys',
  {
    id: text('id').primaryKey(),
    role: text('role', { enum: ROLES }).notNull(),
    /** Hex SHA-256 of the secret. Secrets are 256 random bits, so a slow hash would add nothing. */
    secretHash: text('secret_hash').notNull(),
    projects: text('projects').array().notNull(),
    organization: text('organization'),
    vendor: text('vendor'),
    /** Agent keys: the one provider that it serves. */
    provider: text('provider'),
    note: text('note'),
    createdAt: at('created_at').notNull(),
    createdBy: text('created_by').notNull(),
    expiresAt: at('expires_at'),
    revokedAt: at('revoked_at'),
  },
  (t) => [
    uniqueIndex('keys_secret_hash').on(t.secretHash),
    check('keys_role', sql`${t.role} in (${oneOf(ROLES)})`),
  ],
);

// ---- providers and what they sell ---------------------------------------------------------------------------

export const providers = pgTable(
  'providers',
  {
    name: text('name').primaryKey(),
    vendor: text('vendor').notNull(),
    brokerKind: text('broker_kind', { enum: BROKER_KINDS }).notNull(),
    /** The broker's other settings, without secrets. */
    brokerSettings: jsonb('broker_settings').$type<Record<string, unknown>>().notNull(),
    site: jsonb('site').$type<Site>().notNull(),
    realm: text('realm', { enum: REALMS }).notNull(),
    certifications: jsonb('certifications').$type<Certification[]>().notNull(),
    /** When somebody of the service (not the vendor) vouched for realm and certifications as they are; null: nobody has. */
    attestedAt: at('attested_at'),
    /** The role of who did. */
    attestedBy: text('attested_by'),
    mode: text('mode', { enum: PROVIDER_MODES }).notNull(),
    /**
     * The verdict over its data plane: does what runs there go on? Its samples and reasons are in provider_health. What it
     * means together with the control plane's is said by core/response.ts.
     */
    health: text('health', { enum: HEALTH_STATES }).notNull(),
    healthSince: at('health_since').notNull(),
    healthReason: text('health_reason').notNull(),
    /** The verdict over its control plane: can new work be started there? `unknown`: nothing was started yet. */
    control: text('control', { enum: HEALTH_STATES }).notNull().default('unknown'),
    controlReason: text('control_reason').notNull().default(''),
    /** When the provider was last heard (agent: a sync; others: an answered call). Null: never. */
    lastContactAt: at('last_contact_at'),
    /** Since when it has been heard without a gap; what a recovering provider is judged by. */
    contactSince: at('contact_since'),
    /** Bumped by every change to what the provider should be doing: what a held sync waits for. */
    ordersVersion: bigint('orders_version', { mode: 'number' }).notNull().default(0),
    /** Bumped by every change to the terms of what it sells: what a loaded catalog is kept by. */
    offersVersion: bigint('offers_version', { mode: 'number' }).notNull().default(0),
    /** Agent: the data folder that holds its work, its version and what the machine has. */
    agentInstance: text('agent_instance'),
    agentSequence: bigint('agent_sequence', { mode: 'number' }),
    agentVersion: text('agent_version'),
    inventory: jsonb('inventory').$type<Inventory>(),
    version: integer('version').notNull().default(1),
    createdAt: at('created_at').notNull(),
  },
  (t) => [
    check('providers_broker_kind', sql`${t.brokerKind} in (${oneOf(BROKER_KINDS)})`),
    check('providers_realm', sql`${t.realm} in (${oneOf(REALMS)})`),
    check('providers_mode', sql`${t.mode} in (${oneOf(PROVIDER_MODES)})`),
    check('providers_health', sql`${t.health} in (${oneOf(HEALTH_STATES)})`),
    check('providers_control', sql`${t.control} in (${oneOf(HEALTH_STATES)})`),
    index('providers_vendor').on(t.vendor),
  ],
);

/** Every change of verdict, and every word of the vendor's own, append-only. */
export const providerHealth = pgTable(
  'provider_health',
  {
    seq: bigserial('seq', { mode: 'number' }).primaryKey(),
    provider: text('provider')
      .notNull()
      .references(() => providers.name),
    at: at('at').notNull(),
    /** `verdict` (ours) or `vendor` (their own word). */
    source: text('source', { enum: ['verdict', 'vendor'] }).notNull(),
    state: text('state').notNull(),
    reason: text('reason').notNull(),
    /** For a vendor's word: from when until when it holds. */
    validFrom: at('valid_from'),
    validUntil: at('valid_until'),
    /** Of a verdict: when the provider had last been heard, which is the earliest that it can have failed. */
    lastContactAt: at('last_contact_at'),
    /** Of a verdict: over which plane, and which part of the provider; null region and model: all of it. */
    plane: text('plane', { enum: PLANES }).notNull().default('data'),
    region: text('region'),
    gpuModel: text('gpu_model'),
    /** Of a verdict: what it was made from, newest first, 20 at most. */
    samples: jsonb('samples').$type<KeptSample[]>(),
  },
  (t) => [
    check('provider_health_plane', sql`${t.plane} in (${oneOf(PLANES)})`),
    index('provider_health_by_provider').on(t.provider, t.seq.desc().nullsFirst()),
    // How often somebody was given up lately is asked four times a second, for years.
    index('provider_health_downs')
      .on(t.at, t.provider)
      .where(sql`${t.source} = 'verdict' and ${t.state} = 'down'`),
  ],
);

/** The verdicts over parts of providers that were closed at some time: see core/scope.ts. */
export const scopeHealth = pgTable(
  'scope_health',
  {
    provider: text('provider')
      .notNull()
      .references(() => providers.name),
    /** A region, or `*`. */
    region: text('region').notNull(),
    /** A canonical model, `none` (offers without a GPU), or `*`. */
    gpuModel: text('gpu_model').notNull(),
    plane: text('plane', { enum: PLANES }).notNull(),
    state: text('state', { enum: HEALTH_STATES }).notNull(),
    since: at('since').notNull(),
    reason: text('reason').notNull(),
    heldUntil: at('held_until'),
    closings: integer('closings').notNull(),
    samples: jsonb('samples').$type<KeptSample[]>().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.provider, t.region, t.gpuModel, t.plane] }),
    check('scope_health_plane', sql`${t.plane} in (${oneOf(PLANES)})`),
    check('scope_health_state', sql`${t.state} in (${oneOf(HEALTH_STATES)})`),
  ],
);

/** GPU faults that agents reported, each once. Dropped when nobody can ask for them any more. */
export const gpuFaults = pgTable(
  'gpu_faults',
  {
    provider: text('provider')
      .notNull()
      .references(() => providers.name),
    /** The agent's name for it: boot and place in the kernel log. */
    id: text('id').notNull(),
    at: at('at').notNull(),
    /** When the agent said so. */
    heardAt: at('heard_at').notNull(),
    /** PCI address. */
    device: text('device').notNull(),
    /** As CUDA counts them; null: the agent cannot tell. */
    gpuIndex: integer('gpu_index'),
    /** Canonical; null: the agent cannot tell. */
    gpuModel: text('gpu_model'),
    xid: integer('xid').notNull(),
    text: text('text').notNull(),
  },
  (t) => [primaryKey({ columns: [t.provider, t.id] }), index('gpu_faults_age').on(t.heardAt)],
);

/** How the verbs of brokers that are called have fared: one row for each that ever failed. */
export const brokerProbes = pgTable(
  'broker_probes',
  {
    provider: text('provider')
      .notNull()
      .references(() => providers.name),
    verb: text('verb', { enum: BROKER_VERBS }).notNull(),
    /** Of those in a row. */
    failures: integer('failures').notNull(),
    failedAt: at('failed_at').notNull(),
    fault: text('fault', { enum: FAULTS }).notNull(),
    detail: text('detail').notNull(),
    /** First answer after the last failure. */
    answeredAt: at('answered_at'),
  },
  (t) => [
    primaryKey({ columns: [t.provider, t.verb] }),
    check('broker_probes_verb', sql`${t.verb} in (${oneOf(BROKER_VERBS)})`),
    check('broker_probes_fault', sql`${t.fault} in (${oneOf(FAULTS)})`),
  ],
);

/**
 * What several offers draw on together: a host, a quota. `used…` is what allocations hold of it now; a claim never
 * takes it above the totals, which a vendor may lower below it. Null: that dimension is not limited.
 */
export const pools = pgTable(
  'pools',
  {
    provider: text('provider')
      .notNull()
      .references(() => providers.name),
    name: text('name').notNull(),
    gpus: integer('gpus').notNull(),
    cpuMillis: bigint('cpu_millis', { mode: 'number' }),
    memoryMiB: bigint('memory_mib', { mode: 'number' }),
    usedGpus: integer('used_gpus').notNull().default(0),
    usedCpuMillis: bigint('used_cpu_millis', { mode: 'number' }).notNull().default(0),
    usedMemoryMiB: bigint('used_memory_mib', { mode: 'number' }).notNull().default(0),
  },
  (t) => [
    primaryKey({ columns: [t.provider, t.name] }),
    check(
      'pools_counts',
      sql`${t.gpus} >= 0 and ${t.usedGpus} >= 0 and ${t.usedCpuMillis} >= 0 and ${t.usedMemoryMiB} >= 0`,
    ),
  ],
);

export const offers = pgTable(
  'offers',
  {
    provider: text('provider')
      .notNull()
      .references(() => providers.name),
    name: text('name').notNull(),
    region: text('region').notNull(),
    /** Canonical model; null: no GPU. What the vendor wrote is in `listed`. */
    gpuModel: text('gpu_model'),
    gpuCount: integer('gpu_count').notNull(),
    gpuMemoryGiB: doublePrecision('gpu_memory_gib').notNull(),
    /** Null: the vendor does not say. */
    gpuFormFactor: text('gpu_form_factor', { enum: FORM_FACTORS }),
    cpus: doublePrecision('cpus').notNull(),
    memoryGiB: doublePrecision('memory_gib').notNull(),
    capacity: integer('capacity').notNull(),
    /** Allocations that hold this offer now. Only ever changed together with their state, and never above capacity by a claim. */
    used: integer('used').notNull().default(0),
    priceMicrosPerHour: micros('price_micros_per_hour'),
    spotPriceMicrosPerHour: micros('spot_price_micros_per_hour'),
    currency: text('currency').notNull(),
    /** The provider's pool that every place of it draws on; null: it stands for itself. */
    pool: text('pool'),
    effectiveFrom: at('effective_from'),
    /** What the vendor's catalog said, word for word, where an import made the canonical fields from it. */
    listed: jsonb('listed').$type<Record<string, unknown>>(),
    withdrawnAt: at('withdrawn_at'),
    version: integer('version').notNull().default(1),
    updatedAt: at('updated_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.provider, t.name] }),
    check('offers_counts', sql`${t.capacity} >= 0 and ${t.used} >= 0 and ${t.gpuCount} >= 0`),
    check('offers_gpu', sql`(${t.gpuModel} is null) = (${t.gpuCount} = 0)`),
    check('offers_form_factor', sql`${t.gpuFormFactor} in (${oneOf(FORM_FACTORS)})`),
    foreignKey({ columns: [t.provider, t.pool], foreignColumns: [pools.provider, pools.name] }),
    // The few that are in use: what a pass reads anew every time.
    index('offers_used')
      .on(t.provider, t.name)
      .where(sql`${t.used} > 0`),
    check(
      'offers_prices',
      sql`coalesce(${t.priceMicrosPerHour}, 0) >= 0 and coalesce(${t.spotPriceMicrosPerHour}, 0) >= 0`,
    ),
    index('offers_live_by_price')
      .on(t.priceMicrosPerHour)
      .where(sql`${t.withdrawnAt} is null`),
    index('offers_live_by_gpu')
      .on(t.gpuModel, t.gpuCount)
      .where(sql`${t.withdrawnAt} is null`),
  ],
);

/** Dated: the newest row of a currency counts; an allocation keeps the rate that it was placed at. */
export const exchangeRates = pgTable(
  'exchange_rates',
  {
    currency: text('currency').notNull(),
    asOf: at('as_of').notNull(),
    /** Price of one unit of `currency` in the accounting currency, in micros. */
    rateMicros: micros('rate_micros').notNull(),
    createdAt: at('created_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.currency, t.asOf] }),
    check('exchange_rates_positive', sql`${t.rateMicros} > 0`),
  ],
);

// ---- work -----------------------------------------------------------------------------------------------

export const jobs = pgTable(
  'jobs',
  {
    /** Time-ordered, so that the primary key is also the order of submission. */
    id: text('id').primaryKey(),
    organization: text('organization')
      .notNull()
      .references(() => organizations.name),
    project: text('project')
      .notNull()
      .references(() => projects.name),
    name: text('name').notNull(),
    kind: text('kind', { enum: JOB_KINDS }).notNull(),
    spec: jsonb('spec').$type<JobSpec>().notNull(),
    priority: integer('priority').notNull(),
    /** Where it stands among its project's jobs, lower first: see core/queue-rank.ts. Only a disaster changes it. */
    queueRank: bigint('queue_rank', { mode: 'number' }).notNull(),
    /** What the quote that it was submitted with holds for it. */
    quote: jsonb('quote').$type<HeldQuote>(),
    state: text('state', { enum: JOB_STATES }).notNull(),
    /** A JobReason, and a sentence for people. */
    reason: text('reason').notNull(),
    reasonDetail: text('reason_detail'),
    /** Only while queued. */
    waiting: jsonb('waiting').$type<Waiting>(),
    /** While stopping: what the job becomes when the stop is confirmed. */
    stoppingTo: text('stopping_to', { enum: ['cancelled', 'failed'] }),
    /** The allocation that may write checkpoints and whose end is the job's end; changed only by a placement. */
    currentAllocationId: text('current_allocation_id'),
    attempts: integer('attempts').notNull().default(0),
    /** Allocations in a row that were refused or lost before they ran; what the backoff grows with. */
    failedStarts: integer('failed_starts').notNull().default(0),
    /** Placement is not tried again before this (backoff). */
    notBefore: at('not_before'),
    /** A move that named a target: tried first, and only until it is placed. */
    moveTo: text('move_to'),
    /** How many places stand by for it (core/protection.ts); 0: none. Never changes. */
    spares: integer('spares').notNull().default(0),
    /** Why fewer stand by than should; null: all do, or none is wanted. */
    spareWaiting: jsonb('spare_waiting').$type<Waiting>(),
    /** Where a disaster took it from, until it is back there or nobody wants it back; null: it was not. */
    home: text('home'),
    /** Providers that lost or refused this job lately are avoided until then: {provider: RFC 3339}. */
    avoid: jsonb('avoid').$type<Record<string, string>>().notNull().default({}),
    exitCode: integer('exit_code'),
    createdAt: at('created_at').notNull(),
    queuedAt: at('queued_at').notNull(),
    startedAt: at('started_at'),
    finishedAt: at('finished_at'),
    deadlineAt: at('deadline_at'),
    createdBy: text('created_by').notNull(),
    /** Why it may not run before somebody else has approved it; null: nobody has to. */
    approval: jsonb('approval').$type<Approval>(),
    /** Of a canary: the drill that made it, and that ends it. */
    drillId: text('drill_id'),
    /** Counts the changes: what a plan was made against. */
    version: integer('version').notNull().default(1),
  },
  (t) => [
    check('jobs_state', sql`${t.state} in (${oneOf(JOB_STATES)})`),
    check('jobs_stopping', sql`(${t.state} = 'stopping') = (${t.stoppingTo} is not null)`),
    check('jobs_waiting', sql`${t.waiting} is null or ${t.state} = 'queued'`),
    check('jobs_finished', sql`(${t.state} in (${oneOf(LIVE_JOB_STATES)})) = (${t.finishedAt} is null)`),
    // The live ones only: a million finished jobs must not slow a pass down.
    index('jobs_queue')
      .on(t.project, t.queueRank, t.id)
      .where(sql`${t.state} = 'queued'`),
    index('jobs_live')
      .on(t.state)
      .where(sql`${t.state} in (${oneOf(LIVE_JOB_STATES)})`),
    index('jobs_protected')
      .on(t.id)
      .where(sql`${t.spares} > 0 and ${t.state} in (${oneOf(LIVE_JOB_STATES)})`),
    index('jobs_away')
      .on(t.home)
      .where(sql`${t.home} is not null and ${t.state} = 'running'`),
    index('jobs_deadline')
      .on(t.deadlineAt)
      .where(sql`${t.deadlineAt} is not null and ${t.state} in (${oneOf(LIVE_JOB_STATES)})`),
    index('jobs_by_project').on(t.project, t.id.desc().nullsFirst()),
    index('jobs_by_organization').on(t.organization, t.id.desc().nullsFirst()),
    index('jobs_of_drill')
      .on(t.drillId)
      .where(sql`${t.drillId} is not null`),
  ],
);

export const allocations = pgTable(
  'allocations',
  {
    id: text('id').primaryKey(),
    jobId: text('job_id')
      .notNull()
      .references(() => jobs.id),
    /** 1, 2, …: of the job's runs and replicas. A standby has that of the run that it stands by for. */
    attempt: integer('attempt').notNull(),
    role: text('role', { enum: ALLOCATION_ROLES }).notNull().default('run'),
    /** 0: the run's; 1, 2, …: its spares'. Of each there is one live at most. */
    slot: integer('slot').notNull().default(0),
    purpose: text('purpose', { enum: PURPOSES }).notNull().default('run'),
    provider: text('provider').notNull(),
    offer: text('offer').notNull(),
    region: text('region').notNull(),
    spot: boolean('spot').notNull(),
    state: text('state', { enum: ALLOCATION_STATES }).notNull(),
    /** Locked at the decision: the offer's price and currency, the rate, and the price in the accounting currency. */
    listPriceMicrosPerHour: micros('list_price_micros_per_hour').notNull(),
    listCurrency: text('list_currency').notNull(),
    rateMicros: micros('rate_micros').notNull(),
    priceMicrosPerHour: micros('price_micros_per_hour').notNull(),
    gpuCount: integer('gpu_count').notNull(),
    /** Places of the offer that it holds: the job's nodes. Prices are of all of them together. */
    nodes: integer('nodes').notNull().default(1),
    /** What it holds of the provider's pool; null: the offer draws on none. */
    pool: text('pool'),
    poolGpus: integer('pool_gpus').notNull().default(0),
    poolCpuMillis: bigint('pool_cpu_millis', { mode: 'number' }).notNull().default(0),
    poolMemoryMiB: bigint('pool_memory_mib', { mode: 'number' }).notNull().default(0),
    /** Between SIGTERM and SIGKILL; copied from the job so that a stop order needs no join. */
    graceSeconds: integer('grace_seconds').notNull(),
    placedAt: at('placed_at').notNull(),
    /** The provider's side stops the work by itself by then, unless it is renewed. */
    leaseUntil: at('lease_until').notNull(),
    /** Seen to run. Metering starts here. */
    startedAt: at('started_at'),
    /** Told to go. */
    releasingAt: at('releasing_at'),
    releasedAt: at('released_at'),
    /** An END_REASON: why it was told to go, or how it ended by itself. */
    endReason: text('end_reason', { enum: END_REASONS }),
    endDetail: text('end_detail'),
    outcome: text('outcome').$type<Outcome>(),
    exitCode: integer('exit_code'),
    endpoint: text('endpoint'),
    serving: boolean('serving'),
    /** First time that a service answered its health path. */
    servingAt: at('serving_at'),
    /** Money is held for so many seconds since startedAt, and the provider ends it by then; null: nobody holds any. */
    paidSeconds: bigint('paid_seconds', { mode: 'number' }),
    /** When it is metered next, and how long that is after the last time: longer and longer, while there is money. */
    meterAt: at('meter_at'),
    meterSeconds: integer('meter_seconds').notNull().default(0),
    /** Charged for this many whole seconds since startedAt; cost = price × seconds, computed over the whole span. */
    meteredSeconds: bigint('metered_seconds', { mode: 'number' }).notNull().default(0),
    chargedMicros: micros('charged_micros')
      .notNull()
      .default(sql`0`),
    /** Which checkpoint it started from; of a standby, the one that it was last given. */
    restoredCheckpoint: text('restored_checkpoint'),
    /** The standby whose place it took over, with what lies there; null: none. */
    tookOver: text('took_over'),
  },
  (t) => [
    foreignKey({ columns: [t.provider, t.offer], foreignColumns: [offers.provider, offers.name] }),
    check('allocations_state', sql`${t.state} in (${oneOf(ALLOCATION_STATES)})`),
    // No second is charged that was not reserved.
    check('allocations_paid', sql`${t.paidSeconds} is null or ${t.meteredSeconds} <= ${t.paidSeconds}`),
    index('allocations_due')
      .on(t.meterAt)
      .where(sql`${t.state} in (${oneOf(HOLDING_ALLOCATION_STATES)})`),
    check('allocations_end_reason', sql`${t.endReason} in (${oneOf(END_REASONS)})`),
    check('allocations_released', sql`(${t.state} = 'released') = (${t.releasedAt} is not null)`),
    // Never doubled: the one rule that everything else leans on.
    uniqueIndex('allocations_one_live')
      .on(t.jobId, t.slot)
      .where(sql`${t.state} in (${oneOf(LIVE_ALLOCATION_STATES)})`),
    check(
      'allocations_role',
      sql`${t.role} in (${oneOf(ALLOCATION_ROLES)}) and (${t.role} = 'run') = (${t.slot} = 0)`,
    ),
    check('allocations_purpose', sql`${t.purpose} in (${oneOf(PURPOSES)})`),
    uniqueIndex('allocations_attempt')
      .on(t.jobId, t.attempt)
      .where(sql`${t.role} <> 'standby'`),
    // What stands by, anywhere: few beside what runs.
    index('allocations_spare')
      .on(t.jobId)
      .where(sql`${t.role} <> 'run' and ${t.state} in (${oneOf(LIVE_ALLOCATION_STATES)})`),
    index('allocations_holding')
      .on(t.provider)
      .where(sql`${t.state} in (${oneOf(HOLDING_ALLOCATION_STATES)})`),
    index('allocations_by_provider').on(t.provider, t.id.desc().nullsFirst()),
    // Few, and asked for in every pass: which providers refused or lost work lately.
    index('allocations_unkept')
      .on(t.releasedAt, t.provider)
      .where(sql`${t.outcome} in (${oneOf(UNKEPT_OUTCOMES)})`),
    // Few, and asked for every second: which orders were taken and nothing came of.
    index('allocations_unstarted')
      .on(t.placedAt, t.provider)
      .where(sql`${t.state} in (${oneOf(LIVE_ALLOCATION_STATES)}) and ${t.startedAt} is null`),
  ],
);

/** What happened to a job, append-only. `seq` is the SSE event id; a job's own events are in order because its row is locked. */
export const events = pgTable(
  'events',
  {
    seq: bigserial('seq', { mode: 'number' }).primaryKey(),
    jobId: text('job_id').notNull(),
    at: at('at').notNull(),
    /** `job.queued`, `job.running`, `allocation.released`, `checkpoint.saved`, … */
    type: text('type').notNull(),
    reason: text('reason').notNull(),
    detail: text('detail'),
    allocationId: text('allocation_id'),
    data: jsonb('data').$type<Record<string, unknown>>(),
  },
  (t) => [index('events_by_job').on(t.jobId, t.seq)],
);

/** Every placement explained. */
export const decisions = pgTable(
  'decisions',
  {
    id: text('id').primaryKey(),
    jobId: text('job_id').notNull(),
    at: at('at').notNull(),
    allocationId: text('allocation_id'),
    /** A Decision (core/placement.ts), bigints as strings. */
    body: jsonb('body').$type<unknown>().notNull(),
    /** What it was decided from (decision_inputs); null: from before inputs were kept. */
    inputId: text('input_id'),
  },
  (t) => [index('decisions_by_job').on(t.jobId, t.id.desc().nullsFirst())],
);

/**
 * What a page of the queue was decided from, so that its decisions can be made again, byte for byte: the jobs as they
 * were, and the hashes of the parts of the market. Append-only.
 */
export const decisionInputs = pgTable('decision_inputs', {
  id: text('id').primaryKey(),
  at: at('at').notNull(),
  /** Which engine decided: another one may decide otherwise. */
  engine: text('engine').notNull(),
  /** Gzipped JSON (flows/inputs.ts). */
  body: bytes('body').notNull(),
});

/** Parts of markets by the hash of their content: a provider's terms change rarely, so each is kept once. Append-only. */
export const marketParts = pgTable('market_parts', {
  /** Hex SHA-256 of the canonical JSON. */
  hash: text('hash').primaryKey(),
  at: at('at').notNull(),
  /** Gzipped canonical JSON. */
  body: bytes('body').notNull(),
});

/** Prices that were promised. Append-only; dropped some time after they ended. */
export const quotes = pgTable(
  'quotes',
  {
    id: text('id').primaryKey(),
    organization: text('organization').notNull(),
    project: text('project').notNull(),
    createdBy: text('created_by').notNull(),
    createdAt: at('created_at').notNull(),
    expiresAt: at('expires_at').notNull(),
    /** Hex SHA-256 of what was asked: a job must ask the same. */
    askHash: text('ask_hash').notNull(),
    /** Null: nothing could be had, so nothing is held. */
    held: jsonb('held').$type<HeldQuote>(),
    /** As it was answered. */
    body: jsonb('body').$type<QuoteBody>().notNull(),
  },
  (t) => [index('quotes_age').on(t.expiresAt)],
);

/** A job's log, in the order that it arrived; old chunks go when the job has more than its share. */
export const logChunks = pgTable(
  'log_chunks',
  {
    seq: bigserial('seq', { mode: 'number' }).primaryKey(),
    jobId: text('job_id').notNull(),
    allocationId: text('allocation_id').notNull(),
    /** Where the chunk starts in the allocation's own output, in bytes: a chunk sent twice is stored once. */
    startByte: bigint('start_byte', { mode: 'number' }).notNull(),
    /** Length in the allocation's output; the text may differ where bytes were no UTF-8 or NUL. */
    bytes: integer('bytes').notNull(),
    text: text('text').notNull(),
    at: at('at').notNull(),
  },
  (t) => [
    index('log_chunks_by_job').on(t.jobId, t.seq),
    uniqueIndex('log_chunks_once').on(t.allocationId, t.startByte),
  ],
);

/** Owned by the job. `complete` is set in one guarded statement: only the job's current allocation may. */
export const checkpoints = pgTable(
  'checkpoints',
  {
    id: text('id').primaryKey(),
    jobId: text('job_id').notNull(),
    allocationId: text('allocation_id').notNull(),
    attempt: integer('attempt').notNull(),
    complete: boolean('complete').notNull(),
    sizeBytes: bigint('size_bytes', { mode: 'number' }),
    sha256: text('sha256'),
    /** Where the bytes are: `file:…` below the data folder, or an s3 key. */
    location: text('location').notNull(),
    createdAt: at('created_at').notNull(),
    completedAt: at('completed_at'),
  },
  (t) => [
    index('checkpoints_latest')
      .on(t.jobId, t.id.desc().nullsFirst())
      .where(sql`${t.complete}`),
    index('checkpoints_by_allocation').on(t.allocationId),
    check(
      'checkpoints_complete',
      sql`not ${t.complete} or (${t.sizeBytes} is not null and ${t.sha256} is not null and ${t.completedAt} is not null)`,
    ),
  ],
);

// ---- drills -----------------------------------------------------------------------------------------------

/** Planned failovers. See core/drill/drill.ts for their states. */
export const drills = pgTable(
  'drills',
  {
    id: text('id').primaryKey(),
    state: text('state', { enum: DRILL_STATES }).notNull(),
    mode: text('mode', { enum: DRILL_MODES }).notNull(),
    spec: jsonb('spec').$type<DrillSpec>().notNull(),
    /** Those that the scenario struck when it was planned; of a planned one, as they are when it starts. */
    providers: text('providers').array().notNull(),
    plan: jsonb('plan').$type<DrillPlan>(),
    createdBy: text('created_by').notNull(),
    createdRole: text('created_role').notNull(),
    createdAt: at('created_at').notNull(),
    confirmedBy: text('confirmed_by'),
    confirmedRole: text('confirmed_role'),
    confirmedAt: at('confirmed_at'),
    /** The one after whose end this one was planned. */
    previousId: text('previous_id'),
    /** When a recurring one should be held; null: whenever it is started. */
    dueAt: at('due_at'),
    /** The engine starts it then; null: it waits for a confirmation. */
    startsAt: at('starts_at'),
    startedAt: at('started_at'),
    /** Nothing is cut off any more. */
    restoredAt: at('restored_at'),
    finishedAt: at('finished_at'),
    /** While restoring and after: what it ends as, and why. */
    endsAs: text('ends_as', { enum: DRILL_ENDS }),
    reason: text('reason'),
    report: jsonb('report').$type<DrillReport>(),
    evidence: jsonb('evidence').$type<DrillEvidence>(),
  },
  (t) => [
    check('drills_state', sql`${t.state} in (${oneOf(DRILL_STATES)})`),
    check('drills_mode', sql`${t.mode} in (${oneOf(DRILL_MODES)})`),
    check('drills_ends_as', sql`${t.endsAs} in (${oneOf(DRILL_ENDS)})`),
    check('drills_finished', sql`(${t.state} in (${oneOf(OPEN_DRILL_STATES)})) = (${t.finishedAt} is null)`),
    // What the engine looks for twice a second.
    index('drills_open')
      .on(t.id)
      .where(sql`${t.state} in (${oneOf(OPEN_DRILL_STATES)})`),
    index('drills_active')
      .on(t.id)
      .where(sql`${t.state} in (${oneOf(ACTIVE_DRILL_STATES)})`),
  ],
);

/** The jobs that a drill is about: its canaries, or those that it found running. */
export const drillJobs = pgTable(
  'drill_jobs',
  {
    drillId: text('drill_id')
      .notNull()
      .references(() => drills.id),
    jobId: text('job_id').notNull(),
    canary: boolean('canary').notNull(),
    /** Where it is to be lost. */
    provider: text('provider').notNull(),
    /** The attempt that was cut off; null: not yet. */
    allocationId: text('allocation_id'),
    /** What a canary's data was found to be; null: not looked at yet. */
    checked: jsonb('checked').$type<CanaryCheck>(),
  },
  (t) => [primaryKey({ columns: [t.drillId, t.jobId] })],
);

/**
 * What is to be treated as if its network were gone, and until when: a provider as a whole, or one allocation. Never
 * deleted, only ended: what a job's move took is read from here. `untilAt` is in the row from the beginning, so that
 * a cut ends by itself though nobody may be left to end it; readers compare it with their now.
 */
export const drillCuts = pgTable(
  'drill_cuts',
  {
    drillId: text('drill_id')
      .notNull()
      .references(() => drills.id),
    provider: text('provider')
      .notNull()
      .references(() => providers.name),
    /** Null: everything of the provider. */
    allocationId: text('allocation_id'),
    fromAt: at('from_at').notNull(),
    untilAt: at('until_at').notNull(),
    /** When the allocation was given up. Of a provider the verdict says it. */
    declaredAt: at('declared_at'),
  },
  (t) => [
    // Asked with every call of an agent; nearly always there is nothing.
    index('drill_cuts_holding').on(t.provider, t.untilAt),
    index('drill_cuts_by_drill').on(t.drillId),
    uniqueIndex('drill_cuts_once').on(t.drillId, t.provider, sql`coalesce(${t.allocationId}, '')`),
    index('drill_cuts_by_allocation').on(t.allocationId),
  ],
);

/** What drills proved, for as long as it holds (core/drill/verified.ts). Append-only. */
export const verifications = pgTable(
  'verifications',
  {
    drillId: text('drill_id')
      .notNull()
      .references(() => drills.id),
    jobId: text('job_id').notNull(),
    mode: text('mode', { enum: CONTINUITY_MODES }).notNull(),
    fromProvider: text('from_provider')
      .notNull()
      .references(() => providers.name),
    toProvider: text('to_provider')
      .notNull()
      .references(() => providers.name),
    /** Canonical model; null: no GPU. */
    gpuModel: text('gpu_model'),
    rtoSeconds: doublePrecision('rto_seconds').notNull(),
    /** Null: a service, which has none. */
    rpoSeconds: doublePrecision('rpo_seconds'),
    verifiedAt: at('verified_at').notNull(),
    validUntil: at('valid_until').notNull(),
    fromVersion: text('from_version'),
    toVersion: text('to_version'),
  },
  (t) => [
    primaryKey({ columns: [t.drillId, t.jobId] }),
    check('verifications_mode', sql`${t.mode} in (${oneOf(CONTINUITY_MODES)})`),
    index('verifications_by_from').on(t.fromProvider, t.validUntil),
  ],
);

/**
 * What reports are signed with, shared by all replicas. Whoever has the database has the keys: a signature says that a
 * report is this installation's and was not changed since, not that nobody of the installation forged it. Keys are
 * never removed, so that old reports can be verified; the newest one signs, and rotating adds a row.
 */
export const signingKeys = pgTable('signing_keys', {
  /** RFC 7638 thumbprint. */
  kid: text('kid').primaryKey(),
  /** The public half as RFC 8037 has it, base64url. */
  x: text('x').notNull(),
  /** The private half, base64url: 32 bytes. */
  seed: text('seed').notNull(),
  createdAt: at('created_at').notNull(),
});

// ---- money --------------------------------------------------------------------------------------------------

/** Who may spend how much in which time. What it comes to in one period is an account. */
export const budgets = pgTable(
  'budgets',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    organization: text('organization')
      .notNull()
      .references(() => organizations.name),
    /** Null: of the whole organization. */
    project: text('project').references(() => projects.name),
    periodKind: text('period_kind', { enum: PERIOD_KINDS }).notNull(),
    /** The first day in the installation's zone, and the one after the last; null: it goes on. */
    fromDay: date('from_day').notNull(),
    untilDay: date('until_day'),
    /** Of each period that begins from now on; those that have begun have their own. */
    capMicros: micros('cap_micros').notNull(),
    /** Of it, what only moves from a disaster may draw on. */
    disasterMicros: micros('disaster_micros')
      .notNull()
      .default(sql`0`),
    /** Percent of what may be spent, rising. */
    thresholds: integer('thresholds').array().notNull(),
    onExhausted: text('on_exhausted', { enum: ON_EXHAUSTED }).notNull(),
    /** When which part may be spent; empty: all from the start. */
    allotments: jsonb('allotments').$type<Allotment[]>().notNull().default([]),
    /** Does what is left of a period go on to the next? */
    carryOver: boolean('carry_over').notNull().default(false),
    /** A job that may cost more than this needs somebody's approval; null: none does. */
    approvalAboveMicros: micros('approval_above_micros'),
    version: integer('version').notNull().default(1),
    createdAt: at('created_at').notNull(),
    createdBy: text('created_by').notNull(),
    /** Only one that nothing was ever held by. */
    deletedAt: at('deleted_at'),
  },
  (t) => [
    check('budgets_period_kind', sql`${t.periodKind} in (${oneOf(PERIOD_KINDS)})`),
    check('budgets_on_exhausted', sql`${t.onExhausted} in (${oneOf(ON_EXHAUSTED)})`),
    check('budgets_cap', sql`${t.capMicros} >= 0 and ${t.disasterMicros} between 0 and ${t.capMicros}`),
    check('budgets_days', sql`${t.untilDay} is null or ${t.untilDay} > ${t.fromDay}`),
    index('budgets_by_organization').on(t.organization, t.project),
    uniqueIndex('budgets_name')
      .on(t.organization, t.name)
      .where(sql`${t.deletedAt} is null`),
  ],
);

/**
 * What money is held against: one period of a budget, or what one job may cost (`limits.maxCost`). The balances are
 * what the ledger's entries come to; the CHECK is what makes a cap hold, whatever the program does.
 */
export const accounts = pgTable(
  'accounts',
  {
    id: text('id').primaryKey(),
    budgetId: text('budget_id').references(() => budgets.id),
    jobId: text('job_id'),
    /** A job's has no end. */
    startsAt: at('starts_at').notNull(),
    endsAt: at('ends_at'),
    capMicros: micros('cap_micros').notNull(),
    /** What of the cap may be spent by now. */
    allottedMicros: micros('allotted_micros').notNull(),
    disasterMicros: micros('disaster_micros')
      .notNull()
      .default(sql`0`),
    reservedMicros: micros('reserved_micros')
      .notNull()
      .default(sql`0`),
    chargedMicros: micros('charged_micros')
      .notNull()
      .default(sql`0`),
    /** Of what is reserved and charged, that of moves from a disaster. */
    failoverMicros: micros('failover_micros')
      .notNull()
      .default(sql`0`),
    /** What was left has gone on to the next period. */
    carriedAt: at('carried_at'),
    /** Since when what is left pays for nothing that wants it; null: it does, or there is more of it since. */
    exhaustedAt: at('exhausted_at'),
    createdAt: at('created_at').notNull(),
  },
  (t) => [
    check('accounts_owner', sql`(${t.budgetId} is null) <> (${t.jobId} is null)`),
    check('accounts_period', sql`${t.endsAt} is null or ${t.endsAt} > ${t.startsAt}`),
    check(
      'accounts_signs',
      sql`${t.reservedMicros} >= 0 and ${t.chargedMicros} >= 0 and ${t.failoverMicros} >= 0 and ${t.disasterMicros} >= 0`,
    ),
    check(
      'accounts_cap',
      sql`${t.allottedMicros} <= ${t.capMicros} and ${t.reservedMicros} + ${t.chargedMicros} <= ${t.allottedMicros}`,
    ),
    // Ordinary work leaves the disaster reserve alone.
    check(
      'accounts_disaster_reserve',
      sql`${t.reservedMicros} + ${t.chargedMicros} - ${t.failoverMicros} <= greatest(0, ${t.allottedMicros} - ${t.disasterMicros})`,
    ),
    uniqueIndex('accounts_period_once').on(t.budgetId, t.startsAt),
    uniqueIndex('accounts_of_job')
      .on(t.jobId)
      .where(sql`${t.jobId} is not null`),
  ],
);

/** What one account holds for one allocation: the seconds of its run from `fromSeconds` to `paidSeconds`. */
export const holds = pgTable(
  'holds',
  {
    allocationId: text('allocation_id').notNull(),
    accountId: text('account_id')
      .notNull()
      .references(() => accounts.id),
    /** Does it draw on the disaster reserve? */
    failover: boolean('failover').notNull(),
    fromSeconds: bigint('from_seconds', { mode: 'number' }).notNull(),
    paidSeconds: bigint('paid_seconds', { mode: 'number' }).notNull(),
    reservedMicros: micros('reserved_micros').notNull(),
    chargedMicros: micros('charged_micros')
      .notNull()
      .default(sql`0`),
  },
  (t) => [
    primaryKey({ columns: [t.allocationId, t.accountId] }),
    check('holds_signs', sql`${t.reservedMicros} >= 0 and ${t.chargedMicros} >= 0`),
    index('holds_open')
      .on(t.accountId)
      .where(sql`${t.reservedMicros} > 0`),
  ],
);

/**
 * Every movement of money, append-only (a trigger sees to it). An entry takes from one balance and gives to another, so
 * each sums to zero. Balances are kept beside it and checked against it.
 */
export const ledger = pgTable(
  'ledger',
  {
    seq: bigserial('seq', { mode: 'number' }).primaryKey(),
    at: at('at').notNull(),
    kind: text('kind', { enum: ENTRY_KINDS }).notNull(),
    debit: text('debit', { enum: BALANCES }).notNull(),
    credit: text('credit', { enum: BALANCES }).notNull(),
    /** Null: between a project and a vendor. */
    accountId: text('account_id'),
    amountMicros: micros('amount_micros').notNull(),
    jobId: text('job_id'),
    allocationId: text('allocation_id'),
    provider: text('provider'),
    offer: text('offer'),
    /** Of the allocation, all nodes, locked when it was decided on. */
    priceMicrosPerHour: micros('price_micros_per_hour'),
    /** So many seconds of the run are what this is for. */
    seconds: bigint('seconds', { mode: 'number' }),
    /** Of usage: the day on which it was used, and the month of whose bill it is. */
    day: date('day'),
    month: text('month'),
    reason: text('reason').notNull(),
    actor: text('actor').notNull(),
    /** What the two sides of a transfer share, or all entries of a correction. */
    transferId: text('transfer_id'),
  },
  (t) => [
    check('ledger_kind', sql`${t.kind} in (${oneOf(ENTRY_KINDS)})`),
    check(
      'ledger_balances',
      sql`${t.debit} in (${oneOf(BALANCES)}) and ${t.credit} in (${oneOf(BALANCES)}) and ${t.debit} <> ${t.credit}`,
    ),
    check('ledger_amount', sql`${t.amountMicros} > 0`),
    check('ledger_account', sql`(${t.accountId} is null) = (${t.debit} in ('project', 'vendor'))`),
    index('ledger_by_account')
      .on(t.accountId, t.seq)
      .where(sql`${t.accountId} is not null`),
    index('ledger_by_allocation').on(t.allocationId),
    // Few, and asked for with every line of an export.
    index('ledger_corrections')
      .on(t.allocationId)
      .where(sql`${t.kind} = 'adjust'`),
    // Entries are written in the order of time, so that which pages a month is on is all that has to be kept.
    index('ledger_by_month').using('brin', t.month),
  ],
);

/** The ledger's usage, summed for each allocation and day: what reports are made from. Checked against the entries. */
export const costDays = pgTable(
  'cost_days',
  {
    /** Of whose bill it is: that of the day, or of the correction. */
    month: text('month').notNull(),
    day: date('day').notNull(),
    allocationId: text('allocation_id').notNull(),
    jobId: text('job_id').notNull(),
    organization: text('organization').notNull(),
    project: text('project').notNull(),
    vendor: text('vendor').notNull(),
    provider: text('provider').notNull(),
    region: text('region').notNull(),
    offer: text('offer').notNull(),
    gpuModel: text('gpu_model'),
    /** All nodes together. */
    gpuCount: integer('gpu_count').notNull(),
    spot: boolean('spot').notNull(),
    purpose: text('purpose', { enum: PURPOSES }).notNull(),
    priceMicrosPerHour: micros('price_micros_per_hour').notNull(),
    /** The run's second at which its part of this day began. */
    fromSeconds: bigint('from_seconds', { mode: 'number' }).notNull(),
    seconds: bigint('seconds', { mode: 'number' }).notNull(),
    micros: micros('micros').notNull(),
  },
  // A month's lines of one allocation lie together: an export walks them without sorting.
  (t) => [primaryKey({ columns: [t.month, t.allocationId, t.day] }), index('cost_days_by_day').on(t.day)],
);

/** Months whose bill is final: a trigger refuses usage of theirs. What comes later is a correction in the next. */
export const closedMonths = pgTable('closed_months', {
  /** `2026-11`. */
  month: text('month').primaryKey(),
  closedAt: at('closed_at').notNull(),
  closedBy: text('closed_by').notNull(),
  totalMicros: micros('total_micros').notNull(),
  lines: integer('lines').notNull(),
  /** Of its invoices; kept here, because the setting may change later and the invoices may not. */
  vatPercent: integer('vat_percent').notNull(),
  /** Hex SHA-256 of its lines (store/read/months.ts), so that a change would be seen. */
  sha256: text('sha256').notNull(),
});

/** Money that goes from one budget to another, when somebody else has approved it. */
export const budgetTransfers = pgTable(
  'budget_transfers',
  {
    id: text('id').primaryKey(),
    fromBudgetId: text('from_budget_id')
      .notNull()
      .references(() => budgets.id),
    toBudgetId: text('to_budget_id')
      .notNull()
      .references(() => budgets.id),
    amountMicros: micros('amount_micros').notNull(),
    reason: text('reason').notNull(),
    state: text('state', { enum: TRANSFER_STATES }).notNull(),
    createdAt: at('created_at').notNull(),
    createdBy: text('created_by').notNull(),
    decidedAt: at('decided_at'),
    decidedBy: text('decided_by'),
    decisionNote: text('decision_note'),
  },
  (t) => [
    check('budget_transfers_state', sql`${t.state} in (${oneOf(TRANSFER_STATES)})`),
    check('budget_transfers_amount', sql`${t.amountMicros} > 0 and ${t.fromBudgetId} <> ${t.toBudgetId}`),
    check('budget_transfers_decided', sql`(${t.state} = 'requested') = (${t.decidedAt} is null)`),
    index('budget_transfers_from').on(t.fromBudgetId),
    index('budget_transfers_to').on(t.toBudgetId),
  ],
);

/** Each threshold of each account once. */
export const budgetAlerts = pgTable(
  'budget_alerts',
  {
    accountId: text('account_id')
      .notNull()
      .references(() => accounts.id),
    /** Percent. */
    threshold: integer('threshold').notNull(),
    at: at('at').notNull(),
    usedMicros: micros('used_micros').notNull(),
    capMicros: micros('cap_micros').notNull(),
  },
  (t) => [primaryKey({ columns: [t.accountId, t.threshold] })],
);

/** Work that must not stop, and for which there is no money: somebody has to answer for it. */
export const budgetExceptions = pgTable(
  'budget_exceptions',
  {
    id: text('id').primaryKey(),
    accountId: text('account_id')
      .notNull()
      .references(() => accounts.id),
    jobId: text('job_id').notNull(),
    at: at('at').notNull(),
    detail: text('detail').notNull(),
    closedAt: at('closed_at'),
    closedBy: text('closed_by'),
    resolution: text('resolution'),
  },
  (t) => [
    uniqueIndex('budget_exceptions_open')
      .on(t.accountId, t.jobId)
      .where(sql`${t.closedAt} is null`),
  ],
);

/** Who is told of what, by a signed POST. */
export const webhooks = pgTable(
  'webhooks',
  {
    id: text('id').primaryKey(),
    /** Null: of the installation; told of everything. */
    organization: text('organization').references(() => organizations.name),
    url: text('url').notNull(),
    events: text('events', { enum: WEBHOOK_EVENTS }).array().notNull(),
    /** What requests are signed with; shown once. */
    secret: text('secret').notNull(),
    createdAt: at('created_at').notNull(),
    createdBy: text('created_by').notNull(),
    deletedAt: at('deleted_at'),
  },
  (t) => [index('webhooks_by_organization').on(t.organization)],
);

/** What is to be told, written with what happened; and how the telling went. */
export const webhookDeliveries = pgTable(
  'webhook_deliveries',
  {
    id: text('id').primaryKey(),
    webhookId: text('webhook_id')
      .notNull()
      .references(() => webhooks.id),
    event: text('event', { enum: WEBHOOK_EVENTS }).notNull(),
    /** As it is sent. */
    body: jsonb('body').$type<Record<string, unknown>>().notNull(),
    state: text('state', { enum: DELIVERY_STATES }).notNull(),
    attempts: integer('attempts').notNull().default(0),
    nextAt: at('next_at'),
    lastStatus: integer('last_status'),
    lastError: text('last_error'),
    createdAt: at('created_at').notNull(),
    deliveredAt: at('delivered_at'),
  },
  (t) => [
    check('webhook_deliveries_state', sql`${t.state} in (${oneOf(DELIVERY_STATES)})`),
    check('webhook_deliveries_pending', sql`(${t.state} = 'pending') = (${t.nextAt} is not null)`),
    index('webhook_deliveries_due')
      .on(t.webhookId, t.nextAt, t.id)
      .where(sql`${t.state} = 'pending'`),
    index('webhook_deliveries_by_age').on(t.createdAt),
    index('webhook_deliveries_by_webhook').on(t.webhookId, t.id.desc().nullsFirst()),
  ],
);

// ---- manners --------------------------------------------------------------------------------------------

/** First answers, kept for a day. The effect and this row are one transaction, so there is no half-done request. */
export const idempotency = pgTable(
  'idempotency',
  {
    principal: text('principal').notNull(),
    key: text('key').notNull(),
    /** SHA-256 of method, path and body. */
    fingerprint: text('fingerprint').notNull(),
    status: integer('status').notNull(),
    /**
     * The first answer, sealed (AES-256-GCM) with a key that only the same caller repeating the same request
     * can derive, because it may hold a secret that is shown once. Null where `jobId` is enough to say it again.
     */
    sealed: text('sealed'),
    jobId: text('job_id'),
    createdAt: at('created_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.principal, t.key] }), index('idempotency_age').on(t.createdAt)],
);

/** Append-only, each row holds the hash of the one before. */
export const audit = pgTable(
  'audit',
  {
    seq: bigint('seq', { mode: 'number' }).primaryKey(),
    at: at('at').notNull(),
    actor: text('actor').notNull(),
    role: text('role').notNull(),
    action: text('action').notNull(),
    target: text('target').notNull(),
    requestId: text('request_id'),
    data: jsonb('data').$type<Record<string, unknown>>().notNull(),
    previousHash: text('previous_hash').notNull(),
    hash: text('hash').notNull(),
  },
  (t) => [
    index('audit_actor').on(t.actor, t.seq.desc().nullsFirst()),
    index('audit_action').on(t.action, t.seq.desc().nullsFirst()),
    index('audit_target').on(t.target, t.seq.desc().nullsFirst()),
  ],
);

/** Small facts that the engine keeps for itself, such as when it last looked. */
export const engineFacts = pgTable('engine_facts', {
  name: text('name').primaryKey(),
  value: jsonb('value').$type<unknown>().notNull(),
  updatedAt: at('updated_at').notNull(),
});
