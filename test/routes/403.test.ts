import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PERMISSIONS, ROLES, type Permission, type Role } from '../../src/core/access.ts';
import { openDoor, populate, smallJob, type Door, type Town } from './door.ts';

/**
 * What each role may, written down a second time and by hand: the contract's table. A route that is added has to be
 * added here, or the first test fails.
 */
const EVERYBODY: readonly Role[] = ['admin', 'operator', 'budgetOfficer', 'member', 'vendor', 'auditor'];
const TENANTS: readonly Role[] = ['admin', 'operator', 'budgetOfficer', 'member', 'auditor'];
const SUPPLY: readonly Role[] = ['admin', 'operator', 'vendor', 'auditor'];
const WHO: Readonly<Record<string, readonly Role[]>> = {
  'POST /v1/organizations': ['admin'],
  'GET /v1/organizations': TENANTS,
  'POST /v1/projects': ['admin'],
  'GET /v1/projects': TENANTS,
  'GET /v1/organizations/{name}/rules': TENANTS,
  'PUT /v1/organizations/{name}/rules': ['admin'],
  'GET /v1/projects/{name}/rules': TENANTS,
  'PUT /v1/projects/{name}/rules': ['admin'],
  'GET /v1/policies': EVERYBODY,
  'GET /v1/policies/data-grades': EVERYBODY,
  'PUT /v1/policies/data-grades': ['admin'],
  'GET /v1/policies/capacity-classes': EVERYBODY,
  'PUT /v1/policies/capacity-classes': ['admin'],
  'GET /v1/policies/gpu-speeds': EVERYBODY,
  'PUT /v1/policies/gpu-speeds': ['admin'],
  'POST /v1/keys': ['admin'],
  'GET /v1/keys': ['admin', 'auditor'],
  'DELETE /v1/keys/{id}': ['admin'],
  'POST /v1/jobs': ['admin', 'operator', 'member'],
  'GET /v1/jobs': TENANTS,
  'GET /v1/jobs/{id}': TENANTS,
  'POST /v1/jobs/{id}/cancel': ['admin', 'operator', 'member'],
  'POST /v1/jobs/{id}/approve': ['admin', 'budgetOfficer'],
  'POST /v1/jobs/{id}/reject': ['admin', 'budgetOfficer'],
  'POST /v1/jobs/{id}/move': ['admin', 'operator'],
  'GET /v1/jobs/{id}/allocations': TENANTS,
  'GET /v1/jobs/{id}/moves': TENANTS,
  'GET /v1/jobs/{id}/events': TENANTS,
  'GET /v1/jobs/{id}/decisions': TENANTS,
  'GET /v1/jobs/{id}/decisions/{decision}/replay': TENANTS,
  'GET /v1/compliance': TENANTS,
  'GET /v1/readiness': TENANTS,
  'GET /v1/jobs/{id}/logs': TENANTS,
  'GET /v1/jobs/{id}/checkpoint': TENANTS,
  'POST /v1/quotes': ['admin', 'operator', 'budgetOfficer', 'member'],
  'GET /v1/quotes/{id}': TENANTS,
  'POST /v1/providers': ['admin', 'operator', 'vendor'],
  'GET /v1/providers': SUPPLY,
  'GET /v1/providers/{name}': SUPPLY,
  'PATCH /v1/providers/{name}': ['admin', 'operator', 'vendor'],
  'POST /v1/providers/{name}/attest': ['admin', 'operator'],
  'POST /v1/providers/{name}/drain': ['admin', 'operator', 'vendor'],
  'POST /v1/providers/{name}/resume': ['admin', 'operator', 'vendor'],
  'POST /v1/providers/{name}/status': ['admin', 'operator', 'vendor'],
  'GET /v1/providers/{name}/health': SUPPLY,
  'GET /v1/providers/{name}/allocations': SUPPLY,
  'GET /v1/providers/{name}/offers': SUPPLY,
  'PUT /v1/providers/{name}/offers': ['admin', 'operator', 'vendor'],
  'GET /v1/providers/{name}/offers/{offer}': SUPPLY,
  'PATCH /v1/providers/{name}/offers/{offer}': ['admin', 'operator', 'vendor'],
  'POST /v1/providers/{name}/offers/import': ['admin', 'operator', 'vendor'],
  'GET /v1/offers': EVERYBODY,
  'PUT /v1/exchange-rates/{currency}': ['admin'],
  'GET /v1/exchange-rates': EVERYBODY,
  'GET /v1/exchange-rates/{currency}': EVERYBODY,
  'POST /v1/budgets': ['admin', 'budgetOfficer'],
  'GET /v1/budgets': TENANTS,
  'GET /v1/budgets/{id}': TENANTS,
  'PATCH /v1/budgets/{id}': ['admin', 'budgetOfficer'],
  'DELETE /v1/budgets/{id}': ['admin', 'budgetOfficer'],
  'GET /v1/budgets/{id}/entries': TENANTS,
  'GET /v1/budgets/{id}/verify': TENANTS,
  'GET /v1/budgets/{id}/alerts': TENANTS,
  'GET /v1/budgets/{id}/outlook': TENANTS,
  'GET /v1/budgets/{id}/exceptions': TENANTS,
  'POST /v1/budgets/{id}/exceptions/{exception}/close': ['admin', 'budgetOfficer'],
  'GET /v1/budgets/{id}/transfers': TENANTS,
  'POST /v1/budgets/{id}/transfers': ['admin', 'budgetOfficer'],
  'POST /v1/budgets/{id}/transfers/{transfer}/approve': ['admin', 'budgetOfficer'],
  'POST /v1/budgets/{id}/transfers/{transfer}/reject': ['admin', 'budgetOfficer'],
  'POST /v1/corrections': ['admin', 'budgetOfficer'],
  'GET /v1/costs': TENANTS,
  'GET /v1/costs/alternatives': TENANTS,
  'GET /v1/providers/{name}/statement': SUPPLY,
  'GET /v1/months': ['admin', 'operator', 'auditor'],
  'GET /v1/months/{month}/verify': ['admin', 'operator', 'auditor'],
  'POST /v1/months/{month}/close': ['admin'],
  'POST /v1/drills': ['admin', 'operator'],
  'GET /v1/drills': ['admin', 'operator', 'auditor'],
  'GET /v1/drills/{id}': ['admin', 'operator', 'auditor'],
  'GET /v1/drills/{id}/report': ['admin', 'operator', 'auditor'],
  'POST /v1/drills/{id}/confirm': ['admin', 'operator'],
  'POST /v1/drills/{id}/cancel': ['admin', 'operator'],
  'GET /v1/providers/{name}/verifications': SUPPLY,
  'POST /v1/webhooks': ['admin', 'budgetOfficer'],
  'GET /v1/webhooks': ['admin', 'operator', 'budgetOfficer', 'auditor'],
  'GET /v1/webhooks/{id}': ['admin', 'operator', 'budgetOfficer', 'auditor'],
  'GET /v1/webhooks/{id}/deliveries': ['admin', 'operator', 'budgetOfficer', 'auditor'],
  'DELETE /v1/webhooks/{id}': ['admin', 'budgetOfficer'],
  'GET /v1/audit': ['admin', 'auditor'],
  'GET /v1/audit/verify': ['admin', 'auditor'],
};
const NOBODY_NEEDED = [
  'GET /healthz',
  'GET /readyz',
  'GET /metrics',
  'GET /problems/{type}',
  'GET /.well-known/jwks.json',
];

