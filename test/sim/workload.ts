import type { JobSpec } from '../../src/core/job.ts';
import { cancelJob } from '../../src/flows/cancel.ts';
import { drainProvider, resumeProvider } from '../../src/flows/drain.ts';
import { moveJob } from '../../src/flows/move.ts';
import { patchOffer } from '../../src/flows/patchOffer.ts';
import { replaceOffers } from '../../src/flows/replaceOffers.ts';
import { submitJob } from '../../src/flows/submit.ts';
import { recordVendorStatus } from '../../src/flows/vendorStatus.ts';
import { NO_RULES } from '../../src/core/rules.ts';
import type { Door } from './door.ts';
import type { Snapshot } from './facts.ts';
import { OPERATOR, PROJECTS, type Project, type Vendor } from './market.ts';
import type { Officials } from './officials.ts';
import type { Random } from './random.ts';
import type { Replica } from './replica.ts';
import type { Scheduler } from './scheduler.ts';
import { makeSpec, type Wished } from './wishes.ts';

/** What a client wanted, and what it was told. */
export interface Intent {
  readonly spec: JobSpec;
  readonly key: string | null;
  /** The id that it was answered with. */
  id: string | null;
}

const PROBED: Project = 'weather';

/** Tenants, operators and vendors: what people do to the service. Who says where work may run: officials.ts. */
export class Workload {
  readonly intents: Intent[] = [];
  /** What the jobs are like. */
  wished: Wished = {};
  /** Do those whose job was not taken ask again? */
  open = true;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #door: Door;
  readonly #officials: Officials;
  readonly #world: () => Snapshot;
  readonly #vendors: readonly Vendor[];
  readonly #violated: (what: string) => void;
  readonly #limit: number;

  constructor(
    scheduler: Scheduler,
    random: Random,
    door: Door,
    officials: Officials,
    world: () => Snapshot,
    vendors: readonly Vendor[],
    limit: number,
    violated: (what: string) => void,
  ) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#door = door;
    this.#officials = officials;
    this.#world = world;
    this.#vendors = vendors;
    this.#limit = limit;
    this.#violated = violated;
  }

  submit(): void {
    const spec = this.wish();
    if (spec === null) return;
    const intent: Intent = { spec, key: this.#random.chance(0.7) ? `key-${spec.name}` : null, id: null };
    this.intents.push(intent);
    this.#send(intent);
    // An impatient client sends the same again, perhaps to another replica.
    if (intent.key !== null && this.#random.chance(0.3)) this.#send(intent);
  }

  /** Another job; null: there are enough. */
  wish(): JobSpec | null {
    if (this.intents.length >= this.#limit) return null;
    const now = new Date(this.#scheduler.nowMs);
    return makeSpec(this.#random, `job-${this.intents.length}`, now, this.wished);
  }

  /** In calm: a job that asks for nothing much must simply run. */
  probe(): void {
    const plain = makeSpec(this.#random, 'probe', new Date(this.#scheduler.nowMs));
    const { gpu, ...rest } = plain.resources;
    const spec: JobSpec = {
      ...plain,
      project: PROBED,
      kind: 'training',
      serve: null,
      priority: 100,
      run: { ...plain.run, env: { SIM_MS: '300', SIM_EXIT: '0' } },
      resources: { ...rest, gpu: { ...gpu, count: 0 }, cpus: 1, memoryGiB: 1, nodes: 1 },
      placement: { ...NO_RULES, objective: 'cheapest' },
      continuity: { ...plain.continuity, mode: 'restart' },
      limits: { maxRuntimeSeconds: null, deadline: null },
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
    if (key !== null)
      this.#scheduler.in(3_000, null, () => {
        if (intent.id === null && this.open) this.#send(intent);
      });
    this.#door.ask('submit', async ({ deps }) => {
      const submission = {
        spec,
        organization: PROJECTS[spec.project as Project].organization,
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
    this.#door.ask('misuse', async ({ deps }) => {
      const submission = {
        spec,
        organization: PROJECTS[spec.project as Project].organization,
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
    this.#door.ask(`drain ${name}`, ({ deps }) => drainProvider(deps, OPERATOR, name, null));
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
    this.#door.ask(`patch ${vendor.name}/${offer.name}`, ({ deps }) =>
      patchOffer(deps, OPERATOR, { provider: vendor.name, offer: offer.name }, null, patch, 'req'),
    );
  }

  /** Takes an offer off the market, and puts it back some time later. */
  withdrawOffer(): void {
    const vendor = this.#random.pick(this.#vendors);
    const gone = this.#random.pick(vendor.offers);
    const rest = vendor.offers.filter((offer) => offer !== gone);
    this.#door.ask(`withdraw ${vendor.name}/${gone.name}`, ({ deps }) =>
      replaceOffers(deps, OPERATOR, vendor.name, rest, 'req', vendor.pools),
    );
    this.#scheduler.in(this.#random.int(1_000, 10_000), null, () => this.#officials.restore(vendor));
  }

  vendorWord(): void {
    const { name } = this.#random.pick(this.#vendors);
    const until = new Date(this.#scheduler.nowMs + this.#random.int(1_000, 10_000));
    const level = this.#random.pick(['degraded', 'outage', 'maintenance', 'operational'] as const);
    const ask = { requestId: 'req', idempotency: null, render: () => null };
    this.#door.ask(`word of ${name}`, ({ deps }) =>
      recordVendorStatus(deps, OPERATOR, name, { level, from: null, until, note: 'so it is' }, ask),
    );
  }

  /** As it was in the beginning: everything is sold, nobody drains. Rules stay, but for the probe's. */
  heal(): void {
    this.#officials.freeOfRules(PROBED);
    for (const vendor of this.#vendors) {
      this.#officials.restore(vendor);
      this.#resume(vendor.name);
    }
  }

  cancelAll(): void {
    for (const job of this.#world().jobs.values()) {
      if (['queued', 'provisioning', 'running'].includes(job.state)) {
        this.#door.ask(`cancel ${job.name}`, ({ deps }) => cancelJob(deps, OPERATOR, job.id, null));
      }
    }
  }

  #resume(name: string): void {
    this.#door.ask(`resume ${name}`, ({ deps }) => resumeProvider(deps, OPERATOR, name, null));
  }

  #withJob(what: string, work: (replica: Replica, id: string) => Promise<void>): void {
    const live = [...this.#world().jobs.values()].filter(({ state }) =>
      this.#random.chance(state === 'running' || state === 'provisioning' ? 1 : 0.2),
    );
    if (live.length === 0) return;
    const { id, name } = this.#random.pick(live);
    this.#door.ask(`${what} ${name}`, (replica) => work(replica, id));
  }
}
