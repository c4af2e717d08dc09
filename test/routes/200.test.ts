import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDoor, populate, smallJob, smallOffer, smallProvider, type Door, type Town } from './door.ts';

let door: Door;
let town: Town;
beforeAll(async () => {
  door = await openDoor();
  town = await populate(door);
});
afterAll(() => door.close());

describe('without a key', () => {
  it('says that it is alive and ready', async () => {
    expect((await door.call('GET', '/healthz', null).expect(200)).body).toEqual({ ok: true });
    const { body } = await door.call('GET', '/readyz', null).expect(200);
    expect(body).toMatchObject({ ready: true, database: 'ok', queue: { backend: 'none', ok: false } });
  });

  it('shows metrics, the document, its page and what problems mean', async () => {
    expect((await door.call('GET', '/metrics', null).expect(200)).text).toContain(
      'naru_flow_duration_seconds_bucket',
    );
    const { body } = await door.call('GET', '/openapi.json', null).expect(200);
    expect(body.openapi).toBe('3.1.0');
    expect((await door.call('GET', '/docs/', null).redirects(1)).text).toContain('swagger-ui');
    expect((await door.call('GET', '/problems/not-found', null).expect(200)).text).toContain('404 not-found');
  });
});

describe('every answer', () => {
  it('carries the id of its request: the own one where it is sane, else a new one', async () => {
    const own = await door.get('/v1/jobs').set('x-request-id', 'abc-123').expect(200);
    expect(own.headers['x-request-id']).toBe('abc-123');
    const made = await door.get('/v1/jobs').set('x-request-id', 'a b').expect(200);
    expect(made.headers['x-request-id']).toMatch(/^req-/);
  });
});

describe('lists', () => {
  it('come in pages that neither repeat nor lose anything, newest first', async () => {
    const made: string[] = [];
    for (let n = 0; n < 7; n += 1)
      made.push((await door.post('/v1/jobs', smallJob({ name: `page-${n}` })).expect(201)).body.id as string);
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body } = await door
        .get(`/v1/jobs?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`)
        .expect(200);
      seen.push(...(body.items as { id: string }[]).map((job) => job.id));
      cursor = body.nextCursor as string | null;
    }
    expect(seen).toEqual(made.toReversed());
  });

  it('filter jobs by project, state, kind and provider', async () => {
    await door
      .post('/v1/jobs', smallJob({ name: 'serve', kind: 'inference', serve: { port: 8000 } }))
      .expect(201);
    const names = async (query: string) =>
      ((await door.get(`/v1/jobs?${query}`).expect(200)).body.items as { name: string }[]).map(
        (job) => job.name,
      );
    expect(await names('kind=inference')).toEqual(['serve']);
    expect(await names('project=weather')).toEqual([]);
    expect(await names('provider=pangyo')).toEqual([]);
    expect((await names('state=queued&state=running')).length).toBeGreaterThan(0);
    expect(await names('state=failed')).toEqual([]);
  });
});

