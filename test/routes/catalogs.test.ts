import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasPublicData, publicClouds, publicText } from '../core/public-data.ts';
import { openDoor, smallProvider, type Door } from './door.ts';

const clouds = publicClouds();
const catalogOf = (cloud: string) => `offers/skypilot-catalog/${cloud}/vms.csv`;

/** Every public catalog, through the door and into the database: read, read again, and made newer. */
describe.skipIf(!hasPublicData)('the public catalogs', () => {
  let door: Door;
  beforeAll(async () => {
    door = await openDoor();
    await door.put('/v1/exchange-rates/USD', { rate: '1400', asOf: '2026-01-01T00:00:00Z' }).expect(200);
    for (const cloud of clouds) await door.post('/v1/providers', smallProvider(cloud)).expect(201);
  });
  afterAll(() => door.close());

  const send = async (cloud: string, file: string) => {
    const answer = await door
      .call('POST', `/v1/providers/${cloud}/offers/import?format=skypilot`)
      .set('content-type', 'text/csv')
      .send(publicText(file))
      .expect(200);
    return answer.body as { imported: number; updated: number; withdrawn: number; skipped: unknown[] };
  };

  it('are eighteen', () => expect(clouds).toHaveLength(18));

  it.each(clouds)('%s is read, and a second time changes nothing', async (cloud) => {
    const file = catalogOf(cloud);
    expect((await send(cloud, file)).imported).toBeGreaterThan(0);
    expect(await send(cloud, file)).toMatchObject({ imported: 0, updated: 0, withdrawn: 0 });
  });

  it('a catalog of another month moves prices and nothing else', async () => {
    const older = await send('aws', 'offers/refresh/aws/vms-2024-03-02.csv');
    expect(older).toMatchObject({ imported: 0, withdrawn: 0 });
    expect(older.updated).toBeGreaterThan(1_000);
    const newer = await send('aws', catalogOf('aws'));
    expect(newer).toMatchObject({ imported: 0, withdrawn: 0, updated: older.updated });
  });

  it('all of it can be searched, cheapest first, page by page', async () => {
    const prices: number[] = [];
    for (let cursor = ''; ;) {
      const query = `/v1/offers?gpu=H100&sort=price&limit=100${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const { body } = await door.get(query).expect(200);
      const { items, nextCursor } = body as {
        items: { price: { amount: string } | null }[];
        nextCursor: string | null;
      };
      prices.push(...items.flatMap(({ price }) => (price === null ? [] : [Number(price.amount)])));
      if (nextCursor === null) break;
      cursor = nextCursor;
    }
    expect(prices.length).toBeGreaterThan(50);
    expect(prices).toEqual(prices.toSorted((a, b) => a - b));
  });
});
