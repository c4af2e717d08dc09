import pg from 'pg';
import { ALLOCATION_TRANSITIONS, type AllocationState } from '../../src/core/allocation.ts';
import {
  JOB_TRANSITIONS,
  isTerminal,
  type JobSpec,
  type JobState,
  type Waiting,
} from '../../src/core/job.ts';
import { costMicros } from '../../src/core/money.ts';
import type { Vendor } from './market.ts';
import { brokenPrice, brokenRules, type OfferFacts } from './oracle.ts';
import type { Truth } from './truth.ts';

export interface JobFacts {
  readonly id: string;
  readonly name: string;
  readonly state: JobState;
  readonly spec: JobSpec;
  readonly waiting: Waiting | null;
  readonly current: string | null;
  readonly attempts: number;
  readonly version: number;
  readonly row: string;
}

export interface AllocationFacts {
  readonly id: string;
  readonly job: string;
  readonly provider: string;
  readonly offer: string;
  readonly spot: boolean;
  readonly state: AllocationState;
  readonly listMicros: string;
  readonly currency: string;
  readonly priceMicros: string;
  readonly seconds: number;
  readonly chargedMicros: string;
  readonly outcome: string | null;
  readonly exitCode: number | null;
  readonly endReason: string | null;
  readonly leaseUntil: string;
  readonly row: string;
}

interface OfferState extends OfferFacts {
  readonly capacity: number;
  readonly used: number;
  readonly withdrawn: boolean;
}

interface ProviderFacts {
  readonly name: string;
  readonly mode: string;
  readonly health: string;
  /** Milliseconds between the verdict and what was last heard, counted from when we began to listen. */
  readonly silentMs: number | null;
}

interface EventFacts {
  readonly seq: number;
  readonly job: string;
  readonly type: string;
  readonly allocation: string | null;
}

export interface Snapshot {
  readonly jobs: ReadonlyMap<string, JobFacts>;
  readonly allocations: ReadonlyMap<string, AllocationFacts>;
  readonly offers: ReadonlyMap<string, OfferState>;
  readonly providers: ReadonlyMap<string, ProviderFacts>;
}

/** What the snapshot's statement answers. */
interface Rows {
  readonly jobs: JobFacts[];
  readonly allocations: AllocationFacts[];
  readonly offers: OfferState[];
  readonly providers: ProviderFacts[];
  readonly events: EventFacts[];
}

const EMPTY: Snapshot = { jobs: new Map(), allocations: new Map(), offers: new Map(), providers: new Map() };
const LIVE = ['submitting', 'active'];

/** In order, because the order of rows on disk is nobody's choice. One statement, because a snapshot of two would be of two moments. */
const SNAPSHOT = `select json_build_object(
  'jobs', (select coalesce(json_agg(json_build_object('id', id, 'name', name, 'state', state, 'spec', spec, 'waiting', waiting,
    'current', current_allocation_id, 'attempts', attempts, 'version', version, 'row', (to_jsonb(jobs) - 'spec')::text) order by id), '[]') from jobs),
  'allocations', (select coalesce(json_agg(json_build_object('id', id, 'job', job_id, 'provider', provider, 'offer', offer,
    'spot', spot, 'state', state, 'listMicros', list_price_micros_per_hour::text, 'currency', list_currency,
    'priceMicros', price_micros_per_hour::text, 'seconds', metered_seconds, 'chargedMicros', charged_micros::text,
    'outcome', outcome, 'exitCode', exit_code, 'endReason', end_reason, 'leaseUntil', lease_until,
    'row', to_jsonb(allocations)::text) order by id), '[]') from allocations),
  'providers', (select json_agg(json_build_object('name', name, 'mode', mode, 'health', health, 'silentMs',
    extract(epoch from health_since - greatest(last_contact_at, (select (value ->> 'since')::timestamptz from engine_facts
      where engine_facts.name = 'listening' and (value ->> 'since')::timestamptz <= health_since))) * 1000)) from providers),
  'offers', (select coalesce(json_agg(json_build_object('provider', provider, 'name', name, 'gpuModel', gpu_model,
    'gpuCount', gpu_count, 'gpuMemoryGiB', gpu_memory_gib, 'cpus', cpus, 'memoryGiB', memory_gib, 'region', region,
    'currency', currency, 'capacity', capacity, 'used', used, 'withdrawn', withdrawn_at is not null) order by provider, name), '[]') from offers),
  'events', (select coalesce(json_agg(json_build_object('seq', seq, 'job', job_id, 'type', type, 'allocation', allocation_id)
    order by seq), '[]') from events where seq > $1)) as world`;