describe('a job', () => {
  it('answers with its spec, defaults filled in, and can be submitted again as it is', async () => {
    const { body } = await door
      .post(
        '/v1/jobs',
        smallJob({ labels: { team: 'nlp' }, limits: { deadline: '2099-01-01T09:00:00+09:00' } }),
      )
      .expect(201);
    expect(body).toMatchObject({
      name: 'small',
      project: 'kogpt',
      organization: 'acme',
      state: 'queued',
      reason: 'submitted',
      placement: null,
      priority: 50,
      graceSeconds: 10,
      attempts: 0,
      exitCode: null,
      endpoints: [],
      checkpoint: { intervalSeconds: 600, fromJob: null },
      limits: { deadline: '2099-01-01T00:00:00.000Z', maxRuntimeSeconds: null },
      spec: { placement: { objective: 'cheapest', spot: 'never', countries: [], maxPricePerHour: null } },
      cost: { reserved: { amount: '0', currency: 'KRW' }, charged: { amount: '0', currency: 'KRW' } },
      startedAt: null,
      finishedAt: null,
    });
    const again = await door.post('/v1/jobs', body.spec as object).expect(201);
    expect(again.body.spec).toEqual(body.spec);
    const read = await door.get(`/v1/jobs/${body.id}`).expect(200);
    expect(read.body).toEqual(body);
  });

  it('is cancelled at once while it is queued, and rings for its placement when it is submitted', async () => {
    const before = door.rings.length;
    const { body } = await door.post('/v1/jobs', smallJob()).expect(201);
    expect(door.rings.slice(before)).toContain('place');
    const cancelled = await door.post(`/v1/jobs/${body.id}/cancel`).expect(202);
    expect(cancelled.body).toMatchObject({ state: 'cancelled', reason: 'cancelled' });
    expect(cancelled.body.finishedAt).not.toBeNull();
    const { body: events } = await door.get(`/v1/jobs/${body.id}/events?order=asc`).expect(200);
    expect((events.items as { type: string }[]).map((event) => event.type)).toEqual([
      'job.queued',
      'job.cancelled',
    ]);
    expect((await door.get(`/v1/jobs/${body.id}/allocations`).expect(200)).body).toEqual({
      items: [],
      nextCursor: null,
    });
    expect((await door.get(`/v1/jobs/${body.id}/decisions`).expect(200)).body).toEqual({
      items: [],
      nextCursor: null,
    });
    expect((await door.get(`/v1/jobs/${body.id}/moves`).expect(200)).body).toEqual({
      items: [],
      nextCursor: null,
    });
    expect((await door.get(`/v1/jobs/${body.id}/logs`).expect(200)).text).toBe('');
  });

  it('takes an empty body with a JSON content type where no body is needed', async () => {
    const { body } = await door.post('/v1/jobs', smallJob()).expect(201);
    await door.call('POST', `/v1/jobs/${body.id}/cancel`).set('content-type', 'application/json').expect(202);
  });
});

describe('keys', () => {
  it('stop working when they are revoked, and when they are over', async () => {
    const { body } = await door.post('/v1/keys', { role: 'operator', note: 'short' }).expect(201);
    await door.call('GET', '/v1/jobs', body.secret as string).expect(200);
    await door.call('DELETE', `/v1/keys/${body.id}`).expect(204);
    await door.call('GET', '/v1/jobs', body.secret as string).expect(401);
    await door.call('DELETE', `/v1/keys/${body.id}`).expect(204);
    const soon = await door
      .post('/v1/keys', { role: 'operator', expiresAt: new Date(Date.now() + 300).toISOString() })
      .expect(201);
    await new Promise((resolve) => setTimeout(resolve, 320));
    await door.call('GET', '/v1/jobs', soon.body.secret as string).expect(401);
  });

  it('are listed without their secrets', async () => {
    const { body, text } = await door.get('/v1/keys').expect(200);
    expect((body.items as { id: string }[]).map((key) => key.id)).toContain('key-admin');
    expect(text).not.toContain('naru_');
    expect(text).not.toContain('ecret');
  });
});

describe('a provider', () => {
  it('is registered with a key for its agent, which no other answer shows', async () => {
    const { body } = await door
      .post(
        '/v1/providers',
        smallProvider('daegu', {
          certifications: [
            {
              scheme: 'CSAP',
              grade: 'high',
              validFrom: '2026-01-01T00:00:00Z',
              validUntil: '2028-01-01T00:00:00Z',
            },
          ],
        }),
      )
      .expect(201);
    expect(body.agentKey).toMatch(/^naru_/);
    expect(body).toMatchObject({
      health: { state: 'unknown' },
      capacity: { offered: 0, used: 0 },
      mode: 'active',
      version: 1,
    });
    const read = await door.get('/v1/providers/daegu').expect(200);
    expect(read.text).not.toContain(body.agentKey);
    expect(read.headers['etag']).toBe('"1"');
  });

  it('is changed only as the version that was seen', async () => {
    const site = { city: 'Daegu', country: 'KR', region: 'kr-south', latitude: 35.9, longitude: 128.6 };
    const changed = await door.patch('/v1/providers/daegu', { site }).set('if-match', '"1"').expect(200);
    expect(changed.body).toMatchObject({ site, version: 2 });
    await door.patch('/v1/providers/daegu', { realm: 'government' }).set('if-match', '"1"').expect(412);
  });

  it('is drained and resumed', async () => {
    expect((await door.post('/v1/providers/daegu/drain').expect(200)).body.mode).toBe('draining');
    expect((await door.post('/v1/providers/daegu/resume').expect(200)).body.mode).toBe('active');
  });

  it("shows the vendor's own word while it holds, and keeps it in its history", async () => {
    await door.post('/v1/providers/daegu/status', { level: 'maintenance', note: 'rack 4' }).expect(201);
    await door
      .post('/v1/providers/daegu/status', {
        level: 'outage',
        note: 'later',
        from: '2098-01-01T00:00:00Z',
        until: '2099-01-01T00:00:00Z',
      })
      .expect(201);
    const { body } = await door.get('/v1/providers/daegu').expect(200);
    expect(body.vendorStatus).toMatchObject({ level: 'maintenance', note: 'rack 4', until: null });
    const { body: history } = await door.get('/v1/providers/daegu/health').expect(200);
    expect((history.items as { state: string }[]).map((record) => record.state)).toEqual([
      'outage',
      'maintenance',
      'unknown',
    ]);
  });
});

