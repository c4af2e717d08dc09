import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canonicalJson, sha256Hex } from '../../src/core/canonical.ts';
import type { DrillEvidence, DrillReport } from '../../src/core/drill/report.ts';
import { verifyJws, type PublicJwk } from '../../src/core/drill/signature.ts';
import { inFolder, World, type Agent, type Json, type Service } from './world.ts';

const SEOUL = { city: 'Seoul', country: 'KR', region: 'kr-central', latitude: 37.57, longitude: 126.98 };
const GWANGJU = { city: 'Gwangju', country: 'KR', region: 'kr-south', latitude: 35.16, longitude: 126.85 };
const OVER = ['passed', 'failed', 'cancelled', 'aborted'];

/** Drills as an operator holds them: a real service, real agents, real processes that are lost and found again. */
describe('a drill', () => {
  let world: World;
  let service: Service;
  let cheap: Agent;
  beforeEach(async () => {
    world = new World();
    service = await world.service();
    await world.project();
    cheap = await world.agent('cheap', { capacity: 10, price: '100', site: SEOUL });
    await world.agent('dear', { capacity: 10, price: '900', site: GWANGJU });
  });
  afterEach(() => world.close());

  it(
    'parallel: a canary is lost and found, the tenants’ job never knows, and the report can be verified',
    { timeout: 180_000 },
    async () => {
      const tenant = await world.submit(world.ledgerJob('tenant', 600));
      await runsOn(world, tenant, 'cheap');
      const made = await world.post('/v1/drills', {
        scenario: { kind: 'provider-outage', provider: 'cheap' },
        mode: 'parallel',
        rtoSeconds: 60,
        rpoSeconds: 60,
      });
      const id = String(made['id']);
      await expect(
        world.post('/v1/drills', {
          scenario: { kind: 'provider-outage', provider: 'cheap' },
          mode: 'parallel',
        }),
      ).rejects.toThrow(/409|going on/);

      const over = await overOf(world, id);
      const { report } = await verified(world, id);
      expect([over['state'], over['reason'], report.findings, report.jobs]).toMatchObject([
        'passed',
        null,
        [],
        [{}],
      ]);
      expect(report).toMatchObject({
        result: 'passed',
        directions: [{ from: 'cheap', to: 'dear', jobs: 1 }],
        jobs: [
          {
            canary: true,
            result: 'recovered',
            from: 'cheap',
            to: { provider: 'dear' },
            rto: { met: true },
            rpo: { met: true },
            data: { intact: true },
          },
        ],
        findings: [],
      });
      expect(report.notExercised).toContain('tenant-jobs');
      expect(report.steps.map(({ action }) => action)).toEqual([
        'drill.create',
        'drill.start',
        'drill.cut',
        'drill.declare',
        'drill.check',
        'drill.restore',
      ]);
      const [job] = report.jobs;
      expect(job?.data?.restoredCounter).toBeGreaterThan(0);
      expect(job?.rto.fromFaultSeconds).toBeGreaterThan(job?.rto.fromDeclarationSeconds ?? Infinity);

      await sameAttempt(world, tenant, 'cheap');
      await nothingLeft(world, id, tenant);
      expect(await world.get('/v1/providers/cheap/verifications')).toMatchObject({
        verified: true,
        items: [{ from: 'cheap', to: 'dear', mode: 'restart', gpu: null, valid: true, drill: id }],
      });
      expect(await world.get('/v1/providers/dear/verifications')).toMatchObject({ verified: false });
      const careful = await world.submit(world.ledgerJob('careful', 1, { placement: { drVerified: true } }));
      await runsOn(world, careful, 'cheap');
      expect(await page(world, id, 'ko')).toContain('재해복구 훈련 결과 보고서');
    },
  );

  it(
    'full: a tenant’s job goes elsewhere by the ordinary way, and the provider comes back',
    { timeout: 180_000 },
    async () => {
      const tenant = await world.submit(world.ledgerJob('tenant', 40));
      await runsOn(world, tenant, 'cheap');
      const made = await world.post('/v1/drills', {
        scenario: { kind: 'site-disaster', latitude: 37.5, longitude: 127, radiusKm: 30 },
        mode: 'full',
      });
      const id = String(made['id']);
      expect(made).toMatchObject({
        state: 'planned',
        providers: ['cheap'],
        plan: { jobs: [{ jobId: tenant }] },
      });
      await wait(2_000);
      await sameAttempt(world, tenant, 'cheap');
      await world.post(`/v1/drills/${id}/confirm`, {});

      const over = await overOf(world, id);
      expect([over['state'], over['reason']]).toEqual(['passed', null]);
      const { report } = await verified(world, id);
      expect(report).toMatchObject({
        jobs: [{ jobId: tenant, canary: false, result: 'recovered', to: { provider: 'dear' } }],
        faults: [{ provider: 'cheap', allocationId: null }],
      });
      expect(report.findings.map(({ code }) => code).toSorted()).toEqual(['no-target', 'same-person']);
      expect(report.notExercised).not.toContain('detection');
      expect(report.steps.map(({ action }) => action)).toEqual([
        'drill.create',
        'drill.confirm',
        'drill.start',
        'drill.cut',
        'drill.restore',
      ]);
      expect((await world.until(tenant, ['succeeded', 'failed']))['state']).toBe('succeeded');
      await healthy(world, 'cheap');
      const after = await world.submit(world.ledgerJob('after', 1));
      await runsOn(world, after, 'cheap');
      const ends = world.ledger().filter(({ what, job }) => what === 'end' && job === tenant);
      expect(ends).toHaveLength(1);
      // It was given up, but by a drill: what was proved still holds.
      expect(await world.get('/v1/providers/cheap/verifications')).toMatchObject({ verified: true });
    },
  );

  it(
    'full, of one job: that one goes elsewhere, and its neighbour never knows',
    { timeout: 180_000 },
    async () => {
      const chosen = await world.submit(world.ledgerJob('chosen', 60));
      const neighbour = await world.submit(world.ledgerJob('neighbour', 60));
      for (const id of [chosen, neighbour]) await runsOn(world, id, 'cheap');
      const made = await world.post('/v1/drills', {
        scenario: { kind: 'provider-outage', provider: 'cheap' },
        mode: 'full',
        jobs: [chosen],
        confirm: true,
      });
      const over = await overOf(world, String(made['id']));
      expect([over['state'], over['reason']]).toEqual(['passed', null]);
      const { report } = await verified(world, String(made['id']));
      expect(report.jobs).toMatchObject([{ jobId: chosen, result: 'recovered', to: { provider: 'dear' } }]);
      await sameAttempt(world, neighbour, 'cheap');
      const { items } = await world.get(`/v1/jobs/${chosen}/moves`);
      expect(items).toMatchObject([{ cause: 'provider-down', faultAt: report.faults[0]?.fromAt }]);
    },
  );

  it(
    'a degradation: the provider is called degraded and trusted again, and nothing moves',
    { timeout: 180_000 },
    async () => {
      const tenant = await world.submit(world.ledgerJob('tenant', 30));
      await runsOn(world, tenant, 'cheap');
      const made = await world.post('/v1/drills', {
        scenario: { kind: 'degradation', provider: 'cheap' },
        mode: 'full',
        confirm: true,
      });
      const over = await overOf(world, String(made['id']));
      expect([over['state'], over['reason']]).toEqual(['passed', null]);
      expect((await verified(world, String(made['id']))).report.jobs).toMatchObject([
        { jobId: tenant, result: 'untouched' },
      ]);
      await healthy(world, 'cheap');
      expect((await world.until(tenant, ['succeeded', 'failed']))['state']).toBe('succeeded');
      await sameAttempt(world, tenant, 'cheap');
    },
  );

  it('goes on where it stood when the service is killed in the middle', { timeout: 180_000 }, async () => {
    const made = await world.post('/v1/drills', {
      scenario: { kind: 'provider-outage', provider: 'cheap' },
      mode: 'parallel',
    });
    const id = String(made['id']);
    await cutOff(world, id);
    await service.kill();
    await world.service({ port: Number(new URL(service.url).port) });
    expect((await overOf(world, id))['state']).toBe('passed');
    const { report } = await verified(world, id);
    expect(report.jobs).toMatchObject([{ result: 'recovered', data: { intact: true } }]);
  });

  it(
    'on paper: a tabletop one says who would go where, a simulation plays it, and nothing real is touched',
    { timeout: 180_000 },
    async () => {
      const continuity = { rtoSeconds: 30, rpoSeconds: 600 };
      const tenant = await world.submit(world.ledgerJob('tenant', 600, { continuity }));
      await runsOn(world, tenant, 'cheap');
      const scenario = { kind: 'provider-outage', provider: 'cheap' };
      const { id: tabletop } = await world.post('/v1/drills', { scenario, mode: 'tabletop' });
      expect(await overOf(world, String(tabletop))).toMatchObject({
        state: 'passed',
        plan: { jobs: [{ jobId: tenant, from: 'cheap', to: 'dear', why: null }] },
      });
      const { items } = await world.get('/v1/readiness');
      expect(items).toMatchObject([{ jobId: tenant, to: { provider: 'dear' }, rto: { targetSeconds: 30 } }]);

      const { id: simulation } = await world.post('/v1/drills', { scenario, mode: 'simulation' });
      expect((await overOf(world, String(simulation)))['state']).toBe('passed');
      const { report } = await verified(world, String(simulation));
      expect(report).toMatchObject({
        directions: [{ from: 'cheap', to: 'dear', jobs: 1 }],
        jobs: [{ jobId: tenant, result: 'recovered', to: { provider: 'dear' }, rto: { met: true } }],
        findings: [],
      });
      expect(report.jobs[0]?.rto.fromFaultSeconds).toBeGreaterThan(6);
      expect(report.notExercised).toContain('real-move');
      await sameAttempt(world, tenant, 'cheap');
      expect(await world.get('/v1/providers/cheap/verifications')).toMatchObject({ verified: false });
    },
  );

  it('cancelled in the middle: everything is as it was', { timeout: 180_000 }, async () => {
    const tenant = await world.submit(world.ledgerJob('tenant', 25));
    await runsOn(world, tenant, 'cheap');
    const made = await world.post('/v1/drills', {
      scenario: { kind: 'provider-outage', provider: 'cheap' },
      mode: 'full',
      jobs: [tenant],
      confirm: true,
    });
    const id = String(made['id']);
    await cutOff(world, id);
    await wait(1_500);
    await world.post(`/v1/drills/${id}/cancel`, {});
    const over = await overOf(world, id);
    expect(over['state']).toBe('cancelled');
    await sameAttempt(world, tenant, 'cheap');
    expect((await world.until(tenant, ['succeeded', 'failed']))['state']).toBe('succeeded');
    expect((await world.get(`/v1/jobs/${tenant}`))['attempts']).toBe(1);
    expect((await verified(world, id)).report).toMatchObject({ result: 'cancelled' });
    expect(cheap.child.exitCode).toBeNull();
  });
});

