import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decidePlacements, marketOf, Session, stateOf } from '../../src/core/placement/decide.ts';
import { byRank, FairQueue } from '../../src/core/placement/queue.ts';
import type {
  Placement,
  PlacementPlan,
  PlacementSnapshot,
  QueuedJob,
} from '../../src/core/placement/types.ts';
import { world, worldOfWaiting } from './placement-arbitraries.ts';
import { choices, drawOf, keyOf, micros, poolOf, priced, wrongs, type Choice } from './placement-oracle.ts';
import { book, heldBack, nextInTurn, openLedger, ranking, shareOf, walk } from './placement-walk.ts';
import { jobOf, later } from './placement-world.ts';

const RUNS = { numRuns: 150 };
const holds = (check: (snapshot: PlacementSnapshot) => void, where = world) =>
  fc.assert(fc.property(where, check), RUNS);
const either = fc.oneof(world, worldOfWaiting);

const summary = ({ placements, waiting, wakeAt }: PlacementPlan) => ({
  placements: placements.map((placement) => ({ ...placement, decision: placement.decision() })),
  waiting: waiting.map((one) => ({ ...one, waiting: one.waiting(), decision: one.decision() })),
  wakeAt,
});
/** Where everybody is put, whatever is said of it. */
const outcome = ({ placements, waiting }: Pick<PlacementPlan, 'placements' | 'waiting'>) => ({
  placements: placements.map(({ decision: _, ...placement }) => placement),
  waiting: waiting.map(({ jobId }) => jobId).sort(),
});
/** Does anybody in it have something else than in its turn? The decision says so. */
const exchanges = ({ placements }: Pick<PlacementPlan, 'placements'>) =>
  placements.some(({ decision }) =>
    decision().notes.some((note) => /it has exchanged it|others of the same page/.test(note)),
  );
const jobIn = (snapshot: PlacementSnapshot, id: string) =>
  snapshot.jobs.find((job) => job.id === id) as QueuedJob;
const taken = (some: readonly Choice[], { provider, offer, spot }: Placement) =>
  some.find((choice) => keyOf(choice.offer) === `${provider}/${offer}` && choice.spot === spot);

