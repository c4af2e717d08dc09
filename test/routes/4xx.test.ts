import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ADMIN,
  openDoor,
  populate,
  smallJob,
  smallOffer,
  smallProvider,
  type Door,
  type Town,
} from './door.ts';

let door: Door;
let town: Town;
beforeAll(async () => {
  door = await openDoor({ failuresPerMinute: 40 });
  town = await populate(door);
});
afterAll(() => door.close());

const NUL = '\u0000';
const many = (n: number) => Array.from({ length: n }, (_, index) => `x${index}`);

describe('400 invalid-request', () => {
  const run = (over: object) => smallJob({ run: { command: ['true'], ...over } });
  const gpu = (over: object) => smallJob({ resources: { gpu: { count: 1, ...over } } });
  const jobs: [string, unknown, string][] = [
    ['no object', [], ''],
    ['nothing', {}, '/name'],
    ['an unknown field', smallJob({ colour: 'red' }), '/colour'],
    [
      'an unknown field deep inside',
      smallJob({ placement: { regions: { allow: [], denied: [] } } }),
      '/placement/regions/denied',
    ],
    ['a field whose name needs escaping', smallJob({ 'a/b~c': 1 }), '/a~1b~0c'],
    ['a name with a line break', smallJob({ name: 'a\nb' }), '/name'],
    ['a name too long', smallJob({ name: 'x'.repeat(201) }), '/name'],
    ['a project that is no name', smallJob({ project: 'Not A Slug' }), '/project'],
    ['an unknown kind', smallJob({ kind: 'dancing' }), '/kind'],
    ['no command', run({ command: [] }), '/run/command'],
    ['an empty program', run({ command: [''] }), '/run/command'],
    ['NUL in the command', run({ command: ['a', `b${NUL}`] }), '/run/command/1'],
    ['half a surrogate pair', run({ command: ['\ud800'] }), '/run/command/0'],
    ['too many arguments', run({ command: many(1001) }), '/run/command'],
    ['an argument too long', run({ command: ['x'.repeat(32 * 1024 + 1)] }), '/run/command/0'],
    ['arguments too long together', run({ command: Array(9).fill('é'.repeat(16 * 1024)) }), '/run/command'],
    ['an environment name that is no name', run({ env: { '1A': 'x' } }), '/run/env/1A'],
    ['an empty environment name', run({ env: { '': 'x' } }), '/run/env/'],
    ['a reserved environment name', run({ env: { NARU_JOB_ID: 'x' } }), '/run/env/NARU_JOB_ID'],
    ['CUDA_VISIBLE_DEVICES', run({ env: { CUDA_VISIBLE_DEVICES: '0' } }), '/run/env/CUDA_VISIBLE_DEVICES'],
    ['NUL in the environment', run({ env: { A: NUL } }), '/run/env/A'],
    ['a number in the environment', run({ env: { A: 1 } }), '/run/env/A'],
    [
      'too large an environment',
      run({ env: Object.fromEntries(many(9).map((name) => [name, 'y'.repeat(32 * 1024)])) }),
      '/run/env',
    ],
    ['an image with spaces', run({ image: 'a b' }), '/run/image'],
    ['a negative count', gpu({ count: -1 }), '/resources/gpu/count'],
    ['half a GPU', gpu({ count: 0.5 }), '/resources/gpu/count'],
    ['too many GPUs', gpu({ count: 1025 }), '/resources/gpu/count'],
    ['a count as text', gpu({ count: '1' }), '/resources/gpu/count'],
    ['no count', smallJob({ resources: { gpu: {} } }), '/resources/gpu/count'],
    ['zero nodes', smallJob({ resources: { gpu: { count: 0 }, nodes: 0 } }), '/resources/nodes'],
    ['negative CPUs', smallJob({ resources: { gpu: { count: 0 }, cpus: -1 } }), '/resources/cpus'],
    ['a country that is none', smallJob({ placement: { countries: ['Korea'] } }), '/placement/countries/0'],
    [
      'an amount with an exponent',
      smallJob({ placement: { maxPricePerHour: { amount: '1e3', currency: 'KRW' } } }),
      '/placement/maxPricePerHour/amount',
    ],
    [
      'an amount as a number',
      smallJob({ placement: { maxPricePerHour: { amount: 3, currency: 'KRW' } } }),
      '/placement/maxPricePerHour/amount',
    ],
    [
      'a currency that is none',
      smallJob({ placement: { maxPricePerHour: { amount: '3', currency: 'won' } } }),
      '/placement/maxPricePerHour/currency',
    ],
    ['a deadline that is no time', smallJob({ limits: { deadline: 'tomorrow' } }), '/limits/deadline'],
    [
      'a deadline on a day that there is not',
      smallJob({ limits: { deadline: '2099-02-30T00:00:00Z' } }),
      '/limits/deadline',
    ],
    ['a runtime of nothing', smallJob({ limits: { maxRuntimeSeconds: 0 } }), '/limits/maxRuntimeSeconds'],
    ['a priority above all', smallJob({ priority: 101 }), '/priority'],
    ['a grace too long', smallJob({ graceSeconds: 601 }), '/graceSeconds'],
    [
      'an interval of nothing',
      smallJob({ checkpoint: { intervalSeconds: 0 } }),
      '/checkpoint/intervalSeconds',
    ],
    ['a label that is no name', smallJob({ labels: { 'a b': 'c' } }), '/labels/a b'],
    ['a port that is none', smallJob({ kind: 'inference', serve: { port: 65_536 } }), '/serve/port'],
    [
      'a health path that is none',
      smallJob({ kind: 'inference', serve: { healthPath: 'health' } }),
      '/serve/healthPath',
    ],
  ];
  it.each(jobs)('a job with %s', async (_, body, pointer) => {
    const answer = await door
      .post('/v1/jobs', body as object)
      .expect(400)
      .expect('content-type', /application\/problem\+json/);
    expect(answer.body).toMatchObject({ type: '/problems/invalid-request', status: 400 });
    expect((answer.body.errors as { pointer: string }[]).map((error) => error.pointer)).toContain(pointer);
  });

  const others: [string, string, string, unknown, string][] = [
    ['an organization with a bad name', 'POST', '/v1/organizations', { name: '-a' }, '/name'],
    ['a key of no role', 'POST', '/v1/keys', { role: 'king' }, '/role'],
    [
      'a key over at no time',
      'POST',
      '/v1/keys',
      { role: 'admin', expiresAt: '2026-13-01T00:00:00Z' },
      '/expiresAt',
    ],
    [
      'a provider beyond the pole',
      'POST',
      '/v1/providers',
      smallProvider('x', { site: { city: 'a', country: 'KR', region: 'r', latitude: 91, longitude: 0 } }),
      '/site/latitude',
    ],
    [
      'a provider with a setting that there is not',
      'POST',
      '/v1/providers',
      smallProvider('x', { broker: { kind: 'agent', token: 'x' } }),
      '/broker/token',
    ],
    ['offers that are no list', 'PUT', '/v1/providers/pangyo/offers', {}, ''],
    [
      'an offer with half a capacity',
      'PUT',
      '/v1/providers/pangyo/offers',
      [smallOffer('a', { capacity: 1.5 })],
      '/0/capacity',
    ],
    [
      'an offer with a negative price',
      'PUT',
      '/v1/providers/pangyo/offers',
      [smallOffer('a', { price: { amount: '-1', currency: 'KRW' } })],
      '/0/price/amount',
    ],
    ['a rate of seven digits', 'PUT', '/v1/exchange-rates/USD', { rate: '1.1234567' }, '/rate'],
    ['a rate of seven digits as a number', 'PUT', '/v1/exchange-rates/USD', { rate: 1.1234567 }, '/rate'],
    ['a currency that is none', 'PUT', '/v1/exchange-rates/usd', { rate: '1' }, '{currency}'],
    ['a status of no level', 'POST', '/v1/providers/pangyo/status', { level: 'fine', note: '' }, '/level'],
    ['a limit of nothing', 'GET', '/v1/jobs?limit=0', undefined, '?limit'],
    ['a limit too large', 'GET', '/v1/jobs?limit=501', undefined, '?limit'],
    ['a limit that is no number', 'GET', '/v1/jobs?limit=ten', undefined, '?limit'],
    ['a state that there is not', 'GET', '/v1/jobs?state=asleep', undefined, '?state'],
    ['a query parameter that there is not', 'GET', '/v1/jobs?colour=red', undefined, '?colour'],
    ['a cursor that is none', 'GET', '/v1/jobs?cursor=hello', undefined, '?cursor'],
    [
      'a cursor of another list',
      'GET',
      `/v1/jobs?cursor=${Buffer.from('["audit",3]').toString('base64url')}`,
      undefined,
      '?cursor',
    ],
    [
      'a cursor with NUL in it',
      'GET',
      `/v1/jobs?cursor=${Buffer.from('["jobs","\\u0000"]').toString('base64url')}`,
      undefined,
      '?cursor',
    ],
    ['a cursor that is no base64', 'GET', '/v1/jobs?cursor=%00%01', undefined, '?cursor'],
    ['a GPU that cannot be asked for', 'GET', '/v1/offers?gpu=A100-PCIe', undefined, '?gpu'],
    ['a job id with a space', 'GET', '/v1/jobs/a%20b', undefined, '{id}'],
    ['a job id with NUL', 'GET', '/v1/jobs/%00', undefined, '{id}'],
    ['a job id that is too long', 'GET', `/v1/jobs/${'x'.repeat(200)}`, undefined, '{id}'],
    ['a provider name that is none', 'GET', '/v1/providers/A_B', undefined, '{name}'],
    ['a move without a reason', 'POST', '/v1/jobs/job-1/move', {}, '/reason'],
  ];
  it.each(others)('%s', async (_, method, path, body, pointer) => {
    const test = door.call(method, path);
    const answer = await (body === undefined ? test : test.send(body as object)).expect(400);
    expect((answer.body.errors as { pointer: string }[]).map((error) => error.pointer)).toContain(pointer);
  });

  it('malformed JSON, an empty body, a path that is none', async () => {
    const send = (text: string) =>
      door.call('POST', '/v1/jobs').set('content-type', 'application/json').send(text);
    for (const text of ['{', '{"a":1}}', 'nul', '{"__proto__":{}}', '\u0000', '']) {
      expect((await send(text).expect(400)).body.type).toBe('/problems/invalid-request');
    }
    expect((await door.get('/v1/jobs/%zz').expect(400)).headers['content-type']).toContain('problem+json');
  });

  it('an idempotency key that is none', async () => {
    for (const key of ['ä', 'a b', 'x'.repeat(256)]) {
      await door
        .post('/v1/jobs', smallJob())
        .set('idempotency-key', Buffer.from(key, 'utf8').toString('latin1'))
        .expect(400);
    }
  });

  it('an event id that is none', async () => {
    const { body } = await door.post('/v1/jobs', smallJob()).expect(201);
    await door
      .get(`/v1/jobs/${body.id}/events`)
      .set('accept', 'text/event-stream')
      .set('last-event-id', 'x')
      .expect(400);
  });
});