async function overOf(world: World, id: string): Promise<Json> {
  for (let last: Json = {}, deadline = Date.now() + 120_000; ; await wait(200)) {
    last = await world.get(`/v1/drills/${id}`);
    if (OVER.includes(String(last['state']))) return last;
    if (Date.now() > deadline) throw new Error(`the drill is not over: ${JSON.stringify(last)}`);
  }
}

async function cutOff(world: World, id: string): Promise<void> {
  for (;;) {
    const { progress } = await world.get(`/v1/drills/${id}`);
    if ((progress as { cutAt: string | null }[]).some(({ cutAt }) => cutAt !== null)) return;
    await wait(100);
  }
}

/** As an outsider would: hashes computed anew, the signature by the published key, the records from the audit. */
async function verified(world: World, id: string): Promise<{ report: DrillReport; evidence: DrillEvidence }> {
  const { report, evidence } = (await world.get(`/v1/drills/${id}/report`)) as unknown as {
    report: DrillReport;
    evidence: DrillEvidence;
  };
  expect(sha256Hex(canonicalJson(report))).toBe(evidence.reportSha256);
  const { keys } = (await world.get('/.well-known/jwks.json')) as unknown as {
    keys: (PublicJwk & { kid: string })[];
  };
  const { kid: _, jws: __, ...sealed } = evidence;
  expect(verifyJws(evidence.jws, keys)).toMatchObject({ sub: id, result: report.result, ...sealed });
  const { items } = await world.get(`/v1/audit?target=${id}&limit=500`);
  const records = (items as { seq: number }[]).filter(({ seq }) => seq <= evidence.auditToSeq).toReversed();
  expect(sha256Hex(canonicalJson(records))).toBe(evidence.auditSha256);
  return { report, evidence };
}

