import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
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

/** Everything that a refused call could have changed. */
async function stored(): Promise<unknown> {
  const { rows } = await door.deps.store.db.execute(`select
    (select count(*) from jobs) as jobs, (select count(*) from idempotency) as keys,
    (select count(*) from audit) as audit, (select max(seq) from events) as events,
    (select json_agg(o order by name) from organizations o) as organizations,
    (select json_agg(p order by name) from projects p) as projects,
    (select json_agg(p order by name) from policies p) as policies,
    (select json_agg(p order by name) from providers p) as providers,
    (select json_agg(p order by provider, name) from pools p) as pools,
    (select json_agg(b order by id) from budgets b) as budgets,
    (select json_agg(a order by id) from accounts a) as accounts, (select max(seq) from ledger) as ledger,
    (select json_agg(r order by currency, as_of) from exchange_rates r) as rates,
    (select md5(json_agg(o order by provider, name)::text) from offers o) as offers`);
  return rows;
}
/** For tables of calls that are all refused: nothing is stored after any of them. */
function storesNothing(): void {
  let before: unknown;
  beforeEach(async () => void (before = await stored()));
  afterEach(async () => expect(await stored()).toEqual(before));
}

describe('400 invalid-request', () => {
  describe('stores nothing', () => {
    storesNothing();
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
      [
        'a currency that there is not',
        smallJob({ placement: { maxPricePerJob: { amount: '3', currency: 'ZZZ' } } }),
        '/placement/maxPricePerJob/currency',
      ],
      [
        'a currency that is no longer',
        smallJob({ placement: { maxPricePerHour: { amount: '3', currency: 'DEM' } } }),
        '/placement/maxPricePerHour/currency',
      ],
      [
        'a negative price of a job',
        smallJob({ placement: { maxPricePerJob: { amount: '-3', currency: 'KRW' } } }),
        '/placement/maxPricePerJob/amount',
      ],
      [
        'a price too long for any purse',
        smallJob({ placement: { maxPricePerJob: { amount: '1234567890123', currency: 'KRW' } } }),
        '/placement/maxPricePerJob/amount',
      ],
      [
        'a price that is no number',
        smallJob({ placement: { maxPricePerJob: { amount: 'NaN', currency: 'KRW' } } }),
        '/placement/maxPricePerJob/amount',
      ],
      ['a realm that there is not', smallJob({ placement: { realms: ['private'] } }), '/placement/realms/0'],
      [
        'more realms than there are',
        smallJob({ placement: { realms: ['public', 'public', 'public', 'public'] } }),
        '/placement/realms',
      ],
      [
        'a certificate without a scheme',
        smallJob({ placement: { certifications: [{ grades: ['high'] }] } }),
        '/placement/certifications/0/scheme',
      ],
      [
        'a certificate with what there is not',
        smallJob({ placement: { certifications: [{ scheme: 'CSAP', grade: 'high' }] } }),
        '/placement/certifications/0/grade',
      ],
      [
        'too many certificates',
        smallJob({ placement: { certifications: many(21).map((scheme) => ({ scheme })) } }),
        '/placement/certifications',
      ],
      [
        'too many grades of a certificate',
        smallJob({ placement: { certifications: [{ scheme: 'CSAP', grades: many(21) }] } }),
        '/placement/certifications/0/grades',
      ],
      [
        'NUL in a grade',
        smallJob({ placement: { certifications: [{ scheme: 'CSAP', grades: [NUL] }] } }),
        '/placement/certifications/0/grades/0',
      ],
      [
        'a grade of data that there is not',
        smallJob({ placement: { dataGrade: 'secret' } }),
        '/placement/dataGrade',
      ],
      [
        'an objective that there is not',
        smallJob({ placement: { objective: 'fast' } }),
        '/placement/objective',
      ],
      ['a verification as text', smallJob({ placement: { drVerified: 'true' } }), '/placement/drVerified'],
      [
        'a negative separation',
        smallJob({ placement: { minSeparationKm: -1 } }),
        '/placement/minSeparationKm',
      ],
      [
        'a separation beyond the Earth',
        smallJob({ placement: { minSeparationKm: 20_041 } }),
        '/placement/minSeparationKm',
      ],
      [
        'a separation as text',
        smallJob({ continuity: { minSeparationKm: 'NaN' } }),
        '/continuity/minSeparationKm',
      ],
      [
        'a separation of a huge number',
        smallJob({ continuity: { minSeparationKm: 1e308 } }),
        '/continuity/minSeparationKm',
      ],
      ['a class that is no name', gpu({ class: 'Not A Slug' }), '/resources/gpu/class'],
      ['too many nodes', smallJob({ resources: { gpu: { count: 0 }, nodes: 10_001 } }), '/resources/nodes'],
      ['half a node', smallJob({ resources: { gpu: { count: 0 }, nodes: 1.5 } }), '/resources/nodes'],
      ['a quote that is no id', smallJob({ quoteId: 'a b' }), '/quoteId'],
      [
        'ten thousand labels',
        smallJob({ labels: Object.fromEntries(many(10_000).map((name) => [name, ''])) }),
        '/labels',
      ],
      [
        'too many providers',
        smallJob({ placement: { providers: { allow: many(201) } } }),
        '/placement/providers/allow',
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

    it('numbers that JSON can write and nobody can count with', async () => {
      for (const number of ['1e999', '-1e999', '1e308', '-1']) {
        const text = JSON.stringify(smallJob({ placement: { minSeparationKm: 0.125 } })).replace(
          '0.125',
          number,
        );
        const answer = await door
          .call('POST', '/v1/jobs')
          .set('content-type', 'application/json')
          .send(text)
          .expect(400);
        expect(answer.body.errors).toMatchObject([{ pointer: '/placement/minSeparationKm' }]);
      }
      await door
        .call('POST', '/v1/jobs')
        .set('content-type', 'application/json')
        .send('{"a":NaN}')
        .expect(400);
    });

    const grade = { grade: 'open', realms: ['public'], validFrom: '2026-01-01T00:00:00Z' };
    const pool = (over: object) => [smallOffer('a', { pool: { name: 'p', gpus: 8, ...over } })];
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
      [
        'an offer in a currency that there is not',
        'PUT',
        '/v1/providers/pangyo/offers',
        [smallOffer('a', { price: { amount: '1', currency: 'ZZZ' } })],
        '/0/price/currency',
      ],
      [
        'an offer of a form factor that there is not',
        'PUT',
        '/v1/providers/pangyo/offers',
        [smallOffer('a', { gpu: { model: 'H100', count: 8, formFactor: 'SXM5' } })],
        '/0/gpu/formFactor',
      ],
      [
        'a pool without a name',
        'PUT',
        '/v1/providers/pangyo/offers',
        pool({ name: undefined }),
        '/0/pool/name',
      ],
      ['a pool of no size', 'PUT', '/v1/providers/pangyo/offers', pool({ gpus: undefined }), '/0/pool/gpus'],
      ['a pool of half a GPU', 'PUT', '/v1/providers/pangyo/offers', pool({ gpus: 0.5 }), '/0/pool/gpus'],
      ['a pool of too many GPUs', 'PUT', '/v1/providers/pangyo/offers', pool({ gpus: 1e7 }), '/0/pool/gpus'],
      [
        'a pool of less than no memory',
        'PUT',
        '/v1/providers/pangyo/offers',
        pool({ memoryGiB: -1 }),
        '/0/pool/memoryGiB',
      ],
      [
        'a pool of more cores than there are',
        'PUT',
        '/v1/providers/pangyo/offers',
        pool({ cpus: 1e300 }),
        '/0/pool/cpus',
      ],
      [
        'a pool that says what is used',
        'PUT',
        '/v1/providers/pangyo/offers',
        pool({ used: {} }),
        '/0/pool/used',
      ],
      [
        'a pool for an offer that is there',
        'PATCH',
        '/v1/providers/pangyo/offers/h100x8',
        { pool: null },
        '/pool',
      ],
      ['rules that are no object', 'PUT', '/v1/projects/kogpt/rules', [], ''],
      [
        'rules with a field that there is not',
        'PUT',
        '/v1/projects/kogpt/rules',
        { colour: 'red' },
        '/colour',
      ],
      ['rules with a version', 'PUT', '/v1/organizations/acme/rules', { version: 1 }, '/version'],
      ['rules with no spot policy', 'PUT', '/v1/organizations/acme/rules', { spot: null }, '/spot'],
      [
        'rules with a realm that there is not',
        'PUT',
        '/v1/organizations/acme/rules',
        { realms: ['x'] },
        '/realms/0',
      ],
      [
        'rules with a price in no currency',
        'PUT',
        '/v1/organizations/acme/rules',
        { maxPricePerHour: { amount: '1', currency: 'ZZZ' } },
        '/maxPricePerHour/currency',
      ],
      ['rules of a project that is no name', 'GET', '/v1/projects/A_B/rules', undefined, '{name}'],
      ['a policy that is no list', 'PUT', '/v1/policies/gpu-speeds', {}, ''],
      [
        'a policy of too many rows',
        'PUT',
        '/v1/policies/gpu-speeds',
        many(501).map((model) => ({ model, speed: 1 })),
        '',
      ],
      ['a speed as text', 'PUT', '/v1/policies/gpu-speeds', [{ model: 'L4', speed: 'NaN' }], '/0/speed'],
      ['a speed of nothing known', 'PUT', '/v1/policies/gpu-speeds', [{ model: 'L4' }], '/0/speed'],
      [
        'a class of nothing',
        'PUT',
        '/v1/policies/capacity-classes',
        [{ name: 'c', members: [] }],
        '/0/members',
      ],
      [
        'a class that is no name',
        'PUT',
        '/v1/policies/capacity-classes',
        [{ name: 'A B', members: [{ model: 'L4' }] }],
        '/0/name',
      ],
      [
        'a member of less than no memory',
        'PUT',
        '/v1/policies/capacity-classes',
        [{ name: 'c', members: [{ model: 'L4', minMemoryGiB: -1 }] }],
        '/0/members/0/minMemoryGiB',
      ],
      ['a row of no realm', 'PUT', '/v1/policies/data-grades', [{ ...grade, realms: [] }], '/0/realms'],
      [
        'a row of no time',
        'PUT',
        '/v1/policies/data-grades',
        [{ ...grade, validFrom: 'now' }],
        '/0/validFrom',
      ],
      ['a row of no grade', 'PUT', '/v1/policies/data-grades', [{ ...grade, grade: 'secret' }], '/0/grade'],
      [
        'a country that is none',
        'PUT',
        '/v1/policies/data-grades',
        [{ ...grade, countries: ['Korea'] }],
        '/0/countries/0',
      ],
      ['something to attest', 'POST', '/v1/providers/pangyo/attest', { realm: 'public' }, '/realm'],
      ['a realm that there is not', 'GET', '/v1/offers?realm=private', undefined, '?realm'],
      ['a form factor that there is not', 'GET', '/v1/offers?formFactor=OAM', undefined, '?formFactor'],
      ['a class that there is not', 'GET', '/v1/offers?class=nothing', undefined, '?class'],
      ['a region with a space', 'GET', '/v1/offers?region=a%20b', undefined, '?region'],
      ['a rate of no currency', 'PUT', '/v1/exchange-rates/ZZZ', { rate: '1' }, '{currency}'],
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
      ['a GPU that cannot be asked for', 'GET', '/v1/offers?gpu=A100-SXM-PCIe', undefined, '?gpu'],
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
    await door.post('/v1/providers/nothing/attest').expect(404);
    for (const owner of ['organizations', 'projects']) {
      await door.get(`/v1/${owner}/nothing/rules`).expect(404);
      await door.put(`/v1/${owner}/nothing/rules`, {}).expect(404);
    }
    await door.get('/v1/policies/nothing').expect(404);
    const budget = '/v1/budgets/bud-nothing';
    await door.patch(budget, { thresholds: [50] }).expect(404);
    await door.call('DELETE', budget).expect(404);
    for (const part of ['', '/entries', '/alerts', '/verify', '/outlook', '/exceptions', '/transfers'])
      await door.get(`${budget}${part}`).expect(404);
    const transfer = { to: 'bud-other', amount: { amount: '1', currency: 'KRW' }, reason: 'none' };
    await door.post(`${budget}/transfers`, transfer).expect(404);
    for (const verb of ['approve', 'reject'])
      await door.post(`${budget}/transfers/trf-nothing/${verb}`).expect(404);
    await door.post(`${budget}/exceptions/exc-nothing/close`, { resolution: 'none' }).expect(404);
    await door.post('/v1/jobs/job-nothing/approve').expect(404);
    await door.post('/v1/jobs/job-nothing/reject', { reason: 'none' }).expect(404);
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

  it.each([
    ['PUT', '/v1/organizations/acme/rules', {}],
    ['PUT', '/v1/projects/kogpt/rules', {}],
    ['PUT', '/v1/policies/gpu-speeds', []],
    ['POST', '/v1/providers/pangyo/attest', {}],
  ])('%s %s', async (method, path, body) => {
    for (const seen of ['"99"', 'W/"0"', 'nonsense']) {
      const answer = await door.call(method, path).set('if-match', seen).send(body).expect(412);
      expect(answer.body.type).toBe('/problems/precondition-failed');
    }
  });
});

describe('413 payload-too-large and 415 unsupported-media-type', () => {
  it('refuses more than a mebibyte of JSON', async () => {
    const answer = await door
      .post('/v1/jobs', smallJob({ labels: { big: 'x'.repeat(1024 * 1024) } }))
      .expect(413);
    expect(answer.body.type).toBe('/problems/payload-too-large');
  });

  it('refuses ten mebibytes at every door that takes JSON', async () => {
    const big = { note: 'x'.repeat(10 * 1024 * 1024) };
    await door.post('/v1/jobs', big).expect(413);
    await door.put('/v1/projects/kogpt/rules', big).expect(413);
    await door.put('/v1/policies/data-grades', big).expect(413);
    await door.post('/v1/providers/pangyo/attest', big).expect(413);
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
  describe('stores nothing', () => {
    storesNothing();
    const later: [string, object, string][] = [
      ['replicas', { kind: 'inference', serve: { replicas: 2 } }, '/serve/replicas'],
    ];
    it.each(later)('not-yet-supported: %s', async (_, over, pointer) => {
      const { body } = await door.post('/v1/jobs', smallJob(over)).expect(422);
      expect(body.type).toBe('/problems/not-yet-supported');
      expect(body.errors).toMatchObject([{ pointer }]);
    });

    const contradictions: [string, object, string[]][] = [
      [
        'a place both allowed and denied',
        { placement: { regions: { allow: ['b', 'a'], deny: ['a'] } } },
        ['/placement/regions/allow/1', '/placement/regions/deny/0'],
      ],
      [
        'a provider both allowed and denied',
        { placement: { providers: { allow: ['p'], deny: ['p'] } } },
        ['/placement/providers/allow/0', '/placement/providers/deny/0'],
      ],
      [
        'a cost limit in another currency',
        { limits: { maxCost: { amount: '1', currency: 'USD' } } },
        ['/limits/maxCost/currency'],
      ],
      [
        'a cost limit of nothing',
        { limits: { maxCost: { amount: '0', currency: 'KRW' } } },
        ['/limits/maxCost/amount'],
      ],
      [
        'spot only, verified',
        { placement: { spot: 'only', drVerified: true } },
        ['/placement/spot', '/placement/drVerified'],
      ],
      [
        'a price of a job that may run for ever',
        { placement: { maxPricePerJob: { amount: '1', currency: 'KRW' } } },
        ['/placement/maxPricePerJob', '/expectedRuntimeSeconds'],
      ],
      ['a deadline in the past', { limits: { deadline: '2020-01-01T00:00:00Z' } }, ['/limits/deadline']],
      [
        'a model for no GPU',
        { resources: { gpu: { count: 0, models: ['H100'] } } },
        ['/resources/gpu/models'],
      ],
      [
        'memory of no GPU',
        { resources: { gpu: { count: 0, minMemoryGiB: 40 } } },
        ['/resources/gpu/minMemoryGiB'],
      ],
      [
        'a class for no GPU',
        { resources: { gpu: { count: 0, class: 'inference-24gb' } } },
        ['/resources/gpu/class'],
      ],
      [
        'a class that there is not',
        { resources: { gpu: { count: 1, class: 'nothing' } } },
        ['/resources/gpu/class'],
      ],
      [
        'two form factors of one model',
        { resources: { gpu: { count: 1, models: ['H100', 'A100-SXM-PCIe'] } } },
        ['/resources/gpu/models/1'],
      ],
      ['training that serves', { serve: { port: 80 } }, ['/serve']],
    ];
    it.each(contradictions)('impossible-spec: %s', async (_, over, pointers) => {
      const { body } = await door.post('/v1/jobs', smallJob(over)).expect(422);
      expect(body.type).toBe('/problems/impossible-spec');
      expect(body.errors).toMatchObject(pointers.map((pointer) => ({ pointer })));
    });

    const L4 = { gpu: { model: 'L4', count: 4 }, cpus: 8, memoryGiB: 32 };
    const inPool = (name: string, pool: object, over: object = {}) =>
      smallOffer(name, { ...L4, ...over, pool: { name: 'host', ...pool } });
    const elsewhere: [string, string, unknown, string[]][] = [
      [
        'rules that allow and deny',
        '/v1/projects/kogpt/rules',
        { regions: { allow: ['a'], deny: ['b', 'a'] } },
        ['/regions/allow/0', '/regions/deny/1'],
      ],
      [
        'rules of spot only, verified',
        '/v1/organizations/acme/rules',
        { spot: 'only', drVerified: true },
        ['/spot', '/drVerified'],
      ],
      [
        'a form factor that the model is not',
        '/v1/providers/pangyo/offers',
        [smallOffer('a', { gpu: { model: 'H100-SXM', count: 8, formFactor: 'PCIe' } })],
        ['/0/gpu/model', '/0/gpu/formFactor'],
      ],
      [
        'one pool of two sizes',
        '/v1/providers/pangyo/offers',
        [inPool('a', { gpus: 8, cpus: 96 }), smallOffer('b'), inPool('c', { gpus: 4 })],
        ['/0/pool/gpus', '/2/pool/gpus', '/0/pool/cpus', '/2/pool/cpus'],
      ],
      [
        'an offer larger than its pool',
        '/v1/providers/pangyo/offers',
        [inPool('a', { gpus: 2, cpus: 8, memoryGiB: 16 })],
        ['/0/gpu/count', '/0/pool/gpus', '/0/memoryGiB', '/0/pool/memoryGiB'],
      ],
      [
        'a machine in a pool of fewer cores',
        '/v1/providers/pangyo/offers',
        [inPool('a', { gpus: 0, cpus: 4 }, { gpu: null })],
        ['/0/cpus', '/0/pool/cpus'],
      ],
      [
        'a class twice',
        '/v1/policies/capacity-classes',
        [
          { name: 'c', members: [{ model: 'L4' }] },
          { name: 'c', members: [{ model: 'T4' }] },
        ],
        ['/1/name'],
      ],
      [
        'a member of no certain size',
        '/v1/policies/capacity-classes',
        [{ name: 'c', members: [{ model: 'A100' }] }],
        ['/0/members/0/model'],
      ],
      [
        'a speed twice, a speed of nothing',
        '/v1/policies/gpu-speeds',
        [
          { model: 'RTX 4090', speed: 1 },
          { model: 'nvidia rtx4090', speed: 0 },
        ],
        ['/1/speed', '/1/model'],
      ],
      [
        'a row that ends before it begins',
        '/v1/policies/data-grades',
        [
          {
            grade: 'open',
            realms: ['public'],
            validFrom: '2026-01-01T00:00:00Z',
            validUntil: '2026-01-01T08:59:59+09:00',
          },
        ],
        ['/0/validUntil'],
      ],
    ];
    it.each(elsewhere)('impossible-spec: %s', async (_, path, body, pointers) => {
      const answer = await door.put(path, body as object).expect(422);
      expect(answer.body.type).toBe('/problems/impossible-spec');
      expect(answer.body.errors).toMatchObject(pointers.map((pointer) => ({ pointer })));
    });
  });

  it('names every field that is not supported yet, and lets through what asks for nothing', async () => {
    const { body } = await door
      .post('/v1/jobs', smallJob({ kind: 'inference', serve: { replicas: 2 } }))
      .expect(422);
    expect((body.errors as object[]).length).toBe(1);
    await door
      .post(
        '/v1/jobs',
        smallJob({ quoteId: null, limits: { maxCost: null }, continuity: { mode: 'restart' } }),
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