/**
 * What must hold after every single step, whatever was broken before it. Reads on a connection of its own, so that
 * looking changes nothing.
 */
export class Invariants {
  readonly #client: pg.Client;
  readonly #truth: Truth;
  readonly #vendors: ReadonlyMap<string, Vendor>;
  readonly #violated: (what: string) => void;
  readonly #downAfterMs: number;
  #before: Snapshot = EMPTY;
  #lastSeq = 0;
  readonly #told = new Map<string, JobState>();
  readonly #toldAllocations = new Map<string, AllocationState>();
  checks = 0;

  constructor(
    url: string,
    truth: Truth,
    vendors: readonly Vendor[],
    downAfterMs: number,
    violated: (what: string) => void,
  ) {
    this.#client = new pg.Client({ connectionString: url });
    this.#truth = truth;
    this.#vendors = new Map(vendors.map((vendor) => [vendor.name, vendor]));
    this.#violated = violated;
    this.#downAfterMs = downAfterMs;
    truth.objection = (allocationId, jobId) => this.#objection(allocationId, jobId);
  }

  async open(): Promise<void> {
    await this.#client.connect();
  }

  close(): Promise<void> {
    return this.#client.end();
  }

  get world(): Snapshot {
    return this.#before;
  }

  async check(): Promise<void> {
    this.checks += 1;
    const { rows } = await this.#client.query<{ world: Rows }>({
      name: 'snapshot',
      text: SNAPSHOT,
      values: [this.#lastSeq],
    });
    const world = rows[0]!.world;
    const now: Snapshot = {
      jobs: new Map(world.jobs.map((job) => [job.id, job])),
      allocations: new Map(world.allocations.map((one) => [one.id, one])),
      offers: new Map(world.offers.map((offer) => [`${offer.provider}/${offer.name}`, offer])),
      providers: new Map(world.providers.map((provider) => [provider.name, provider])),
    };
    for (const event of world.events) this.#history(event);
    for (const job of now.jobs.values()) this.#job(job, this.#before.jobs.get(job.id));
    for (const id of this.#before.jobs.keys()) if (!now.jobs.has(id)) this.#violated(`${id} is gone`);
    for (const one of now.allocations.values())
      this.#allocation(one, this.#before.allocations.get(one.id), now);
    for (const provider of now.providers.values())
      this.#verdict(provider, this.#before.providers.get(provider.name));
    this.#onePerJob(now);
    this.#capacity(now);
    this.#nothingUnowned(now);
    this.#before = now;
  }

