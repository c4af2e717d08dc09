import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDoor, populate, smallOffer, smallProvider, type Door } from './door.ts';

let door: Door;
beforeAll(async () => {
  door = await openDoor();
  await populate(door);
  for (const name of ['pangyo', 'gwangju']) await door.put(`/v1/providers/${name}/offers`, []).expect(200);
  await door.post('/v1/providers', smallProvider('daegu', { realm: 'government' })).expect(201);
});
afterAll(() => door.close());

const OFFERS = '/v1/providers/daegu/offers';
const put = async (offers: object[]) => (await door.put(OFFERS, offers).expect(200)).body as object;
const read = async (name: string) =>
  (await door.get(`${OFFERS}/${name}`).expect(200)).body as Record<string, unknown>;
const query = async <Row>(text: string) => (await door.deps.store.db.execute(text)).rows as Row[];
const version = async (provider = 'daegu'): Promise<number> => {
  const [row] = await query<{ v: string }>(
    `select offers_version::text as v from providers where name = '${provider}'`,
  );
  return Number(row?.v);
};

describe('the form factor of an offer', () => {
  it.each([
    [{ model: 'H100', count: 8 }, 'H100', null],
    [{ model: 'H100', count: 8, formFactor: 'SXM' }, 'H100', 'SXM'],
    [{ model: 'H100', count: 8, formFactor: null }, 'H100', null],
    [{ model: 'NVIDIA H100 PCIe', count: 8 }, 'H100', 'PCIe'],
    [{ model: 'A100-SXM4-80GB', count: 8, formFactor: 'SXM' }, 'A100-80GB', 'SXM'],
    [{ model: 'H100 NVL', count: 2 }, 'H100-NVL', 'NVL'],
    [{ model: 'H100', count: 2, memoryGiB: 94 }, 'H100-NVL', 'NVL'],
  ])('of %j is read: %s %s', async (gpu, model, formFactor) => {
    await put([smallOffer('a', { gpu })]);
    expect((await read('a'))['gpu']).toMatchObject({ model, formFactor });
  });

  it('is a term like any other: another one is an update', async () => {
    await put([smallOffer('a', { gpu: { model: 'H100', count: 8 } })]);
    const sxm = [smallOffer('a', { gpu: { model: 'H100', count: 8, formFactor: 'SXM' } })];
    expect(await put(sxm)).toMatchObject({ updated: 1, unchanged: 0 });
    expect(await put(sxm)).toMatchObject({ updated: 0, unchanged: 1 });
  });
});

