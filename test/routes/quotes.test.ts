import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { placePass } from '../../src/flows/place.ts';
import { tidy } from '../../src/flows/tidy.ts';
import { openDoor, populate, smallJob, smallOffer, type Door, type Town } from './door.ts';

/** The real door, database and placing; the clock stands still but where a test moves it on. */
let door: Door;
let town: Town;
let nowMs = Date.parse('2026-11-22T10:00:00Z');
beforeAll(async () => {
  door = await openDoor({ clock: { ...systemClock(), now: () => new Date(nowMs) } });
  town = await populate(door);
  await door.deps.store.db.execute(sql`update providers set health = 'healthy'`);
});
afterAll(() => door.close());

let offer: string;
let count = 0;
beforeEach(async () => {
  count += 1;
  offer = `h100-${count}`;
  await sell(40_000);
  await door.put('/v1/providers/gwangju/offers', []).expect(200);
});
afterEach(async () => {
  const { body } = await door.get('/v1/jobs?state=queued').expect(200);
  for (const { id } of body.items as { id: string }[]) await door.post(`/v1/jobs/${id}/cancel`).expect(202);
});

const krw = (amount: number) => ({ amount: String(amount), currency: 'KRW' });
/** Pangyo sells one offer, whose name no other test uses. */
const sell = (price: number, over: object = {}) =>
  door.put('/v1/providers/pangyo/offers', [smallOffer(offer, { price: krw(price), ...over })]).expect(200);
const gpuJob = (over: object = {}) => smallJob({ resources: { gpu: { count: 8 } }, ...over });
const quote = async (body: object = gpuJob()) =>
  (await door.post('/v1/quotes', body).expect(200)).body as {
    id: string;
    expiresAt: string;
    candidates: { offer: string; provider: string }[];
  };
const pass = (seconds: number) => {
  nowMs += seconds * 1_000;
};
const submitted = async (body: object) => (await door.post('/v1/jobs', body).expect(201)).body.id as string;
const placed = async (id: string) => {
  await placePass(door.deps, true);
  const job = (await door.get(`/v1/jobs/${id}`).expect(200)).body;
  const attempts = (await door.get(`/v1/jobs/${id}/allocations`).expect(200)).body.items;
  const decisions = (await door.get(`/v1/jobs/${id}/decisions`).expect(200)).body.items;
  return { job, attempt: attempts[0] ?? null, decision: decisions[0] };
};
const refusedAt = async (body: object, status: number, type: string) => {
  const answer = await door.post('/v1/jobs', body).expect(status);
  expect(answer.body).toMatchObject({ type: `/problems/${type}`, errors: [{ pointer: '/quoteId' }] });
  return answer.body.errors[0].detail as string;
};

