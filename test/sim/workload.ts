import { Problem } from '../../src/core/problem.ts';
import type { JobSpec } from '../../src/core/job.ts';
import { cancelJob } from '../../src/flows/cancel.ts';
import { drainProvider, resumeProvider } from '../../src/flows/drain.ts';
import { moveJob } from '../../src/flows/move.ts';
import { patchOffer } from '../../src/flows/patchOffer.ts';
import { replaceOffers } from '../../src/flows/replaceOffers.ts';
import { submitJob } from '../../src/flows/submit.ts';
import { recordVendorStatus } from '../../src/flows/vendorStatus.ts';
import type { Snapshot } from './invariants.ts';
import { makeSpec, OPERATOR, type Vendor } from './market.ts';
import type { Random } from './random.ts';
import type { Replica } from './replica.ts';
import type { Scheduler } from './scheduler.ts';

/** What a client wanted, and what it was told. */
interface Intent {
  readonly spec: JobSpec;
  readonly key: string | null;
  /** The id that it was answered with. */
  id: string | null;
}

const ALL = { allow: [], deny: [] };

/** Tenants, operators and vendors: what people do to the service. */
export class Workload {
  readonly intents: Intent[] = [];
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #replicas: () => readonly Replica[];
  readonly #world: () => Snapshot;
  readonly #vendors: readonly Vendor[];
  readonly #violated: (what: string) => void;
  readonly #limit: number;