describe('a pool', () => {
  const pool = { name: 'host-4', gpus: 8, cpus: 95.5, memoryGiB: 1000.25 };
  const both = (over: object = {}) => [
    smallOffer('h100x8', { cpus: 90, memoryGiB: 1000, pool: { ...pool, ...over } }),
    smallOffer('h100x1', {
      gpu: { model: 'H100', count: 1 },
      cpus: 8,
      memoryGiB: 100,
      pool: { ...pool, ...over },
    }),
    smallOffer('alone'),
  ];
  const seen = (over: object = {}) => ({
    ...pool,
    used: { gpus: 0, cpus: 0, memoryGiB: 0 },
    ...over,
  });

  it('is shown by every offer that draws on it, with what is in use', async () => {
    await put(both());
    await query(
      `update pools set used_gpus = 3, used_cpu_millis = 8500, used_memory_mib = 512 where provider = 'daegu'`,
    );
    const used = { gpus: 3, cpus: 8.5, memoryGiB: 0.5 };
    for (const name of ['h100x8', 'h100x1']) expect((await read(name))['pool']).toEqual(seen({ used }));
    expect((await read('alone'))['pool']).toBeNull();
    const { body } = await door.get('/v1/offers?provider=daegu').expect(200);
    expect((body.items as { pool: unknown }[]).map((offer) => offer.pool)).toEqual([
      null,
      seen({ used }),
      seen({ used }),
    ]);
  });

  it('may be said anew, below what is in use, too; that updates every offer that draws on it', async () => {
    expect(await put(both())).toEqual({ added: 0, updated: 0, unchanged: 3, withdrawn: 0 });
    const { version: before } = await read('h100x1');
    expect(await put(both({ gpus: 8, cpus: 90, memoryGiB: undefined }))).toMatchObject({
      updated: 2,
      unchanged: 1,
    });
    const after = await read('h100x1');
    expect(after['version']).toBe(Number(before) + 1);
    expect(after['pool']).toMatchObject({ cpus: 90, memoryGiB: null, used: { gpus: 3 } });
  });

  it('keeps what is held of it and its last totals when no offer names it any more', async () => {
    await put([smallOffer('alone')]);
    await put([...both().slice(0, 1), smallOffer('h100x1', { gpu: { model: 'H100', count: 1 } })]);
    expect((await read('h100x1'))['pool']).toBeNull();
    expect((await read('h100x8'))['pool']).toMatchObject({ gpus: 8, used: { gpus: 3 } });
    await put([smallOffer('alone')]);
    expect(await query(`select gpus, used_gpus from pools where provider = 'daegu'`)).toEqual([
      { gpus: 8, used_gpus: 3 },
    ]);
  });

  it('is left alone by a change of one offer and by an import of what draws on it', async () => {
    const name = 'big-h100-x8-kr-central';
    await put([smallOffer(name, { cpus: 90, memoryGiB: 1000, pool })]);
    await door.patch(`${OFFERS}/${name}`, { capacity: 7 }).expect(200);
    expect((await read(name))['pool']).toMatchObject({ gpus: 8 });
    const csv =
      'InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,Price,SpotPrice,Region\nbig,H100-SXM,8,90,1000,19.6,,kr-central\n';
    const send = (text: string) =>
      door.call('POST', `${OFFERS}/import`).set('content-type', 'text/csv').send(text).expect(200);
    expect((await send(csv)).body).toMatchObject({ imported: 0, updated: 1, withdrawn: 0 });
    expect(await read(name)).toMatchObject({
      capacity: 7,
      pool: { name: 'host-4' },
      gpu: { formFactor: 'SXM' },
    });
    expect((await send(csv)).body).toMatchObject({ imported: 0, updated: 0, unchanged: 1 });
    // Another form factor is another machine under the same name, not another name.
    const pcie = csv.replace('SXM', 'PCIe');
    expect((await send(pcie)).body).toMatchObject({ imported: 0, updated: 1, withdrawn: 0 });
  });
});

describe('what a loaded catalog is kept by', () => {
  const CSV =
    'InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,Price,SpotPrice,Region\nbig,H100,8,90,1000,PRICE,,kr-central\n';
  const send = (price: string) =>
    door
      .call('POST', `${OFFERS}/import`)
      .set('content-type', 'text/csv')
      .send(price === '' ? CSV.split('\n')[0] + '\n' : CSV.replace('PRICE', price));
  const pooled = (gpus: number) => smallOffer('a', { pool: { name: 'p', gpus } });
  const steps: [string, () => PromiseLike<{ status: number }>][] = [
    ['new offers', () => door.put(OFFERS, [smallOffer('a'), smallOffer('b')])],
    ['an offer withdrawn', () => door.put(OFFERS, [smallOffer('a')])],
    ['an offer back', () => door.put(OFFERS, [smallOffer('a'), smallOffer('b')])],
    ['another price', () => door.put(OFFERS, [smallOffer('a', { price: { amount: '1', currency: 'KRW' } })])],
    [
      'another form factor',
      () => door.put(OFFERS, [smallOffer('a', { gpu: { model: 'H100 SXM', count: 8 } })]),
    ],
    ['an offer into a pool', () => door.put(OFFERS, [pooled(8)])],
    ['another pool', () => door.put(OFFERS, [pooled(16)])],
    ['an offer out of its pool', () => door.put(OFFERS, [smallOffer('a')])],
    ['a patched capacity', () => door.patch(`${OFFERS}/a`, { capacity: 9 })],
    ['a patched price', () => door.patch(`${OFFERS}/a`, { price: { amount: '2', currency: 'KRW' } })],
    ['a patched date', () => door.patch(`${OFFERS}/a`, { effectiveFrom: '2099-01-01T00:00:00Z' })],
    ['an import', () => send('19.6')],
    ['an import of other prices', () => send('18.6')],
    ['an import of nothing', () => send('')],
  ];

  it.each(steps)('is another after %s, and not of another provider', async (_, step) => {
    const terms = () =>
      query(`select to_jsonb(o) - 'version' - 'updated_at' as offer, to_jsonb(p) as pool
        from offers o left join pools p on p.provider = o.provider and p.name = o.pool
        where o.provider = 'daegu' and withdrawn_at is null order by o.name`);
    const [before, other, was] = [await version(), await version('pangyo'), await terms()];
    expect((await step()).status).toBe(200);
    expect(await terms()).not.toEqual(was);
    expect(await version()).toBeGreaterThan(before);
    expect(await version('pangyo')).toBe(other);
  });

  it('is the same while nothing changes, and after what is refused', async () => {
    await put([pooled(8)]);
    const before = await version();
    await put([pooled(8)]);
    await door.put(OFFERS, [pooled(4)]).expect(422);
    await door.patch(`${OFFERS}/a`, { capacity: 1 }).set('if-match', '"999"').expect(412);
    await door.patch(`${OFFERS}/a`, { price: null }).expect(422);
    await door.post('/v1/providers/daegu/attest').expect(200);
    expect(await version()).toBe(before);
  });
});

