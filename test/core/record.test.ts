import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, sha256Hex } from '../../src/core/canonical.ts';
import { Session } from '../../src/core/placement/decide.ts';
import {
  ENGINE,
  marketFrom,
  pageText,
  partOf,
  partsOf,
  readMarket,
  readPage,
  recordJob,
  recordMarket,
  stateFrom,
  type PageRecord,
} from '../../src/core/placement/record.ts';
import type { Purses } from '../../src/core/ledger/purse.ts';
import type { PlacementPlan, PlacementSnapshot, QueuedJob } from '../../src/core/placement/types.ts';
import type { PoolUse, ProviderTerms, WorldState } from '../../src/core/world.ts';
import { world } from './placement-arbitraries.ts';
import { jobOf, later, offerOf, providerOf, worldOf } from './placement-world.ts';

const NO_PURSES: Purses = {
  timing: { meterSeconds: 5, meterMaxSeconds: 300, leaseSeconds: 6 },
  projects: new Map(),
};

/** The same world, as it is loaded: what is sold apart from how it stands. */
function loaded(snapshot: PlacementSnapshot): { terms: ProviderTerms[]; state: WorldState } {
  const { now, currency, rates, providers, rules, policies, offers, pools } = snapshot;
  const none = { usedGpus: 0, usedCpuMillis: 0, usedMemoryMiB: 0 } as const;
  const terms = providers.map(({ name }, version) => ({
    provider: name,
    version,
    offers: offers
      .filter(({ provider }) => provider === name)
      .map((offer) => ({ ...offer, used: 0 as const })),
    pools: pools.filter(({ provider }) => provider === name).map((pool) => ({ ...pool, ...none })),
  }));
  const uses = new Map(
    providers.map(({ name }) => [
      name,
      {
        offers: new Map(
          offers
            .filter(({ provider, used }) => provider === name && used > 0)
            .map((offer) => [offer.name, offer.used]),
        ),
        pools: new Map<string, PoolUse>(
          pools.filter(({ provider }) => provider === name).map((pool) => [pool.name, pool]),
        ),
      },
    ]),
  );
  const demand = [{ gpus: 1, cpuMillis: 8_000, memoryMiB: 0, models: [], popularity: 3 }];
  const rulesVersions = { organizations: new Map(), projects: new Map() };
  const versions = { rulesVersions, providerVersions: new Map<string, number>(), policiesVersion: 0 };
  return { terms, state: { now, currency, rates, providers, rules, policies, uses, demand, ...versions } };
}

/** Everything that a plan says, as it would be stored. */
const said = ({ placements, waiting, wakeAt }: PlacementPlan) =>
  canonicalJson({
    placements: placements.map(({ decision, ...rest }) => ({ ...rest, decision: decision() })),
    waiting: waiting.map(({ jobId, waiting: why, decision }) => ({
      jobId,
      why: why(),
      decision: decision(),
    })),
    wakeAt,
  });

function decidePages(session: Session, pages: readonly (readonly QueuedJob[])[]): string[] {
  return pages.map((page) => {
    for (const job of page) session.consider(job);
    return said(session.settle());
  });
}

test('from what is recorded the same comes out, byte for byte, page after page', () => {
  fc.assert(
    fc.property(world, fc.integer({ min: 1, max: 20 }), (snapshot, size) => {
      const pages = Array.from({ length: Math.ceil(snapshot.jobs.length / size) }, (_, index) =>
        snapshot.jobs.slice(index * size, (index + 1) * size),
      );
      const { terms, state } = loaded(snapshot);
      const first = decidePages(
        new Session(marketFrom(terms, state, state.providers), stateFrom(state)),
        pages,
      );
      const { market, parts } = recordMarket(terms, state, NO_PURSES, partOf);
      const texts = new Map(parts.map(({ hash, text }) => [hash, text]));
      expect(partsOf(market).every((hash) => sha256Hex(texts.get(hash) ?? '') === hash)).toBe(true);
      const written = pages.map((jobs, index) => {
        const page: PageRecord = {
          version: 1,
          after: index === 0 ? null : String(index - 1),
          market: index === 0 ? market : null,
          jobs: jobs.map(recordJob),
        };
        return pageText(page);
      });
      const known = new Map(snapshot.jobs.map((job) => [job.id, job]));
      const read = written.map(readPage);
      const again = readMarket(read[0]?.market ?? market, (hash) => texts.get(hash) ?? '');
      const jobsOf = ({ jobs }: PageRecord) =>
        jobs.map((record) => ({ ...(known.get(record.id) as QueuedJob), ...record }));
      expect(decidePages(new Session(again.market, again.state), read.map(jobsOf))).toEqual(first);
    }),
    { numRuns: 100 },
  );
});

