import { sql } from 'drizzle-orm';
import type { DrillSpec } from '../../src/core/drill/drill.ts';
import { cancelDrill } from '../../src/flows/controlDrill.ts';
import { createDrill } from '../../src/flows/createDrill.ts';
import type { Door } from './door.ts';
import { OPERATOR, type Vendor } from './market.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/** Who hold drills. Nothing is saved in the simulation, so a canary's drill ends by its time limit: what matters is what it leaves. */
export class Drillers {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #door: Door;
  readonly #vendors: readonly Vendor[];

  constructor(scheduler: Scheduler, random: Random, door: Door, vendors: readonly Vendor[]) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#door = door;
    this.#vendors = vendors;
  }

  drill(): void {
    const provider = this.#random.pick(this.#vendors).name;
    const mode = this.#random.pick(['tabletop', 'parallel', 'full', 'full'] as const);
    const spec: DrillSpec = {
      scenario: { kind: 'provider-outage', provider },
      mode,
      jobs: this.#random.pick([null, 1, 2]),
      rtoSeconds: null,
      rpoSeconds: null,
      limits: { maxJobs: null, maxCost: null, abortAfterSeconds: this.#random.int(8, 25) },
      validDays: 180,
      everyDays: null,
      note: null,
    };
    const ask = { requestId: 'req', idempotency: null, render: () => null };
    this.#door.ask(`drill ${mode} of ${provider}`, async ({ deps }) => {
      let id = '';
      await createDrill(deps, OPERATOR, spec, true, {
        ...ask,
        render: (row) => {
          id = row.id;
          return null;
        },
      });
      if (this.#random.chance(0.3))
        this.#scheduler.in(this.#random.int(500, 12_000), null, () =>
          this.#door.ask(`cancel ${id}`, (replica) => cancelDrill(replica.deps, OPERATOR, id, null)),
        );
    });
  }

  /** As if a drill of every way had just passed: what stands by needs that, and a storm voids it all the time. */
  prove(): void {
    this.#door.ask('prove', async ({ deps }) => {
      const now = deps.clock.now();
      const names = this.#vendors.map(({ name }) => name);
      const ways = names.flatMap((from) =>
        names.filter((to) => to !== from).map((to) => [from, to] as const),
      );
      await deps.store.transaction((tx) =>
        tx.execute(sql`
          with held as (
            insert into drills (id, state, mode, spec, providers, created_by, created_role, created_at, finished_at)
            values ('drl-proof', 'passed', 'parallel', '{}', '{}', 'sim', 'operator', ${now.toISOString()}, ${now.toISOString()})
            on conflict (id) do update set finished_at = excluded.finished_at returning id
          )
          insert into verifications (drill_id, job_id, mode, from_provider, to_provider, rto_seconds, verified_at, valid_until,
            from_version, to_version)
          select held.id, f || '>' || t, 'standby', f, t, 7, ${now.toISOString()}::timestamptz,
            ${now.toISOString()}::timestamptz + interval '180 days', p.agent_version, q.agent_version
          from held, unnest(${sql.param(ways.map(([from]) => from))}::text[], ${sql.param(ways.map(([, to]) => to))}::text[]) as w(f, t)
          join providers p on p.name = f join providers q on q.name = t
          on conflict (drill_id, job_id) do update set verified_at = excluded.verified_at,
            from_version = excluded.from_version, to_version = excluded.to_version`),
      );
    });
  }
}