describe('401 unauthenticated', () => {
  it.each([
    ['nothing', null],
    ['an unknown key', 'Bearer naru_unknown'],
    ['another scheme', `Basic ${Buffer.from('a:b').toString('base64')}`],
    ['no key at all', 'Bearer '],
    ['two keys', `Bearer ${ADMIN} ${ADMIN}`],
  ])('%s', async (_, header) => {
    const test = door.call('GET', '/v1/jobs', null);
    const answer = await (header === null ? test : test.set('authorization', header))
      .expect(401)
      .expect('www-authenticate', 'Bearer');
    expect(answer.body.type).toBe('/problems/unauthenticated');
    expect(answer.text).not.toContain('naru_');
  });

  it('comes before anything is read: a stranger learns nothing from a body', async () => {
    await door.call('POST', '/v1/jobs', null).set('content-type', 'application/json').send('{').expect(401);
    await door.call('POST', '/v1/jobs', null).set('content-type', 'text/plain').send('x').expect(401);
  });
});

describe('404 not-found', () => {
  it('an unknown door, and a method that a door does not have', async () => {
    await door
      .get('/v1/nothing')
      .expect(404)
      .expect('content-type', /problem\+json/);
    await door.call('PUT', '/v1/jobs').send({}).expect(404);
    await door.call('HEAD', '/v1/jobs').expect(404);
  });

  it('a project, a provider, an organization that does not exist', async () => {
    const job = await door.post('/v1/jobs', smallJob({ project: 'nothing' })).expect(404);
    expect(job.body.errors).toEqual([{ pointer: '/project', detail: 'There is no such project.' }]);
    await door.post('/v1/projects', { name: 'p', organization: 'nothing' }).expect(404);
    await door.post('/v1/keys', { role: 'member', projects: ['kogpt', 'nothing'] }).expect(404);
    await door.post('/v1/keys', { role: 'agent', provider: 'nothing' }).expect(404);
    await door.put('/v1/providers/nothing/offers', []).expect(404);
    await door.post('/v1/providers/nothing/drain').expect(404);
    await door.call('DELETE', '/v1/keys/key-nothing').expect(404);
    await door.get('/v1/exchange-rates/XXX').expect(404);
    await door.get('/problems/boredom').expect(404);
  });

  it('a job to start from that is of another project, exactly as one that does not exist', async () => {
    const other = await door.post('/v1/jobs', smallJob({ project: 'weather' })).expect(201);
    const ask = (fromJob: string) =>
      door
        .call('POST', '/v1/jobs', town.keys.member)
        .send(smallJob({ checkpoint: { fromJob } }))
        .expect(404);
    const hidden = (await ask(other.body.id as string)).body;
    const missing = (await ask('job-nothing')).body;
    expect({ ...hidden, instance: '' }).toEqual({ ...missing, instance: '' });
  });
});

