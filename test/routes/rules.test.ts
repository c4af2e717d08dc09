import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { POLICY_NAMES, POLICY_TABLES } from '../../src/core/policy.ts';
import { defaultPolicies } from '../../src/core/policy-defaults.ts';
import { NO_RULES } from '../../src/core/rules.ts';
import { ensurePolicies } from '../../src/flows/ensurePolicies.ts';
import { openDoor, populate, smallJob, type Door, type Town } from './door.ts';

let door: Door;
let town: Town;
beforeAll(async () => {
  door = await openDoor();
  town = await populate(door);
});
afterAll(() => door.close());

const audited = async (action: string, target: string) =>
  (await door.get(`/v1/audit?action=${action}&target=${encodeURIComponent(target)}`).expect(200)).body
    .items as { actor: string; data: Record<string, unknown> }[];
const query = async (text: string) => (await door.deps.store.db.execute(text)).rows;

describe.each([
  ['organization', '/v1/organizations/acme/rules', 'organization/acme'],
  ['project', '/v1/projects/kogpt/rules', 'project/kogpt'],
])('the rules of an %s', (_, path, target) => {
  const rules = {
    preemptible: null,
    objective: 'balanced',
    providers: { allow: ['pangyo', 'gwangju'], deny: [] },
    regions: { allow: [], deny: ['kr-north'] },
    countries: ['KR'],
    realms: ['government', 'on-premises'],
    certifications: [{ scheme: 'CSAP', grades: ['middle', 'high'] }],
    dataGrade: 'sensitive',
    maxPricePerHour: { amount: '60000', currency: 'KRW' },
    maxPricePerJob: { amount: '120.5', currency: 'USD' },
    spot: 'never',
    minSeparationKm: 100,
    drVerified: true,
  };

  it('forbid nothing before somebody sets them', async () => {
    const { body, headers } = await door.get(path).expect(200);
    expect(body).toEqual({ rules: { ...NO_RULES, preemptible: null }, version: 0, updatedAt: null });
    expect(headers['etag']).toBe('"0"');
  });

  it('are set as the version that was seen, for everybody who waits, and read as they were set', async () => {
    const rings = door.rings.length;
    const { body, headers } = await door.put(path, rules).set('if-match', '"0"').expect(200);
    expect(body).toEqual({ rules, version: 1, updatedAt: expect.any(String) as string });
    expect(headers['etag']).toBe('"1"');
    expect(door.rings.slice(rings)).toEqual(['place']);
    expect((await door.get(path).expect(200)).body).toEqual(body);
    await door.put(path, {}).set('if-match', '"0"').expect(412);
    expect((await door.get(path).expect(200)).body).toEqual(body);
  });

  it('are replaced as a whole: what is absent forbids nothing', async () => {
    const { body } = await door.put(path, { countries: ['KR', 'JP'] }).expect(200);
    expect(body).toMatchObject({ rules: { ...NO_RULES, countries: ['KR', 'JP'] }, version: 2 });
  });

  it('are audited with what was and what is', async () => {
    const [second, first] = await audited('rules.change', target);
    expect(first?.data).toEqual({ before: NO_RULES, after: rules });
    expect(second?.data).toEqual({
      before: rules,
      after: { ...NO_RULES, preemptible: null, countries: ['KR', 'JP'] },
    });
  });
});

describe('many changes of rules at once', () => {
  it('each count, and of those that name one version only one succeeds', async () => {
    const path = '/v1/projects/weather/rules';
    const put = (seen?: string) => {
      const test = door.put(path, { countries: ['KR'] });
      return seen === undefined ? test : test.set('if-match', seen);
    };
    await Promise.all(Array.from({ length: 8 }, () => put().expect(200)));
    const { body } = await door.get(path).expect(200);
    expect(body.version).toBe(8);
    const answers = await Promise.all(Array.from({ length: 8 }, () => put('"8"')));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, ...Array<number>(7).fill(412)]);
  });
});

describe('a job that names no objective', () => {
  const objective = async (over: object = {}) =>
    (await door.post('/v1/jobs', smallJob(over)).expect(201)).body.spec.placement.objective as string;
  /** What the door believes of a project for a second is not what this test is about. */
  const rules = async (owner: string, body: object) => {
    await door.put(`/v1/${owner}/rules`, body).expect(200);
    await new Promise((resolve) => setTimeout(resolve, owner.startsWith('organizations') ? 1_050 : 0));
  };

  it("gets its project's, then its organization's, then the cheapest", async () => {
    await rules('projects/kogpt', {});
    await rules('organizations/acme', {});
    expect(await objective()).toBe('cheapest');
    await rules('organizations/acme', { objective: 'balanced' });
    expect(await objective()).toBe('balanced');
    expect(await objective({ placement: { objective: null } })).toBe('balanced');
    await rules('projects/kogpt', { objective: 'available' });
    expect(await objective()).toBe('available');
    expect(await objective({ placement: { objective: 'cheapest' } })).toBe('cheapest');
    await rules('projects/kogpt', {});
    expect(await objective()).toBe('balanced');
  });

  it('keeps what it got, also where it is submitted again as it is, or once more by its key', async () => {
    const ask = () => door.post('/v1/jobs', smallJob({ name: 'kept' })).set('idempotency-key', 'kept');
    const { body } = await ask().expect(201);
    expect(body.spec.placement.objective).toBe('balanced');
    await rules('projects/kogpt', { objective: 'available' });
    expect((await ask().expect(201)).body).toEqual(body);
    expect((await door.post('/v1/jobs', body.spec as object).expect(201)).body.spec).toEqual(body.spec);
  });
});