/** No canary, no process and no place is left of it. */
async function nothingLeft(world: World, id: string, tenant: string): Promise<void> {
  const { items } = await world.get('/v1/jobs?project=naru-drills');
  const canaries = items as { id: string; state: string }[];
  expect(canaries.map(({ state }) => state)).toEqual(['cancelled']);
  for (const name of ['cheap', 'dear']) {
    const { capacity } = await world.get(`/v1/providers/${name}`);
    expect(capacity).toMatchObject({ used: name === 'cheap' ? 1 : 0 });
  }
  const { progress } = await world.get(`/v1/drills/${id}`);
  expect(progress).toHaveLength(1);
  for (let tries = 0; ; tries += 1) {
    const folders = inFolder(canaries[0]?.id ?? '-');
    if (folders.length === 0) break;
    if (tries === 100) throw new Error(`a canary still runs: ${folders.join(', ')}`);
    await wait(100);
  }
  expect(inFolder(tenant).length).toBeGreaterThan(0);
}

async function sameAttempt(world: World, id: string, provider: string): Promise<void> {
  const { items } = await world.get(`/v1/jobs/${id}/allocations`);
  expect(items).toMatchObject([{ provider, attempt: 1 }]);
}

async function healthy(world: World, name: string): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await wait(200)) {
    const { health } = await world.get(`/v1/providers/${name}`);
    if ((health as Json)['state'] === 'healthy') return;
  }
  throw new Error(`${name} is not healthy again`);
}

async function page(world: World, id: string, language: string): Promise<string> {
  const response = await fetch(`${world.url}/v1/drills/${id}/report`, {
    headers: { ...world.authorization(), accept: 'text/html', 'accept-language': language },
  });
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  return response.text();
}

async function runsOn(world: World, id: string, provider: string): Promise<void> {
  for (;;) {
    const job = await world.until(id, ['running', 'succeeded']);
    if ((job['placement'] as { provider?: string } | null)?.provider === provider) return;
    await wait(100);
  }
}