describe('a quote', () => {
  it('says where the job would go, what that costs and why nothing else would do; nothing is taken', async () => {
    await door
      .put('/v1/providers/gwangju/offers', [smallOffer('l4x8', { gpu: { model: 'L4', count: 8 } })])
      .expect(200);
    const asked = gpuJob({
      resources: { gpu: { count: 8, models: ['H100'] } },
      expectedRuntimeSeconds: 7_200,
    });
    const { body, text } = await door.post('/v1/quotes', asked).expect(200);
    expect(body).toMatchObject({
      pricePerHour: krw(40_000),
      candidates: [
        {
          provider: 'pangyo',
          region: 'kr-central',
          offer,
          spot: false,
          pricePerHour: krw(40_000),
          estimatedCost: krw(80_000),
          free: 4,
          held: true,
        },
      ],
      rejected: [{ provider: 'gwangju', offer: 'l4x8', rule: 'gpu-model', detail: 'has L4' }],
      furtherRejected: [],
      waiting: null,
      ask: { project: 'kogpt', organization: 'acme', resources: { gpu: { count: 8, models: ['H100'] } } },
    });
    expect(Date.parse(body.expiresAt) - Date.parse(body.createdAt)).toBe(900_000);
    expect(text).not.toContain('askHash');
    const { body: offers } = await door.get('/v1/offers?provider=pangyo').expect(200);
    expect(offers.items).toMatchObject([{ used: 0 }]);
  });

  it('is read again as it was answered, and says when it is over', async () => {
    const { body } = await door.post('/v1/quotes', gpuJob()).expect(200);
    await sell(50_000);
    const read = async () => (await door.get(`/v1/quotes/${body.id}`).expect(200)).body;
    expect(await read()).toEqual({ ...body, expired: false });
    pass(899);
    expect((await read()).expired).toBe(false);
    pass(1);
    expect(await read()).toEqual({ ...body, expired: true });
  });

  it('is forgotten a week after it has expired', async () => {
    const { id } = await quote();
    pass(7 * 86_400 + 900);
    await tidy(door.deps);
    await door.get(`/v1/quotes/${id}`).expect(200);
    pass(1);
    await tidy(door.deps);
    await door.get(`/v1/quotes/${id}`).expect(404);
  });

  it('is one for any number of equal requests with a key, and audited once', async () => {
    const send = (body: object) => door.post('/v1/quotes', body).set('idempotency-key', `q-${count}`);
    const first = await send(gpuJob()).expect(200);
    await sell(50_000);
    const again = await send(gpuJob()).expect(200);
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
    expect((await send(gpuJob({ priority: 1 })).expect(422)).body.type).toBe(
      '/problems/idempotency-mismatch',
    );
    const { body } = await door.get(`/v1/audit?action=quote.create&target=${first.body.id}`).expect(200);
    expect(body.items).toMatchObject([
      { actor: 'key-admin', data: { project: 'kogpt', kind: 'training', pricePerHour: krw(40_000) } },
    ]);
    expect(body.items).toHaveLength(1);
  });

  it('has no candidates where nothing fits or all that fits is taken, and says which', async () => {
    await sell(40_000, { capacity: 0 });
    const nothing = await door.post('/v1/quotes', gpuJob()).expect(200);
    expect(nothing.body).toMatchObject({
      candidates: [],
      pricePerHour: null,
      waiting: { reason: 'no-capacity' },
    });
    await sell(40_000, { capacity: 1 });
    await placed(await submitted(gpuJob()));
    const full = await door.post('/v1/quotes', gpuJob()).expect(200);
    expect(full.body).toMatchObject({
      candidates: [],
      rejected: [{ provider: 'pangyo', offer, rule: 'capacity', detail: 'all 1 are taken' }],
      waiting: { reason: 'no-capacity' },
    });
    const detail = await refusedAt(gpuJob({ quoteId: full.body.id }), 422, 'impossible-spec');
    expect(detail).toContain('no candidate');
  });

  it('is for whoever may see the project, and hidden from the others as if it were not there', async () => {
    const ask = (key: string, project = 'kogpt') =>
      door.call('POST', '/v1/quotes', key).send(gpuJob({ project }));
    const { body } = await ask(town.keys.officer).expect(200);
    await ask(town.keys.member).expect(200);
    const hidden = await ask(town.keys.otherMember).expect(404);
    const missing = await ask(town.keys.otherMember, 'nothing').expect(404);
    expect({ ...hidden.body, instance: '' }).toEqual({ ...missing.body, instance: '' });
    expect(hidden.body.errors).toMatchObject([{ pointer: '/project' }]);
    const read = (key: string, id: string) => door.call('GET', `/v1/quotes/${id}`, key);
    for (const key of [town.keys.member, town.keys.officer, town.keys.auditor, town.keys.operator])
      await read(key, body.id).expect(200);
    for (const key of [town.keys.otherMember, town.keys.otherOfficer]) {
      const [theirs, none] = [await read(key, body.id).expect(404), await read(key, 'quo-none').expect(404)];
      expect({ ...theirs.body, instance: '' }).toEqual({ ...none.body, instance: '' });
    }
  });

  it.each([
    ['an unknown field', { colour: 'red' }, 400, '/colour'],
    ['a kind that there is none of', { kind: 'dancing' }, 400, '/kind'],
    ['a deadline in the past', { limits: { deadline: '2020-01-01T00:00:00Z' } }, 422, '/limits/deadline'],
    ['two trainings at once', { continuity: { mode: 'active' } }, 422, '/continuity/mode'],
  ])('of %s is refused as the job would be', async (_, over, status, pointer) => {
    const { body } = await door.post('/v1/quotes', gpuJob(over)).expect(status);
    expect(body.errors).toMatchObject([{ pointer }]);
  });
});

