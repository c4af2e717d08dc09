import { afterAll, describe, expect, it } from 'vitest';
import { World, type Json } from './world.ts';

/** A project's rules, a quote, a pool and an audit, with real processes: who pays and who asks why, in one story. */
describe('a place is chosen', () => {
  const world = new World();
  afterAll(() => world.close());

  const sleeper = (name: string, more: Json = {}) => ({
    name,
    project: 'e2e',
    kind: 'training',
    run: { command: ['sleep', '60'] },
    resources: { gpu: { count: 0 }, cpus: 2 },
    expectedRuntimeSeconds: 3_600,
    ...more,
  });
  const placementOf = async (id: string) => (await world.until(id, ['running']))['placement'] as Json;
  const decisionsOf = async (id: string) =>
    (await world.get(`/v1/jobs/${id}/decisions`))['items'] as (Json & { id: string })[];

  it('by rules and price, explained, quoted, and decided again', { timeout: 120_000 }, async () => {
    await world.service();
    await world.project();
    const site = (country: string) => ({ city: 'x', country, region: 'r', latitude: 37, longitude: 127 });
    await world.agent('cheap', { capacity: 2, price: '100', site: site('JP') });
    await world.agent('near', { capacity: 1, price: '150', site: site('KR') });
    await world.request('PUT', '/v1/providers/near/offers', [
      hostOffer('small', 2, 150),
      hostOffer('large', 6, 400),
    ]);

    // The cheapest, while nobody forbids it.
    const first = await world.submit(sleeper('first'), 'first');
    expect(await placementOf(first)).toMatchObject({ provider: 'cheap', offer: 'cpu' });

    // A rule of the project: the next goes elsewhere, what runs is listed, and the decision says whose rule it is.
    await world.request('PUT', '/v1/projects/e2e/rules', { countries: ['KR'] });
    const second = await world.submit(sleeper('second'), 'second');
    expect(await placementOf(second)).toMatchObject({ provider: 'near', offer: 'small' });
    const { items: against } = await world.get('/v1/compliance');
    expect(against).toMatchObject([
      { jobId: first, breaches: [{ rule: 'countries', level: 'project', of: 'e2e' }] },
    ]);
    const [placed] = await decisionsOf(second);
    expect(placed).toMatchObject({
      outcome: { kind: 'placed', provider: 'near', estimatedCost: { amount: '150', currency: 'KRW' } },
      removed: expect.arrayContaining([
        expect.objectContaining({
          rule: 'countries',
          examples: [{ provider: 'cheap', offer: 'cpu', detail: 'is in JP (a rule of project e2e)' }],
        }),
      ]) as unknown,
    });

    // The quoted price stays, though the vendor asks for more by now.
    const asked = sleeper('third');
    const quote = (await world.post('/v1/quotes', asked)) as Json & { id: string };
    expect(quote['candidates']).toMatchObject([{ provider: 'near', offer: 'small' }, { offer: 'large' }]);
    await world.request('PATCH', '/v1/providers/near/offers/small', {
      price: { amount: '300', currency: 'KRW' },
    });
    const third = await world.submit({ ...asked, quoteId: quote.id }, 'third');
    expect(await placementOf(third)).toMatchObject({
      offer: 'small',
      pricePerHour: { amount: '150', currency: 'KRW' },
    });

    // One host: what `small` took twice, `large` does not have.
    const large = sleeper('fourth', { resources: { gpu: { count: 0 }, cpus: 6 } });
    const fourth = await world.submit(large, 'fourth');
    const waiting = await waitingOf(world, fourth);
    expect(waiting).toMatchObject({ reason: 'no-capacity' });

    // Every decision comes out again, byte for byte.
    for (const id of [first, second, third, fourth]) {
      for (const decision of await decisionsOf(id)) {
        const again = await world.get(`/v1/jobs/${id}/decisions/${decision.id}/replay`);
        expect(again).toMatchObject({ same: true, storedHash: again['replayedHash'] });
      }
    }
  });
});

/** Places of one machine of 8 CPUs. */
function hostOffer(name: string, cpus: number, price: number): Json {
  return {
    name,
    region: 'kr',
    gpu: null,
    cpus,
    memoryGiB: 0,
    capacity: 4,
    price: { amount: String(price), currency: 'KRW' },
    pool: { name: 'host', gpus: 0, cpus: 8 },
  };
}

async function waitingOf(world: World, id: string): Promise<Json> {
  for (;;) {
    const { waiting } = await world.get(`/v1/jobs/${id}`);
    if ((waiting as Json | null)?.['reason'] !== undefined) return waiting as Json;
  }
}