let door: Door;
let town: Town;
let routes: string[];
beforeAll(async () => {
  door = await openDoor();
  town = await populate(door);
  const { paths } = door.app.swagger() as { paths: Record<string, Record<string, unknown>> };
  routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
});
afterAll(() => door.close());

const keyOf = (role: Role): string | undefined =>
  ({
    admin: undefined,
    operator: town.keys.operator,
    budgetOfficer: town.keys.officer,
    member: town.keys.member,
    vendor: town.keys.vendor,
    auditor: town.keys.auditor,
    agent: town.keys.agent,
  })[role];

const ask = (route: string, key: string | null | undefined) => {
  const [method = '', path = ''] = route.split(' ');
  // Names that do not exist: behind an open door there is a 404 or a 400, never an effect.
  const real = path.replaceAll(/\{\w+\}/g, 'x-missing');
  return door.call(method, real.replace('exchange-rates/x-missing', 'exchange-rates/XXX'), key);
};

describe('the table of roles', () => {
  it('has every door of the document and no other', () => {
    const known = [...Object.keys(WHO), ...NOBODY_NEEDED];
    const agents = routes.filter((route) => route.includes('/v1/agent/'));
    expect(routes.filter((route) => !agents.includes(route)).sort()).toEqual(known.sort());
    expect(agents.length).toBeGreaterThan(0);
  });

  it.each(Object.entries(WHO))('%s', async (route, allowed) => {
    for (const role of ROLES) {
      const answer = await ask(route, keyOf(role));
      if (allowed.includes(role)) expect(`${role} ${answer.status}`).not.toMatch(/ 40[13]$/);
      else expect(`${role} ${answer.status} ${answer.body.type}`).toBe(`${role} 403 /problems/forbidden`);
    }
    expect((await ask(route, null)).status).toBe(401);
  });

  it('lets an agent into its own door only, and nobody else there', async () => {
    for (const route of routes.filter((one) => one.includes('/v1/agent/'))) {
      for (const role of ROLES.filter((one) => one !== 'agent'))
        expect((await ask(route, keyOf(role))).status).toBe(403);
      expect((await ask(route, null)).status).toBe(401);
      expect([401, 403]).not.toContain((await ask(route, town.keys.agent)).status);
    }
  });

  it('is the same as the one in the core', () => {
    const writers = (permission: Permission): readonly string[] => PERMISSIONS[permission];
    for (const permission of Object.keys(PERMISSIONS) as Permission[]) {
      if (!permission.endsWith('.read')) expect(writers(permission)).not.toContain('auditor');
    }
  });
});