describe('whatever is offered and asked', { timeout: 120_000 }, () => {
  test('every job is placed once or waits once', () => {
    holds((snapshot) => {
      const plan = decidePlacements(snapshot);
      const ids = [...plan.placements, ...plan.waiting].map(({ jobId }) => jobId).sort();
      expect(ids).toEqual(snapshot.jobs.map(({ id }) => id).sort());
    }, either);
  });

  test('no placement breaks a rule of any level, and its price is the offer’s or the quote’s', () => {
    holds((snapshot) => {
      for (const placement of decidePlacements(snapshot).placements) {
        const job = jobIn(snapshot, placement.jobId);
        const choice = taken(choices(snapshot, job), placement);
        if (choice === undefined) throw new Error(`${job.id} may not have ${placement.offer}`);
        expect(heldBack(snapshot, job)).toBe(false);
        const { offer } = choice;
        const { list, currency, rate } = priced(snapshot, job, choice);
        const draw = drawOf(job, offer);
        expect(placement).toMatchObject({
          region: offer.region,
          nodes: job.spec.resources.nodes,
          offerGpuCount: offer.gpuCount,
          draw: poolOf(snapshot, offer)
            ? { pool: offer.pool, gpus: draw[0], cpuMillis: draw[1], memoryMiB: draw[2] }
            : null,
          listPriceMicrosPerHour: list,
          listCurrency: currency,
          rateMicros: rate,
          priceMicrosPerHour: micros(snapshot, job, choice),
        });
      }
    }, either);
  });

  test('neither an offer nor a pool is oversold in any dimension', () => {
    holds((snapshot) => {
      const before = openLedger(snapshot);
      const ledger = openLedger(snapshot);
      for (const { jobId, provider, offer: name } of decidePlacements(snapshot).placements) {
        const offer = snapshot.offers.find((one) => keyOf(one) === `${provider}/${name}`);
        if (!offer) throw new Error(`no offer ${name}`);
        book(snapshot, ledger, jobIn(snapshot, jobId), offer);
      }
      for (const left of ledger.places.values()) expect(left).toBeGreaterThanOrEqual(0);
      for (const [key, left] of ledger.pools) {
        const [gpus = 0, cpus = 0, memory = 0] = before.pools.get(key) ?? [];
        // What was oversold before stays what it was.
        expect([
          left[0] >= Math.min(0, gpus),
          left[1] >= Math.min(0, cpus),
          left[2] >= Math.min(0, memory),
        ]).toEqual([true, true, true]);
      }
    }, either);
  });

  test('each gets the best of what has room in its turn, and waits only where nothing has', () => {
    holds((snapshot) => {
      walk(snapshot, ({ job, ledger, placed }) => {
        const ranked = heldBack(snapshot, job) ? [] : ranking(snapshot, ledger, job);
        const best = ranked[0];
        expect({ job: job.id, placed: placed !== null }).toEqual({ job: job.id, placed: best !== undefined });
        if (!placed || !best) return;
        expect({ job: job.id, offer: `${placed.provider}/${placed.offer}`, spot: placed.spot }).toEqual({
          job: job.id,
          offer: keyOf(best.offer),
          spot: best.spot,
        });
      });
    });
  });

  test('turns go by priority as it has aged, then by what a project holds, then by age', () => {
    fc.assert(
      fc.property(
        world,
        fc.infiniteStream(fc.constantFrom(null, 0, 1, 8)),
        ({ now, jobs, shares: held }, given) => {
          const queue = new FairQueue(now, held);
          for (const [project, some] of Map.groupBy(jobs, (job) => job.project))
            queue.add(project, some.toSorted(byRank));
          const shares = new Map(held);
          const waiting = new Set(jobs);
          while (waiting.size > 0) {
            const job = nextInTurn(now, [...waiting], shares);
            expect(queue.next()?.id).toBe(job.id);
            waiting.delete(job);
            const gpus: number | null = given.next().value ?? null;
            if (gpus === null) continue;
            queue.placed(job, gpus);
            const more = shareOf(gpus, job.spec.resources.nodes);
            shares.set(job.project, (shares.get(job.project) ?? 0) + more);
          }
          expect(queue.next()).toBeNull();
        },
      ),
      RUNS,
    );
  });

  test('pages of any size give everybody what turns one by one give, unless they exchange it', () => {
    let alike = 0;
    fc.assert(
      fc.property(world, fc.integer({ min: 1, max: 12 }), (snapshot, size) => {
        const steps: Pick<PlacementPlan, 'placements' | 'waiting'>[] = [];
        walk(snapshot, ({ placed, waits }) =>
          steps.push({ placements: placed ? [placed] : [], waiting: waits ? [waits] : [] }),
        );
        const whole = {
          placements: steps.flatMap(({ placements }) => placements),
          waiting: steps.flatMap(({ waiting }) => waiting),
        };
        const plan = decidePlacements(snapshot);
        if (exchanges(plan)) {
          // Whoever had a place in turn has one.
          const placed = plan.placements.map(({ jobId }) => jobId);
          expect(placed).toEqual(expect.arrayContaining(whole.placements.map(({ jobId }) => jobId)));
          return;
        }
        alike += 1;
        expect(outcome(plan)).toEqual(outcome(whole));
        const paged = inPages(snapshot, size);
        if (!exchanges(paged)) expect(outcome(paged)).toEqual(outcome(whole));
      }),
      RUNS,
    );
    expect(alike).toBeGreaterThan(RUNS.numRuns / 2);
  });

  test('the same pages give the same answer again, to the last word', () => {
    fc.assert(
      fc.property(world, fc.integer({ min: 1, max: 12 }), (snapshot, size) => {
        expect(summary(inPages(snapshot, size))).toEqual(summary(inPages(snapshot, size)));
      }),
      RUNS,
    );
  });

  test('the same plan comes out, in whatever order things are loaded', () => {
    holds((snapshot) => {
      const plan = summary(decidePlacements(snapshot));
      const { providers, offers, pools, jobs, shares, rates, rules, policies } = snapshot;
      const turned = {
        providers: providers.toReversed(),
        offers: offers.toReversed(),
        pools: pools.toReversed(),
        jobs: jobs.toReversed(),
        shares: new Map([...shares].toReversed()),
        rates: new Map([...rates].toReversed()),
        rules: { ...rules, projects: new Map([...rules.projects].toReversed()) },
        policies: { ...policies, gpuSpeeds: policies.gpuSpeeds.toReversed() },
      };
      expect(summary(decidePlacements({ ...snapshot, ...turned }))).toEqual(plan);
    });
  });

  test('a job that cannot be placed changes nothing for the others', () => {
    fc.assert(
      fc.property(world, fc.constantFrom(-1, -36_000), (snapshot, since) => {
        const giant = jobOf('giant', { resources: { cpus: 1e6 } }, { priority: 100, queuedAt: later(since) });
        const plan = summary(decidePlacements(snapshot));
        const among = summary(decidePlacements({ ...snapshot, jobs: [giant, ...snapshot.jobs] }));
        expect(among.placements).toEqual(plan.placements);
        expect(among.waiting.filter(({ jobId }) => jobId !== 'giant')).toEqual(plan.waiting);
      }),
      RUNS,
    );
  });

  test('the reason for waiting is the true one', () => {
    holds((snapshot) => {
      for (const { jobId, waiting } of decidePlacements(snapshot).waiting) {
        const { reason, detail } = waiting();
        expect({ jobId, reason }).toEqual({ jobId, reason: trueReason(snapshot, jobIn(snapshot, jobId)) });
        expect(detail).not.toMatch(/undefined|null|NaN|Infinity/);
        expect(detail.length).toBeGreaterThan(10);
        expect(detail.length).toBeLessThan(2_000);
      }
    }, either);
  });

  test('it is looked at again when a fence or a backoff ends, or an offer starts to count', () => {
    holds((snapshot) => {
      const { wakeAt, waiting } = decidePlacements(snapshot);
      const ends = snapshot.jobs.flatMap(({ fencedUntil, notBefore }) =>
        // A backoff below a fence is looked at when the fence ends.
        fencedUntil && fencedUntil > snapshot.now ? [fencedUntil] : notBefore ? [notBefore] : [],
      );
      const open = waiting.some(({ jobId }) => !heldBack(snapshot, jobIn(snapshot, jobId)));
      const starts = open ? snapshot.offers.flatMap(({ effectiveFrom }) => effectiveFrom ?? []) : [];
      const next = [...ends, ...starts]
        .filter((at) => at > snapshot.now)
        .sort((a, b) => Number(a) - Number(b));
      expect(wakeAt).toEqual(next[0] ?? null);
    });
  });
});