describe('the market is searched', () => {
  beforeAll(async () => {
    const gpu = (model: string, count = 8) => ({ gpu: { model, count } });
    const at = (amount: string) => ({ price: { amount, currency: 'KRW' } });
    await put([
      smallOffer('h100-sxm', { ...gpu('H100-SXM'), ...at('10') }),
      smallOffer('h100-pcie', { ...gpu('H100-PCIe'), ...at('10') }),
      smallOffer('h100', { ...gpu('H100'), ...at('10') }),
      smallOffer('h100-nvl', { ...gpu('H100-NVL'), ...at('30') }),
      smallOffer('a100-sxm', { ...gpu('A100-SXM4-40GB'), ...at('5') }),
      smallOffer('a100', { ...gpu('A100-80GB'), ...at('7'), region: 'kr-south' }),
    ]);
    await door
      .put('/v1/providers/pangyo/offers', [
        smallOffer('a100', { ...gpu('A100-80GB'), ...at('7') }),
        smallOffer('l4', { ...gpu('L4', 1), ...at('1') }),
      ])
      .expect(200);
  });
  const find = async (filters: string) => {
    const { body } = await door.get(`/v1/offers?${filters}`).expect(200);
    return (body.items as { provider: string; name: string }[]).map(
      ({ provider, name }) => `${provider}/${name}`,
    );
  };
  const daegu = (...names: string[]) => names.map((name) => `daegu/${name}`);

  it.each([
    ['gpu=H100', daegu('h100', 'h100-nvl', 'h100-pcie', 'h100-sxm')],
    ['gpu=H100-SXM', daegu('h100-sxm')],
    ['gpu=H100-NVL', daegu('h100-nvl')],
    ['gpu=A100-SXM', daegu('a100-sxm')],
    ['gpu=A100&formFactor=SXM', daegu('a100-sxm')],
    ['gpu=H100-SXM&formFactor=PCIe', []],
    ['formFactor=SXM', daegu('a100-sxm', 'h100-sxm')],
    ['formFactor=NVL', daegu('h100-nvl')],
    ['region=kr-south', daegu('a100')],
    ['region=nowhere', []],
    ['realm=public', ['pangyo/a100', 'pangyo/l4']],
    ['realm=on-premises', []],
    ['realm=public&gpu=A100', ['pangyo/a100']],
    ['class=hopper-sxm', daegu('h100-sxm')],
    ['class=inference-24gb', ['pangyo/l4']],
    ['class=trainer-80gb&realm=public', ['pangyo/a100']],
    ['class=hopper-or-better&gpu=A100', []],
    ['class=trainer-80gb&gpu=A100', ['daegu/a100', 'pangyo/a100']],
  ])('%s', async (filters, names) => expect(await find(filters)).toEqual(names));

  it.each(['sort=price&class=trainer-80gb', 'class=trainer-80gb', 'sort=price&realm=government', 'gpu=H100'])(
    'page by page by %s, nothing twice and nothing left out',
    async (filters) => {
      const whole = await find(filters);
      const pages: string[] = [];
      for (let cursor = ''; ;) {
        const { body } = await door.get(`/v1/offers?${filters}&limit=2${cursor}`).expect(200);
        pages.push(
          ...(body.items as { provider: string; name: string }[]).map((one) => `${one.provider}/${one.name}`),
        );
        if (body.nextCursor === null) break;
        cursor = `&cursor=${body.nextCursor as string}`;
      }
      expect(pages).toEqual(whole);
      expect(whole.length).toBeGreaterThan(3);
    },
  );
});