describe('tenants', () => {
  it("see their own, and others' exactly as what does not exist", async () => {
    const { body: job } = await door.post('/v1/jobs', smallJob()).expect(201);
    const inside = [town.keys.member, town.keys.officer, town.keys.operator, town.keys.auditor];
    const outside = [town.keys.otherMember, town.keys.otherOfficer];
    const paths = ['', '/allocations', '/moves', '/events', '/decisions', '/logs'];
    for (const path of paths) {
      for (const key of inside)
        expect((await door.call('GET', `/v1/jobs/${job.id}${path}`, key)).status).toBe(200);
      for (const key of outside) {
        const hidden = await door.call('GET', `/v1/jobs/${job.id}${path}`, key).expect(404);
        const missing = await door.call('GET', `/v1/jobs/job-missing${path}`, key).expect(404);
        expect({ ...hidden.body, instance: '' }).toEqual({ ...missing.body, instance: '' });
      }
    }
    const hidden = await door.call('POST', `/v1/jobs/${job.id}/cancel`, town.keys.otherMember).expect(404);
    const missing = await door.call('POST', '/v1/jobs/job-missing/cancel', town.keys.otherMember).expect(404);
    expect({ ...hidden.body, instance: '' }).toEqual({ ...missing.body, instance: '' });
    expect((await door.get(`/v1/jobs/${job.id}`).expect(200)).body.state).toBe('queued');
    const project = await door.call('POST', '/v1/jobs', town.keys.otherMember).send(smallJob()).expect(404);
    const nothing = await door
      .call('POST', '/v1/jobs', town.keys.otherMember)
      .send(smallJob({ project: 'nothing' }))
      .expect(404);
    expect({ ...project.body, instance: '' }).toEqual({ ...nothing.body, instance: '' });
  });

  it("see their own rules, and others' exactly as what does not exist", async () => {
    for (const path of ['organizations/acme', 'projects/kogpt']) {
      for (const key of [town.keys.member, town.keys.officer, town.keys.operator, town.keys.auditor])
        await door.call('GET', `/v1/${path}/rules`, key).expect(200);
      for (const key of [town.keys.otherMember, town.keys.otherOfficer]) {
        const hidden = await door.call('GET', `/v1/${path}/rules`, key).expect(404);
        const missing = await door.call('GET', `/v1/${path.split('/')[0]}/missing/rules`, key).expect(404);
        expect({ ...hidden.body, instance: '' }).toEqual({ ...missing.body, instance: '' });
      }
    }
  });

  it('have lists of their own', async () => {
    await door
      .call('POST', '/v1/jobs', town.keys.otherMember)
      .send(smallJob({ project: 'weather', name: 'theirs' }))
      .expect(201);
    const projects = async (key: string) => {
      const { body } = await door.call('GET', '/v1/jobs', key).expect(200);
      return [...new Set((body.items as { project: string }[]).map((job) => job.project))];
    };
    expect(await projects(town.keys.member)).toEqual(['kogpt']);
    expect(await projects(town.keys.officer)).toEqual(['kogpt']);
    expect(await projects(town.keys.otherMember)).toEqual(['weather']);
    expect((await projects(town.keys.operator)).sort()).toEqual(['kogpt', 'weather']);
    const names = async (path: string, key: string) =>
      ((await door.call('GET', path, key).expect(200)).body.items as { name: string }[]).map(
        (item) => item.name,
      );
    expect(await names('/v1/projects', town.keys.member)).toEqual(['kogpt']);
    expect(await names('/v1/organizations', town.keys.member)).toEqual(['acme']);
    expect(await names('/v1/projects', town.keys.otherOfficer)).toEqual(['weather']);
    expect(await names('/v1/organizations', town.keys.auditor)).toEqual(['acme', 'globex']);
  });
});