describe('offers', () => {
  const put = (offers: object[]) => door.put('/v1/providers/daegu/offers', offers).expect(200);
  const names = async () =>
    ((await door.get('/v1/providers/daegu/offers').expect(200)).body.items as { name: string }[]).map(
      (offer) => offer.name,
    );

  it('are replaced as a set: added, updated, withdrawn, and sold again', async () => {
    expect((await put([smallOffer('a'), smallOffer('b')])).body).toEqual({
      added: 2,
      updated: 0,
      unchanged: 0,
      withdrawn: 0,
    });
    expect((await put([smallOffer('a', { capacity: 9 }), smallOffer('c')])).body).toEqual({
      added: 1,
      updated: 1,
      unchanged: 0,
      withdrawn: 1,
    });
    expect(await names()).toEqual(['a', 'c']);
    expect((await put([smallOffer('a', { capacity: 9 }), smallOffer('b')])).body).toEqual({
      added: 1,
      updated: 0,
      unchanged: 1,
      withdrawn: 1,
    });
    expect(await names()).toEqual(['a', 'b']);
    expect(door.rings).toContain('place');
  });

  it('take any spelling of a GPU and keep what was written', async () => {
    await put([
      smallOffer('sxm', { gpu: { model: 'NVIDIA A100-SXM4-80GB', count: 8 } }),
      smallOffer('cpu', { gpu: null }),
    ]);
    const { body } = await door.get('/v1/providers/daegu/offers/sxm').expect(200);
    expect(body).toMatchObject({
      gpu: { model: 'A100-80GB', count: 8, memoryGiB: 80 },
      listed: { gpu: { model: 'NVIDIA A100-SXM4-80GB' } },
    });
    expect((await door.get('/v1/providers/daegu/offers/cpu').expect(200)).body.gpu).toBeNull();
  });

  it('are found by what is asked for, cheapest first in the accounting currency, page by page', async () => {
    await put([
      smallOffer('won', { gpu: { model: 'L4', count: 1 }, price: { amount: '900', currency: 'KRW' } }),
      smallOffer('dollar', { gpu: { model: 'L4', count: 1 }, price: { amount: '0.5', currency: 'USD' } }),
      smallOffer('euro', { gpu: { model: 'L4', count: 1 }, price: { amount: '0.1', currency: 'EUR' } }),
      smallOffer('spot', {
        gpu: { model: 'L4', count: 1 },
        price: null,
        spotPrice: { amount: '300', currency: 'KRW' },
      }),
      smallOffer('later', { gpu: { model: 'L4', count: 1 }, effectiveFrom: '2099-01-01T00:00:00Z' }),
    ]);
    await door.put('/v1/exchange-rates/USD', { rate: '1386.5', asOf: '2026-01-01T00:00:00Z' }).expect(200);
    const find = async (query: string) =>
      ((await door.get(`/v1/offers?gpu=L4&${query}`).expect(200)).body.items as { name: string }[]).map(
        (offer) => offer.name,
      );
    expect(await find('sort=price')).toEqual(['spot', 'dollar', 'won', 'euro']);
    expect(await find('sort=price&spot=false')).toEqual(['dollar', 'won', 'euro']);
    expect(await find('spot=true')).toEqual(['spot']);
    expect(await find('sort=price&maxPricePerHour=700')).toEqual(['spot', 'dollar']);
    expect(await find('country=JP')).toEqual([]);
    expect(await find('gpuCount=2')).toEqual([]);
    expect(await find('minMemoryGiB=24&spot=true')).toEqual(['spot']);
    expect(await find('minMemoryGiB=25')).toEqual([]);
    const pages: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body } = await door
        .get(`/v1/offers?gpu=L4&sort=price&limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`)
        .expect(200);
      pages.push(...(body.items as { name: string }[]).map((offer) => offer.name));
      cursor = body.nextCursor as string | null;
    }
    expect(pages).toEqual(['spot', 'dollar', 'won', 'euro']);
    const { body } = await door.get('/v1/offers?gpu=L4&sort=price').expect(200);
    expect(body.items[1].accountingPrice).toEqual({ amount: '693.25', currency: 'KRW' });
    expect(body.items[3].notPlaceable).toContain('EUR');
  });

  it('are changed one by one, and say what contradicts', async () => {
    const path = '/v1/providers/daegu/offers/won';
    const { headers } = await door.get(path).expect(200);
    const { body } = await door
      .patch(path, { capacity: 0, price: { amount: '1000', currency: 'KRW' } })
      .set('if-match', headers['etag'] as string)
      .expect(200);
    expect(body).toMatchObject({ capacity: 0, price: { amount: '1000', currency: 'KRW' } });
    await door
      .patch(path, { capacity: 1 })
      .set('if-match', headers['etag'] as string)
      .expect(412);
    await door.patch(path, { price: null }).expect(422);
    await door.patch('/v1/providers/daegu/offers/nothing', { capacity: 1 }).expect(404);
  });

  it('are imported from a catalog, and the same one twice changes nothing', async () => {
    const csv =
      'InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,Price,SpotPrice,Region,GpuInfo,AvailabilityZone\nbig,H100,8,96,1024,19.6,9.8,kr-central,,\nbare,,,4,16,0.1,,kr-central,,\n';
    const send = () =>
      door
        .call('POST', '/v1/providers/daegu/offers/import?format=skypilot&capacity=3')
        .set('content-type', 'text/csv')
        .send(csv);
    const first = await send().expect(200);
    expect(first.body).toMatchObject({ imported: 1, updated: 0, skipped: [{ line: 3 }] });
    expect(first.body.withdrawn).toBeGreaterThan(0);
    expect((await send().expect(200)).body).toMatchObject({
      imported: 0,
      updated: 0,
      withdrawn: 0,
      unchanged: 1,
    });
    const [offer] = (await door.get('/v1/providers/daegu/offers').expect(200)).body.items;
    expect(offer).toMatchObject({
      gpu: { model: 'H100', count: 8 },
      capacity: 3,
      price: { amount: '19.6', currency: 'USD' },
    });
  });
});