describe('a job with a quote', () => {
  it('is placed at the quoted price though its vendor asks more by now, and its bill and decision say so', async () => {
    const { id: quoteId } = await quote();
    await sell(55_000);
    const id = await submitted(gpuJob({ quoteId }));
    const { job, attempt, decision } = await placed(id);
    expect(job).toMatchObject({
      state: 'provisioning',
      quoteId,
      spec: { quoteId },
      placement: { provider: 'pangyo', offer, pricePerHour: krw(40_000) },
    });
    expect(attempt).toMatchObject({ pricePerHour: krw(40_000), listPricePerHour: krw(40_000), rate: '1' });
    expect(decision.notes).toEqual(['the price is that of the quote: the offer costs more by now']);
    const { body: earned } = await door.get('/v1/providers/pangyo/allocations').expect(200);
    expect(earned.items[0]).toMatchObject({ id: attempt.id, pricePerHour: krw(40_000) });
    const without = await placed(await submitted(gpuJob()));
    expect(without.attempt).toMatchObject({ pricePerHour: krw(55_000) });
  });

  it('pays the lower price where the vendor has lowered it', async () => {
    const { id: quoteId } = await quote();
    await sell(30_000);
    const { attempt, decision } = await placed(await submitted(gpuJob({ quoteId })));
    expect(attempt).toMatchObject({ pricePerHour: krw(30_000) });
    expect(decision.notes).toEqual([]);
  });

  it('keeps the exchange rate of the quote', async () => {
    const rate = (value: string) => door.put('/v1/exchange-rates/USD', { rate: value }).expect(200);
    const dollars = { price: { amount: '28.5', currency: 'USD' } };
    await rate('1300');
    await sell(0, dollars);
    const { id: quoteId } = await quote();
    await rate('1400');
    const { attempt } = await placed(await submitted(gpuJob({ quoteId })));
    expect(attempt).toMatchObject({
      pricePerHour: krw(37_050),
      listPricePerHour: { amount: '28.5', currency: 'USD' },
      rate: '1300',
    });
    const { attempt: later } = await placed(await submitted(gpuJob()));
    expect(later).toMatchObject({ pricePerHour: krw(39_900), rate: '1400' });
  });

  it('waits where only dearer places are left, says why, and goes when the price is met, also after the quote is over', async () => {
    const { id: quoteId } = await quote();
    await door.put('/v1/providers/pangyo/offers', []).expect(200);
    const id = await submitted(gpuJob({ quoteId }));
    await door.put('/v1/providers/gwangju/offers', [smallOffer('dear', { price: krw(40_001) })]).expect(200);
    const waits = await placed(id);
    expect(waits.job).toMatchObject({ state: 'queued', waiting: { reason: 'no-match' } });
    expect(waits.job.waiting.detail).toContain('wait for the quoted price');
    expect(waits.decision.removed).toContainEqual({
      rule: 'quote',
      title: 'It costs more than was quoted.',
      offers: 1,
      examples: [
        { provider: 'gwangju', offer: 'dear', detail: 'costs 40001 KRW an hour, more than was quoted' },
      ],
    });
    pass(1_000);
    await sell(41_000);
    expect((await placed(id)).job.state).toBe('queued');
    await sell(40_000);
    const { job } = await placed(id);
    expect(job).toMatchObject({ state: 'provisioning', placement: { pricePerHour: krw(40_000) } });
  });

  it('may come several times with one quote', async () => {
    const { id: quoteId } = await quote();
    await sell(55_000);
    const ids = [await submitted(gpuJob({ quoteId })), await submitted(gpuJob({ quoteId, name: 'another' }))];
    for (const id of ids) expect((await placed(id)).attempt).toMatchObject({ pricePerHour: krw(40_000) });
  });
});

describe('a job is refused with a quote that', () => {
  it('is over', async () => {
    const { id: quoteId, expiresAt } = await quote();
    pass(899);
    await submitted(gpuJob({ quoteId }));
    pass(1);
    expect(await refusedAt(gpuJob({ quoteId }), 422, 'impossible-spec')).toContain(`expired at ${expiresAt}`);
  });

  it('is of another project, as if there were none', async () => {
    const theirs = await door.post('/v1/quotes', gpuJob({ project: 'weather' })).expect(200);
    const hidden = await refusedAt(gpuJob({ quoteId: theirs.body.id }), 404, 'not-found');
    expect(hidden).toBe(await refusedAt(gpuJob({ quoteId: 'quo-none' }), 404, 'not-found'));
  });

  it('is for something else, and says for what', async () => {
    const { id: quoteId } = await quote();
    const other = gpuJob({ quoteId, kind: 'inference', placement: { spot: 'only' } });
    expect(await refusedAt(other, 422, 'impossible-spec')).toContain('/kind, /placement/spot');
    const same = gpuJob({ quoteId, name: 'other', labels: { a: 'b' }, priority: 1, graceSeconds: 3 });
    await submitted(same);
  });

  it('is over, unless it was taken before: its repetition gets the first answer', async () => {
    const { id: quoteId } = await quote();
    const send = (body: object) => door.post('/v1/jobs', body).set('idempotency-key', `j-${count}`);
    const first = await send(gpuJob({ quoteId })).expect(201);
    const replayed = await send(gpuJob({ quoteId })).expect(201);
    pass(901);
    const late = await send(gpuJob({ quoteId })).expect(201);
    for (const again of [replayed, late]) {
      expect(again.headers['idempotency-replayed']).toBe('true');
      expect(again.body).toEqual(first.body);
    }
    await send(gpuJob({ quoteId, name: 'another' })).expect(422);
  });
});