function inPages(snapshot: PlacementSnapshot, size: number): PlacementPlan {
  const session = new Session(marketOf(snapshot), stateOf(snapshot));
  const queue = new FairQueue(snapshot.now, snapshot.shares);
  for (const [project, jobs] of Map.groupBy(snapshot.jobs, (job) => job.project))
    queue.add(project, jobs.toSorted(byRank));
  const pages: PlacementPlan[] = [];
  for (let turn = 1, job = queue.next(); job !== null; turn += 1, job = queue.next()) {
    const placed = session.consider(job);
    if (placed !== null) queue.placed(job, placed.offerGpuCount);
    if (turn % size === 0) pages.push(session.settle());
  }
  const last = session.settle();
  return {
    placements: [...pages, last].flatMap(({ placements }) => placements),
    waiting: [...pages, last].flatMap(({ waiting }) => waiting),
    wakeAt: last.wakeAt,
  };
}

function trueReason(snapshot: PlacementSnapshot, job: QueuedJob): string {
  if (job.fencedUntil && job.fencedUntil > snapshot.now) return 'fencing';
  if (job.notBefore && job.notBefore > snapshot.now) return 'backoff';
  const broken = snapshot.offers.map((offer) => wrongs(snapshot, job, offer));
  const only = (...rules: string[]) => broken.some((wrong) => wrong.every((rule) => rules.includes(rule)));
  if (only()) return 'no-capacity';
  if (only('draining', 'health')) return 'provider-health';
  return only('draining', 'health', 'no-rate') ? 'no-rate' : 'no-match';
}