describe('409 state-conflict', () => {
  it('what exists is not created again, what has ended is not cancelled', async () => {
    await door.post('/v1/organizations', { name: 'acme' }).expect(409);
    await door.post('/v1/projects', { name: 'kogpt', organization: 'acme' }).expect(409);
    await door.post('/v1/providers', smallProvider('pangyo')).expect(409);
    const { body } = await door.post('/v1/jobs', smallJob()).expect(201);
    await door.post(`/v1/jobs/${body.id}/move`, { reason: 'because' }).expect(409);
    await door.post(`/v1/jobs/${body.id}/cancel`).expect(202);
    await door.post(`/v1/jobs/${body.id}/cancel`).expect(409);
    await door.call('DELETE', '/v1/keys/key-admin').expect(409);
  });
});

describe('412 precondition-failed', () => {
  it('a version that is not the present one, or never was one', async () => {
    for (const seen of ['"99"', 'W/"1"', 'nonsense']) {
      await door.patch('/v1/providers/pangyo', { realm: 'public' }).set('if-match', seen).expect(412);
    }
    await door.patch('/v1/providers/pangyo', { realm: 'public' }).set('if-match', '*').expect(200);
  });
});

describe('413 payload-too-large and 415 unsupported-media-type', () => {
  it('refuses more than a mebibyte of JSON', async () => {
    const answer = await door
      .post('/v1/jobs', smallJob({ labels: { big: 'x'.repeat(1024 * 1024) } }))
      .expect(413);
    expect(answer.body.type).toBe('/problems/payload-too-large');
  });

  it('takes larger price lists, and those have a limit too', async () => {
    const offers = Array.from({ length: 6_000 }, (_, n) => smallOffer(`o${n}`));
    await door.put('/v1/providers/gwangju/offers', offers).expect(200);
    const send = (text: string) =>
      door.call('POST', '/v1/providers/gwangju/offers/import').set('content-type', 'text/csv').send(text);
    await send('x'.repeat(17 * 1024 * 1024)).expect(413);
    await send('hello').expect(400);
  });

  it('refuses what is not JSON, and JSON where a catalog is wanted', async () => {
    for (const type of ['text/plain', 'application/xml', 'text/csv', 'application/x-www-form-urlencoded']) {
      const answer = await door.call('POST', '/v1/jobs').set('content-type', type).send('x').expect(415);
      expect(answer.body.type).toBe('/problems/unsupported-media-type');
    }
    await door.post('/v1/providers/gwangju/offers/import', {}).expect(415);
  });
});