  constructor(
    scheduler: Scheduler,
    random: Random,
    replicas: () => readonly Replica[],
    world: () => Snapshot,
    vendors: readonly Vendor[],
    limit: number,
    violated: (what: string) => void,
  ) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#replicas = replicas;
    this.#world = world;
    this.#vendors = vendors;
    this.#limit = limit;
    this.#violated = violated;
  }

  submit(): void {
    if (this.intents.length >= this.#limit) return;
    const name = `job-${this.intents.length}`;
    const spec = makeSpec(this.#random, name, new Date(this.#scheduler.nowMs));
    const intent: Intent = { spec, key: this.#random.chance(0.7) ? `key-${name}` : null, id: null };
    this.intents.push(intent);
    this.#send(intent);
    // An impatient client sends the same again, perhaps to another replica.
    if (intent.key !== null && this.#random.chance(0.3)) this.#send(intent);
  }

  /** In calm: a job that asks for nothing much must simply run. */
  probe(): void {
    const plain = makeSpec(this.#random, 'probe', new Date(this.#scheduler.nowMs));
    const { resources, placement, limits } = plain;
    const spec: JobSpec = {
      ...plain,
      kind: 'training',
      serve: null,
      priority: 100,
      run: { ...plain.run, env: { SIM_MS: '300', SIM_EXIT: '0' } },
      resources: { ...resources, gpu: { count: 0, models: [], minMemoryGiB: 0 }, cpus: 1, memoryGiB: 1 },
      placement: {
        ...placement,
        spot: 'allowed',
        providers: ALL,
        regions: ALL,
        countries: [],
        maxPricePerHour: null,
      },
      continuity: { ...plain.continuity, mode: 'restart' },
      limits: { ...limits, maxRuntimeSeconds: null, deadline: null },
    };
    const intent: Intent = { spec, key: 'key-probe', id: null };
    this.intents.push(intent);
    this.#send(intent);
  }

  /** What is wrong with the probe, once everything is settled. */
  unprobed(): string[] {
    const job = [...this.#world().jobs.values()].find(({ name }) => name === 'probe');
    return job?.state === 'succeeded' ? [] : [`the probe is ${job?.state ?? 'not there'}`];
  }

  #send(intent: Intent): void {
    const { spec, key } = intent;
    if (key !== null) this.#scheduler.in(3_000, null, () => intent.id ?? this.#send(intent));
    this.#ask('submit', async ({ deps }) => {
      const submission = {
        spec,
        organization: 'acme',
        quote: null,
        idempotencyKey: key,
        fingerprint: `print of ${spec.name}`,
        requestId: null,
      };
      const { row } = await submitJob(deps, OPERATOR, submission);
      if (intent.id !== null && intent.id !== row.id)
        this.#violated(`${key} was answered with ${intent.id} and with ${row.id}`);
      intent.id = row.id;
    });
  }

  /** A key that was used is used for something else: must be refused. */
  misuse(): void {
    const used = this.intents.filter(({ key, id }) => key !== null && id !== null);
    if (used.length === 0) return;
    const { key, spec } = this.#random.pick(used);
    this.#ask('misuse', async ({ deps }) => {
      const submission = {
        spec,
        organization: 'acme',
        quote: null,
        idempotencyKey: key,
        fingerprint: 'another',
        requestId: null,
      };
      await submitJob(deps, OPERATOR, submission);
      this.#violated(`${key} was taken for two requests`);
    });
  }

  cancel(): void {
    this.#withJob('cancel', (replica, id) => cancelJob(replica.deps, OPERATOR, id, null));
  }

  move(): void {
    const to = this.#random.chance(0.5) ? this.#random.pick(this.#vendors).name : null;
    this.#withJob('move', (replica, id) =>
      moveJob(replica.deps, OPERATOR, id, { reason: 'because', to }, null),
    );
  }

  drain(): void {
    const { name } = this.#random.pick(this.#vendors);
    this.#ask(`drain ${name}`, ({ deps }) => drainProvider(deps, OPERATOR, name, null));
    this.#scheduler.in(this.#random.int(500, 15_000), null, () => this.#resume(name));
  }

  /** Another capacity, price, or both. */
  changeOffer(): void {
    const vendor = this.#random.pick(this.#vendors);
    const offer = this.#random.pick(vendor.offers);
    const patch = {
      ...(this.#random.chance(0.7) ? { capacity: this.#random.int(0, 4) } : {}),
      ...(this.#random.chance(0.5) && offer.priceMicrosPerHour !== null
        ? { priceMicrosPerHour: (offer.priceMicrosPerHour * BigInt(this.#random.int(50, 200))) / 100n }
        : {}),
    };
    if (Object.keys(patch).length === 0) return;
    this.#ask(`patch ${vendor.name}/${offer.name}`, ({ deps }) =>
      patchOffer(deps, OPERATOR, { provider: vendor.name, offer: offer.name }, null, patch, 'req'),
    );
  }

  /** Takes an offer off the market, and puts it back some time later. */
  withdrawOffer(): void {
    const vendor = this.#random.pick(this.#vendors);
    const gone = this.#random.pick(vendor.offers);
    const rest = vendor.offers.filter((offer) => offer !== gone);
    this.#ask(`withdraw ${vendor.name}/${gone.name}`, ({ deps }) =>
      replaceOffers(deps, OPERATOR, vendor.name, rest, 'req'),
    );
    this.#scheduler.in(this.#random.int(1_000, 10_000), null, () => this.#restore(vendor));
  }

  vendorWord(): void {
    const { name } = this.#random.pick(this.#vendors);
    const until = new Date(this.#scheduler.nowMs + this.#random.int(1_000, 10_000));
    const level = this.#random.pick(['degraded', 'outage', 'maintenance', 'operational'] as const);
    const ask = { requestId: 'req', idempotency: null, render: () => null };
    this.#ask(`word of ${name}`, ({ deps }) =>
      recordVendorStatus(deps, OPERATOR, name, { level, from: null, until, note: 'so it is' }, ask),
    );
  }

  /** As it was in the beginning: everything is sold, nobody drains. */
  heal(): void {
    for (const vendor of this.#vendors) {
      this.#restore(vendor);
      this.#resume(vendor.name);
    }
  }

  cancelAll(): void {
    for (const job of this.#world().jobs.values()) {
      if (['queued', 'provisioning', 'running'].includes(job.state)) {
        this.#ask(`cancel ${job.name}`, ({ deps }) => cancelJob(deps, OPERATOR, job.id, null));
      }
    }
  }

  #resume(name: string): void {
    this.#ask(`resume ${name}`, ({ deps }) => resumeProvider(deps, OPERATOR, name, null));
  }

  #restore(vendor: Vendor): void {
    this.#ask(`restore ${vendor.name}`, ({ deps }) =>
      replaceOffers(deps, OPERATOR, vendor.name, vendor.offers, 'req'),
    );
  }

  #withJob(what: string, work: (replica: Replica, id: string) => Promise<void>): void {
    const live = [...this.#world().jobs.values()].filter(({ state }) =>
      this.#random.chance(state === 'running' || state === 'provisioning' ? 1 : 0.2),
    );
    if (live.length === 0) return;
    const { id, name } = this.#random.pick(live);
    this.#ask(`${what} ${name}`, (replica) => work(replica, id));
  }

  /** One request to one replica; a Problem is an answer, anything else is a defect. */
  #ask(what: string, work: (replica: Replica) => Promise<unknown>): void {
    const up = this.#replicas().filter(({ proc }) => proc.alive);
    if (up.length === 0) return;
    const replica = this.#random.pick(up);
    this.#scheduler.note('people', `${what} → ${replica.proc.name}`);
    work(replica).catch((error: unknown) => {
      if (error instanceof Problem) this.#scheduler.note('people', `${what}: ${error.message}`);
      else replica.unexpected(what, error);
    });
  }
}