  /** Each job's events tell a history that JOB_TRANSITIONS allows, and each allocation's likewise. */
  #history(event: EventFacts): void {
    this.#lastSeq = event.seq;
    const [subject, what = ''] = event.type.split('.');
    if (subject === 'job' && what in JOB_TRANSITIONS) {
      const to = what as JobState;
      const from = this.#told.get(event.job);
      if (from === undefined ? to !== 'queued' : !JOB_TRANSITIONS[from].includes(to)) {
        this.#violated(`${event.job}: its events say ${from ?? 'nothing'} → ${to}`);
      }
      this.#told.set(event.job, to);
      if (to === 'provisioning') this.#toldAllocations.set(event.allocation ?? '', 'submitting');
    }
    if (subject === 'allocation' && what in ALLOCATION_TRANSITIONS) {
      const id = event.allocation ?? '';
      const to = what as AllocationState;
      const from = this.#toldAllocations.get(id);
      if (from === undefined || !ALLOCATION_TRANSITIONS[from].includes(to)) {
        this.#violated(`${id}: its events say ${from ?? 'nothing'} → ${to}`);
      }
      this.#toldAllocations.set(id, to);
    }
  }

  #job(job: JobFacts, before: JobFacts | undefined): void {
    if (this.#told.get(job.id) !== job.state) {
      this.#violated(
        `${job.id} is ${job.state}, and its last event says ${this.#told.get(job.id) ?? 'nothing'}`,
      );
    }
    if (before !== undefined && before.row !== job.row) {
      if (isTerminal(before.state))
        this.#violated(`${job.id} was ${before.state} and changed: ${before.row} → ${job.row}`);
      if (before.state !== job.state && job.version <= before.version)
        this.#violated(`${job.id} changed and kept its version`);
    }
    if (job.state === 'succeeded' && before?.state !== 'succeeded' && !this.#truth.exitedWell(job.id)) {
      this.#violated(`${job.id} succeeded, and no run of it ever ended with 0`);
    }
  }

  #allocation(one: AllocationFacts, before: AllocationFacts | undefined, now: Snapshot): void {
    if (before === undefined) this.#placement(one, now);
    else if (before.row !== one.row) {
      if (before.state === 'released')
        this.#violated(`${one.id} was released and changed: ${before.row} → ${one.row}`);
      if (BigInt(one.chargedMicros) < BigInt(before.chargedMicros))
        this.#violated(`${one.id} is charged less than before`);
    }
    if (
      one.endReason === 'provider-down' &&
      before?.endReason === 'provider-down' &&
      one.leaseUntil > before.leaseUntil
    ) {
      this.#violated(`${one.id} was fenced, and its lease was renewed`);
    }
    if (before?.state === 'submitting' && one.outcome === 'lost' && !this.#truth.known.has(one.id)) {
      this.#violated(`${one.id} is taken for lost, and ${one.provider} had not even heard of it`);
    }
    const job = now.jobs.get(one.job);
    if (one.outcome === 'exited' && one.exitCode === 0 && job?.current === one.id && !isTerminal(job.state)) {
      this.#violated(`${one.id} ended with 0, and ${one.job} is ${job.state}`);
    }
    if (BigInt(one.chargedMicros) !== costMicros(BigInt(one.priceMicros), one.seconds)) {
      this.#violated(`${one.id}: ${one.seconds} s at ${one.priceMicros} are not ${one.chargedMicros}`);
    }
  }

  /** By the oracle, which shares nothing with the placement. */
  #placement(one: AllocationFacts, now: Snapshot): void {
    const job = now.jobs.get(one.job);
    const offer = now.offers.get(`${one.provider}/${one.offer}`);
    const vendor = this.#vendors.get(one.provider);
    if (job === undefined || offer === undefined || vendor === undefined)
      return this.#violated(`${one.id} is of nothing`);
    const sale = { spot: one.spot, listMicros: BigInt(one.listMicros), currency: one.currency };
    const broken = [...brokenRules(job.spec, offer, vendor), ...brokenPrice(job.spec, sale)];
    if (broken.length > 0) this.#violated(`${one.id} of ${one.job} breaks ${broken.join(', ')}`);
    const { mode, health } = now.providers.get(one.provider) ?? { mode: 'unknown', health: 'unknown' };
    if (mode !== 'active' || health !== 'healthy')
      this.#violated(`${one.id} was placed at ${one.provider}, which is ${mode} and ${health}`);
    if (offer.withdrawn) this.#violated(`${one.id} was placed on a withdrawn offer`);
  }

  /** Nobody is given up who was heard, and nobody for a silence of our own. */
  #verdict(provider: ProviderFacts, before: ProviderFacts | undefined): void {
    if (provider.health !== 'down' || before?.health === 'down') return;
    const { silentMs } = provider;
    if (silentMs === null || silentMs < this.#downAfterMs)
      this.#violated(`${provider.name} is down after a silence of ${silentMs} ms`);
  }

  #onePerJob(now: Snapshot): void {
    const live = new Map<string, string>();
    for (const one of now.allocations.values()) {
      if (!LIVE.includes(one.state)) continue;
      if (live.has(one.job))
        this.#violated(`${one.job} has two live allocations: ${live.get(one.job)} and ${one.id}`);
      live.set(one.job, one.id);
      const job = now.jobs.get(one.job);
      if (job?.current !== one.id)
        this.#violated(`${one.id} lives and is not current: ${one.job} is ${job?.state}`);
      if (job?.state !== 'provisioning' && job?.state !== 'running')
        this.#violated(`${one.id} lives, and ${one.job} is ${job?.state}`);
    }
    for (const job of now.jobs.values()) {
      if ((job.state === 'provisioning' || job.state === 'running') && !live.has(job.id)) {
        this.#violated(`${job.id} is ${job.state} and has no live allocation`);
      }
    }
  }

  #capacity(now: Snapshot): void {
    const holding = new Map<string, number>();
    for (const one of now.allocations.values()) {
      if (one.state === 'released') continue;
      const key = `${one.provider}/${one.offer}`;
      holding.set(key, (holding.get(key) ?? 0) + 1);
    }
    for (const [key, offer] of now.offers) {
      const held = holding.get(key) ?? 0;
      if (offer.used !== held) this.#violated(`${key} says ${offer.used} are used, and ${held} hold it`);
      const before = this.#before.offers.get(key)?.used ?? 0;
      if (offer.used > before && offer.used > offer.capacity)
        this.#violated(`${key} is oversold: ${offer.used} of ${offer.capacity}`);
    }
  }

  /** What really runs is an allocation's that is not released: else nobody would ever stop it, or bill it. */
  #nothingUnowned(now: Snapshot): void {
    for (const run of this.#truth.live.values()) {
      const state = now.allocations.get(run.allocationId)?.state;
      if (state === undefined || state === 'released') {
        this.#violated(
          `${run.allocationId} of ${run.jobId} runs at ${run.provider} and is ${state ?? 'unknown'}`,
        );
      }
    }
  }

  #objection(allocationId: string, jobId: string): string | null {
    const state = this.#before.allocations.get(allocationId)?.state;
    if (state === undefined || state === 'released') return `the allocation is ${state ?? 'unknown'}`;
    if (this.#before.jobs.get(jobId)?.state === 'succeeded') return 'the job has succeeded';
    return null;
  }

  /** In calm, with nothing broken any more: is what a queued job says it waits for true? Null: yes. */
  untrueWait(job: JobFacts): string | null {
    const { waiting } = job;
    if (waiting === null) return 'it waits without a reason';
    const fitting = [...this.#before.offers.values()].filter((offer) => {
      const vendor = this.#vendors.get(offer.provider);
      return !offer.withdrawn && vendor !== undefined && brokenRules(job.spec, offer, vendor).length === 0;
    });
    const full = fitting.every((offer) => offer.used >= offer.capacity || RATELESS.has(offer.currency));
    switch (waiting.reason) {
      case 'no-capacity':
        return fitting.length > 0 ? null : 'nothing fits, and it says that all is taken';
      case 'no-match':
      case 'no-rate':
        return full || pricey(job.spec) ? null : `it says ${waiting.reason}, and there is room that fits`;
      default:
        return `it still says ${waiting.reason}: ${waiting.detail}`;
    }
  }
}

const RATELESS = new Set(['EUR']);
/** Prices and spot are the tenant's own walls; the oracle looks at them when something is placed. */
const pricey = (spec: JobSpec) => spec.placement.maxPricePerHour !== null || spec.placement.spot === 'only';