describe('exchange rates', () => {
  it('are dated: the newest that is not in the future counts', async () => {
    await door.put('/v1/exchange-rates/JPY', { rate: 9.1, asOf: '2026-01-02T00:00:00Z' }).expect(200);
    await door.put('/v1/exchange-rates/JPY', { rate: '8.5', asOf: '2026-01-01T00:00:00Z' }).expect(200);
    await door.put('/v1/exchange-rates/JPY', { rate: '99', asOf: '2099-01-01T00:00:00Z' }).expect(200);
    const { body } = await door.get('/v1/exchange-rates/JPY').expect(200);
    expect(body).toEqual({
      currency: 'JPY',
      accountingCurrency: 'KRW',
      rate: '9.1',
      asOf: '2026-01-02T00:00:00.000Z',
    });
    const { body: all } = await door.get('/v1/exchange-rates').expect(200);
    expect((all.items as { currency: string }[]).map((rate) => rate.currency)).toEqual(['JPY', 'USD']);
  });
});

describe('the audit', () => {
  it('has what was done, by whom, and never a secret', async () => {
    const { body, text } = await door.get('/v1/audit?action=provider.create&target=daegu').expect(200);
    expect(body.items).toHaveLength(1);
    expect(body.items[0]).toMatchObject({ actor: 'key-admin', role: 'admin', data: { vendor: 'nhn' } });
    expect(text).not.toContain('naru_');
    const all = await door.get('/v1/audit?limit=500').expect(200);
    for (const secret of Object.values(town.keys)) expect(all.text).not.toContain(secret);
    expect((await door.get('/v1/audit/verify').expect(200)).body).toMatchObject({
      ok: true,
      brokenAt: null,
      problem: null,
    });
  });
});
