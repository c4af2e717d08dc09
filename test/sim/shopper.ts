import { sql } from 'drizzle-orm';
import type { JobSpec } from '../../src/core/job.ts';
import type { Deps } from '../../src/deps.ts';
import { patchOffer } from '../../src/flows/patchOffer.ts';
import { createQuote, quoteForSubmission } from '../../src/flows/quote.ts';
import { submitJob } from '../../src/flows/submit.ts';
import type { QuoteRow } from '../../src/store/read/quotes.ts';
import type { Door } from './door.ts';
import { OPERATOR, PROJECTS, type Project } from './market.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { Intent, Workload } from './workload.ts';

/** Clocks of replicas differ by less. */
const SLACK_MS = 50;

/** Asks what a job would cost before it is submitted, and comes back with the quote: soon, late, or for another job. */
export class Shopper {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #door: Door;
  readonly #workload: Workload;
  readonly #violated: (what: string) => void;

  constructor(
    scheduler: Scheduler,
    random: Random,
    door: Door,
    workload: Workload,
    violated: (what: string) => void,
  ) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#door = door;
    this.#workload = workload;
    this.#violated = violated;
  }

  quote(): void {
    const spec = this.#workload.wish();
    if (spec === null) return;
    const organization = organizationOf(spec);
    const ask = { requestId: 'req', idempotency: null, render: (row: QuoteRow) => row };
    this.#door.ask(`quote ${spec.name}`, async ({ deps }) => {
      const { body } = await createQuote(deps, OPERATOR, { spec, organization }, ask);
      const expiresMs = this.#random.chance(0.3) ? await this.#age(deps, body) : body.expiresAt.getTime();
      if (this.#random.chance(0.5)) this.#raisePrice(body);
      this.#scheduler.in(this.#random.int(0, 3_000), null, () =>
        this.#submit({ ...spec, quoteId: body.id }, expiresMs),
      );
    });
  }

  /** A quote lives longer than a storm, so it is made old in the table. */
  async #age({ store }: Deps, { id }: QuoteRow): Promise<number> {
    const expiresMs = this.#scheduler.nowMs + this.#random.int(200, 6_000);
    const at = new Date(expiresMs).toISOString();
    await store.db.execute(sql`update quotes set expires_at = ${at}::timestamptz,
      held = held || jsonb_build_object('expiresAt', ${at}::text) where id = ${id}`);
    return expiresMs;
  }

  /** The vendor asks more for what was just quoted: who has the quote must not feel it. */
  #raisePrice({ held }: QuoteRow): void {
    const price = held?.prices.find(({ spot }) => !spot);
    if (price === undefined) return;
    const { provider, offer, listMicrosPerHour } = price;
    const patch = { priceMicrosPerHour: BigInt(listMicrosPerHour) * 2n };
    this.#door.ask(`dearer ${provider}/${offer}`, ({ deps }) =>
      patchOffer(deps, OPERATOR, { provider, offer }, null, patch, 'req'),
    );
  }

  #submit(quoted: JobSpec, expiresMs: number): void {
    const other = this.#random.chance(0.15);
    const { resources } = quoted;
    const spec = other ? { ...quoted, resources: { ...resources, cpus: resources.cpus + 1 } } : quoted;
    const intent: Intent = { spec, key: null, id: null };
    this.#workload.intents.push(intent);
    const late = this.#scheduler.nowMs > expiresMs + SLACK_MS;
    this.#door.ask(`submit ${spec.name} as quoted`, async ({ deps }) => {
      const quote = await quoteForSubmission(deps, OPERATOR, spec, spec.quoteId ?? '');
      if (late || other) this.#violated(`a quote ${late ? 'that was over' : 'of another job'} was taken`);
      const submission = {
        spec,
        organization: organizationOf(spec),
        quote,
        idempotencyKey: null,
        fingerprint: `print of ${spec.name}`,
        requestId: null,
      };
      intent.id = (await submitJob(deps, OPERATOR, submission)).row.id;
    });
  }
}

const organizationOf = ({ project }: JobSpec): string => PROJECTS[project as Project].organization;