describe('what a job may say of places', () => {
  it('is kept as it was said, and nothing where nothing was said', async () => {
    const placement = {
      objective: 'cheapest',
      realms: ['government'],
      certifications: [{ scheme: 'CSAP', grades: [] }],
      dataGrade: 'classified',
      maxPricePerJob: { amount: '100000', currency: 'KRW' },
      minSeparationKm: 0.5,
      drVerified: true,
    };
    const { body } = await door
      .post(
        '/v1/jobs',
        smallJob({
          placement,
          expectedRuntimeSeconds: 60,
          continuity: { minSeparationKm: 200 },
          resources: { gpu: { count: 8, class: 'trainer-80gb', models: ['H100-SXM'] }, nodes: 16 },
        }),
      )
      .expect(201);
    expect(body.spec).toMatchObject({
      placement: { ...placement, spot: 'never', countries: [], maxPricePerHour: null },
      continuity: { minSeparationKm: 200 },
      resources: { gpu: { class: 'trainer-80gb', models: ['H100-SXM'] }, nodes: 16 },
      quoteId: null,
    });
    expect((await door.post('/v1/jobs', body.spec as object).expect(201)).body.spec).toEqual(body.spec);

    const { body: bare } = await door.post('/v1/jobs', smallJob()).expect(201);
    const { objective: _, ...nothing } = NO_RULES;
    expect(bare.spec.placement).toMatchObject({ ...nothing, spot: 'never' });
    expect(bare.spec.continuity.minSeparationKm).toBeNull();
    expect(bare.spec.resources.gpu.class).toBeNull();
  });
});

describe('the policies', () => {
  it('are what the program comes with, before they are stored and after', async () => {
    const read = async () => {
      const bodies = [];
      for (const name of POLICY_NAMES) {
        const { body, headers } = await door.get(`/v1/policies/${name}`).expect(200);
        expect(headers['etag']).toBe('"1"');
        bodies.push({
          name: body.name as string,
          rows: body.rows as object[],
          version: body.version as number,
        });
      }
      return bodies;
    };
    const before = await read();
    expect(before).toEqual(
      POLICY_NAMES.map((name) => ({ name, rows: defaultPolicies()[POLICY_TABLES[name]], version: 1 })),
    );
    expect(await query('select name from policies')).toEqual([]);
    // As every replica does at its start.
    await Promise.all(Array.from({ length: 6 }, () => ensurePolicies(door.deps)));
    await ensurePolicies(door.deps);
    expect(await read()).toEqual(before);
    for (const name of POLICY_NAMES) expect(await audited('policy.seed', name)).toHaveLength(1);
    const { body } = await door.call('GET', '/v1/policies', town.keys.vendor).expect(200);
    expect(body.nextCursor).toBeNull();
    expect(body.items).toEqual(
      POLICY_NAMES.map((name) => ({
        name,
        rows: defaultPolicies()[POLICY_TABLES[name]].length,
        version: 1,
        updatedAt: expect.any(String) as string,
      })),
    );
  });

  it('are replaced as the version that was seen, for everybody who waits; GPUs by one name', async () => {
    const path = '/v1/policies/gpu-speeds';
    const rings = door.rings.length;
    const { body } = await door
      .put(path, [{ model: 'NVIDIA H100 80GB HBM3', speed: 3 }])
      .set('if-match', '"1"')
      .expect(200);
    expect(body).toMatchObject({ rows: [{ model: 'H100', speed: 3, note: '' }], version: 2 });
    expect(door.rings.slice(rings)).toEqual(['place']);
    await door.put(path, []).set('if-match', '"1"').expect(412);
    expect((await door.get(path).expect(200)).body).toEqual(body);
    const [entry] = await audited('policy.change', 'gpu-speeds');
    expect(entry).toMatchObject({
      actor: 'key-admin',
      data: { before: defaultPolicies().gpuSpeeds, after: body.rows as object[] },
    });
    // A later start leaves alone what somebody has put.
    await ensurePolicies(door.deps);
    expect((await door.get(path).expect(200)).body).toEqual(body);
  });

  it('can be put before they were ever stored, and are read as times in UTC', async () => {
    const fresh = await openDoor();
    try {
      const row = { grade: 'open', realms: ['public'], validFrom: '2026-01-01T09:00:00+09:00' };
      const { body } = await fresh.put('/v1/policies/data-grades', [row]).set('if-match', '"1"').expect(200);
      expect(body).toMatchObject({
        rows: [
          {
            ...row,
            countries: [],
            certification: null,
            validFrom: '2026-01-01T00:00:00.000Z',
            validUntil: null,
            note: '',
          },
        ],
        version: 2,
      });
    } finally {
      await fresh.close();
    }
  });

  it('name the classes that jobs and searches may ask for, at once in this process', async () => {
    const path = '/v1/policies/capacity-classes';
    const ask = (name: string) =>
      door.post('/v1/jobs', smallJob({ resources: { gpu: { count: 1, class: name } } }));
    const key = (test: ReturnType<typeof ask>) => test.set('idempotency-key', 'classy');
    const { body: first } = await key(ask('inference-24gb')).expect(201);
    await ask('mine').expect(422);
    await door
      .put(path, [{ name: 'mine', members: [{ model: 'H100-NVL' }, { model: 'A100 80GB' }] }])
      .expect(200);
    await ask('mine').expect(201);
    await ask('inference-24gb').expect(422);
    // What was taken while the class was there is not refused when it is asked for again.
    expect((await key(ask('inference-24gb')).expect(201)).body).toEqual(first);
    const { body } = await door.get('/v1/offers?class=mine').expect(200);
    expect((body.items as { name: string }[]).map(({ name }) => name)).toEqual(['a100x8']);
  });
});