describe('422', () => {
  const money = { amount: '1', currency: 'KRW' };
  const later: [string, object, string][] = [
    ['several nodes', { resources: { gpu: { count: 0 }, nodes: 2 } }, '/resources/nodes'],
    ['verified providers', { placement: { drVerified: true } }, '/placement/drVerified'],
    ['a grade of data', { placement: { dataGrade: 'open' } }, '/placement/dataGrade'],
    ['a standby', { continuity: { mode: 'standby' } }, '/continuity/mode'],
    ['two at once', { continuity: { mode: 'active' } }, '/continuity/mode'],
    ['a separation', { continuity: { minSeparationKm: 100 } }, '/continuity/minSeparationKm'],
    ['a cost limit', { limits: { maxCost: money } }, '/limits/maxCost'],
    ['replicas', { kind: 'inference', serve: { replicas: 2 } }, '/serve/replicas'],
  ];
  it.each(later)('not-yet-supported: %s', async (_, over, pointer) => {
    const { body } = await door.post('/v1/jobs', smallJob(over)).expect(422);
    expect(body.type).toBe('/problems/not-yet-supported');
    expect(body.errors).toMatchObject([{ pointer }]);
  });

  it('names every field that is not supported yet, and lets through what asks for nothing', async () => {
    const { body } = await door
      .post('/v1/jobs', smallJob({ continuity: { mode: 'standby' }, limits: { maxCost: money } }))
      .expect(422);
    expect((body.errors as object[]).length).toBe(2);
    await door
      .post(
        '/v1/jobs',
        smallJob({ placement: { drVerified: false }, resources: { gpu: { count: 0 }, nodes: 1 } }),
      )
      .expect(201);
    await door.post('/v1/jobs', smallJob({ kind: 'inference', serve: { replicas: 1 } })).expect(201);
    for (const kind of ['kubernetes', 'slurm', 'openstack']) {
      const provider = await door
        .post('/v1/providers', smallProvider('later', { broker: { kind, cluster: 'x' } }))
        .expect(422);
      expect(provider.body.type).toBe('/problems/not-yet-supported');
    }
  });

  const contradictions: [string, object, string][] = [
    [
      'a place both allowed and denied',
      { placement: { regions: { allow: ['b', 'a'], deny: ['a'] } } },
      '/placement/regions/allow/1',
    ],
    [
      'a provider both allowed and denied',
      { placement: { providers: { allow: ['p'], deny: ['p'] } } },
      '/placement/providers/allow/0',
    ],
    ['a deadline in the past', { limits: { deadline: '2020-01-01T00:00:00Z' } }, '/limits/deadline'],
    ['a model for no GPU', { resources: { gpu: { count: 0, models: ['H100'] } } }, '/resources/gpu/models'],
    [
      'memory of no GPU',
      { resources: { gpu: { count: 0, minMemoryGiB: 40 } } },
      '/resources/gpu/minMemoryGiB',
    ],
    [
      'a form factor',
      { resources: { gpu: { count: 1, models: ['H100', 'A100-PCIe'] } } },
      '/resources/gpu/models/1',
    ],
    ['training that serves', { serve: { port: 80 } }, '/serve'],
  ];
  it.each(contradictions)('impossible-spec: %s', async (_, over, pointer) => {
    const { body } = await door.post('/v1/jobs', smallJob(over)).expect(422);
    expect(body.type).toBe('/problems/impossible-spec');
    expect(body.errors).toMatchObject([{ pointer }]);
  });

  it('impossible-spec: keys, offers, rates and spans that contradict themselves', async () => {
    const refused = async (method: string, path: string, body: object) =>
      expect((await door.call(method, path).send(body).expect(422)).body.type).toBe(
        '/problems/impossible-spec',
      );
    await refused('POST', '/v1/keys', { role: 'member' });
    await refused('POST', '/v1/keys', { role: 'admin', vendor: 'nhn' });
    await refused('POST', '/v1/keys', { role: 'admin', expiresAt: '2020-01-01T00:00:00Z' });
    await refused('PUT', '/v1/providers/pangyo/offers', [smallOffer('a'), smallOffer('a')]);
    await refused('PUT', '/v1/providers/pangyo/offers', [smallOffer('a', { price: null })]);
    await refused('PUT', '/v1/providers/pangyo/offers', [
      smallOffer('a', { spotPrice: { amount: '1', currency: 'USD' } }),
    ]);
    await refused('PUT', '/v1/exchange-rates/KRW', { rate: '1' });
    await refused('PUT', '/v1/exchange-rates/USD', { rate: '0' });
    await refused('POST', '/v1/providers/pangyo/status', {
      level: 'outage',
      note: '',
      from: '2026-02-01T00:00:00Z',
      until: '2026-01-01T00:00:00Z',
    });
  });
});

describe('429 rate-limited', () => {
  it('answers a flood of bad keys with when to come back, and leaves good ones alone', async () => {
    let last = 401;
    let wait: string | undefined;
    for (let n = 0; n < 60 && last === 401; n += 1) {
      const answer = await door.call('GET', '/v1/jobs', `wrong-${n}`);
      last = answer.status;
      wait = answer.headers['retry-after'];
    }
    expect(last).toBe(429);
    expect(Number(wait)).toBeGreaterThan(0);
    await door.get('/v1/jobs').expect(200);
  });

  it('limits each key by itself where that is asked for', async () => {
    const strict = await openDoor({ requestsPerMinute: 3 });
    try {
      for (let n = 0; n < 3; n += 1) await strict.get('/v1/jobs').expect(200);
      await strict.get('/v1/jobs').expect(429).expect('retry-after', /^\d+$/);
    } finally {
      await strict.close();
    }
  });
});