test('what did not change is the same part', () => {
  const snapshot = worldOf({
    providers: [providerOf('alpha'), providerOf('beta')],
    offers: [offerOf('alpha', 'a'), offerOf('beta', 'b')],
  });
  const { terms, state } = loaded(snapshot);
  const before = recordMarket(terms, state, NO_PURSES, partOf).market;
  const uses = new Map(state.uses).set('alpha', { offers: new Map([['a', 1]]), pools: new Map() });
  const after = recordMarket(terms, { ...state, now: later(1), uses }, NO_PURSES, partOf).market;
  expect(after.common).toBe(before.common);
  expect(after.providers[1]).toEqual(before.providers[1]);
  expect(after.providers[0]?.terms).toBe(before.providers[0]?.terms);
  expect(after.providers[0]?.state).not.toBe(before.providers[0]?.state);
});

describe('the engine’s name', () => {
  /** One world with a little of everything; what is decided in it is what the name stands for. */
  const snapshot = worldOf({
    providers: [providerOf('alpha'), providerOf('beta', { recentRefusals: 1 })],
    rates: new Map([['USD', 1_437_250_000n]]),
    offers: [
      offerOf('alpha', 'eight', { pool: 'host', priceMicrosPerHour: 9_000_000n }),
      offerOf('alpha', 'one', { gpuCount: 1, pool: 'host', priceMicrosPerHour: 1_200_000n, capacity: 8 }),
      offerOf('beta', 'spot', { spotPriceMicrosPerHour: 400n, currency: 'USD', capacity: 2 }),
      offerOf('beta', 'small', {
        gpuModel: 'L4',
        gpuCount: 1,
        gpuMemoryGiB: 24,
        priceMicrosPerHour: 700_000n,
      }),
    ],
    pools: [
      {
        provider: 'alpha',
        name: 'host',
        gpus: 8,
        cpuMillis: 96_000,
        memoryMiB: null,
        usedGpus: 1,
        usedCpuMillis: 8_000,
        usedMemoryMiB: 0,
      },
    ],
    policies: {
      dataGrades: [],
      capacityClasses: [],
      gpuSpeeds: [
        { model: 'H100', speed: 3, note: '' },
        { model: 'L4', speed: 0.4, note: '' },
      ],
    },
    jobs: (['cheapest', 'available', 'balanced'] as const).flatMap((objective, index) => [
      jobOf(`a-${index}`, { placement: { objective } }),
      jobOf(`b-${index}`, {
        placement: { objective, spot: 'allowed' },
        resources: { gpu: { models: ['H100', 'L4'] } },
      }),
      jobOf(`c-${index}`, { placement: { objective }, resources: { gpu: { count: 8 } } }),
    ]),
  });

  test('stands for what is decided: a change of either is a change of both', () => {
    const { terms, state } = loaded(snapshot);
    const session = new Session(marketFrom(terms, state, state.providers), stateFrom(state));
    const hash = sha256Hex(decidePages(session, [snapshot.jobs]).join('\n'));
    // Decisions come out otherwise than they did: give ENGINE a new name, and this its new hash.
    expect({ engine: ENGINE, hash }).toEqual({
      engine: 'placement-4',
      hash: '6cf951eace9a9aeda84c33a3b94fe90e382d45a35d47e82ae09f417da6944a36',
    });
  });
});