describe('vendors', () => {
  it("see and change their own providers, and others' exactly as what does not exist", async () => {
    const paths = ['', '/health', '/allocations', '/offers', '/offers/h100x8', '/statement'];
    for (const path of paths) {
      await door.call('GET', `/v1/providers/pangyo${path}`, town.keys.vendor).expect(200);
      const hidden = await door.call('GET', `/v1/providers/pangyo${path}`, town.keys.otherVendor).expect(404);
      const missing = await door
        .call('GET', `/v1/providers/missing${path}`, town.keys.otherVendor)
        .expect(404);
      expect({ ...hidden.body, instance: '' }).toEqual({ ...missing.body, instance: '' });
    }
    const changes: [string, string, object][] = [
      ['PATCH', '', { realm: 'public' }],
      ['POST', '/drain', {}],
      ['POST', '/resume', {}],
      ['POST', '/status', { level: 'operational', note: '' }],
      ['PUT', '/offers', []],
      ['PATCH', '/offers/h100x8', { capacity: 1 }],
    ];
    for (const [method, path, body] of changes) {
      await door.call(method, `/v1/providers/pangyo${path}`, town.keys.otherVendor).send(body).expect(404);
    }
    expect((await door.get('/v1/providers/pangyo/offers').expect(200)).body.items).toHaveLength(1);
    const list = async (path: string, key: string) =>
      (await door.call('GET', path, key).expect(200)).body.items as { name: string; provider: string }[];
    expect((await list('/v1/providers', town.keys.vendor)).map((one) => one.name)).toEqual(['pangyo']);
    expect((await list('/v1/offers', town.keys.otherVendor)).map((one) => one.provider)).toEqual(['gwangju']);
    expect((await list('/v1/offers', town.keys.member)).map((one) => one.provider)).toEqual([
      'gwangju',
      'pangyo',
    ]);
  });

  it('register their own, with an agent, and nothing else', async () => {
    const register = (over: object) =>
      door.call('POST', '/v1/providers', town.keys.vendor).send({
        name: 'busan',
        vendor: 'nhn',
        broker: { kind: 'agent' },
        site: { city: 'Busan', country: 'KR', region: 'kr-south', latitude: 35.1, longitude: 129 },
        realm: 'public',
        ...over,
      });
    await register({ vendor: 'kt' }).expect(403);
    await register({ broker: { kind: 'process' } }).expect(403);
    await register({}).expect(201);
  });

  it('do not vouch for themselves, and take back what was vouched for when they change it', async () => {
    const path = '/v1/providers/pangyo';
    const attested = async () =>
      (await door.call('GET', path, town.keys.vendor).expect(200)).body.attested as { by: string } | null;
    const patch = (body: object) => door.call('PATCH', path, town.keys.vendor).send(body).expect(200);
    const own = await door.call('GET', '/v1/providers/busan', town.keys.vendor).expect(200);
    expect(own.body.attested).toBeNull();

    await door.call('POST', `${path}/attest`, town.keys.vendor).expect(403);
    const vouched = await door.call('POST', `${path}/attest`, town.keys.operator).expect(200);
    expect(vouched.body.attested).toMatchObject({ by: 'operator' });
    // Who it was is in the audit, which no vendor reads.
    expect(JSON.stringify(await attested())).not.toContain('key-');

    await patch({ realm: 'public' });
    await patch({ certifications: [] });
    await patch({ site: own.body.site });
    expect(await attested()).toMatchObject({ by: 'operator' });

    await patch({ realm: 'government' });
    expect(await attested()).toBeNull();
    await door.patch(path, { certifications: [] }).expect(200);
    expect(await attested()).toMatchObject({ by: 'admin' });
    const held = { scheme: 'CSAP', grade: 'high' };
    const span = { validFrom: '2026-01-01T00:00:00Z', validUntil: '2028-01-01T00:00:00Z' };
    await patch({ certifications: [{ ...held, ...span }] });
    expect(await attested()).toBeNull();
  });

  it('are told what ran at their place, and nothing of whose it was', async () => {
    const { body: job } = await door
      .post(
        '/v1/jobs',
        smallJob({ name: 'secret-name', run: { command: ['secret-command'], env: { SECRET: 'hidden' } } }),
      )
      .expect(201);
    await door.deps.store.db
      .execute(`insert into allocations (id, job_id, attempt, provider, offer, region, spot, state,
      list_price_micros_per_hour, list_currency, rate_micros, price_micros_per_hour, gpu_count, grace_seconds, placed_at, lease_until,
      end_detail, charged_micros, metered_seconds)
      values ('alc-test', '${job.id}', 1, 'pangyo', 'h100x8', 'kr-central', false, 'active', 40000000000, 'KRW', 1000000, 40000000000, 8, 10, now(), now(),
      'secret-detail', 123456, 7)`);
    await door.deps.store.db.execute(
      `update jobs set current_allocation_id = 'alc-test', state = 'running', attempts = 1 where id = '${job.id}'`,
    );
    const { body, text } = await door
      .call('GET', '/v1/providers/pangyo/allocations', town.keys.vendor)
      .expect(200);
    expect(body.items).toMatchObject([
      { id: 'alc-test', offer: 'h100x8', meteredSeconds: 7, cost: { amount: '0.123456', currency: 'KRW' } },
    ]);
    expect(text).not.toContain('secret');
    expect(text).not.toContain(job.id);
    const seen = await door.get(`/v1/jobs/${job.id}`).expect(200);
    expect(seen.body).toMatchObject({
      placement: {
        provider: 'pangyo',
        region: 'kr-central',
        offer: 'h100x8',
        spot: false,
        pricePerHour: { amount: '40000', currency: 'KRW' },
      },
      cost: { charged: { amount: '0.123456', currency: 'KRW' } },
    });
    expect((await door.get('/v1/jobs?provider=pangyo').expect(200)).body.items).toHaveLength(1);
  });
});
