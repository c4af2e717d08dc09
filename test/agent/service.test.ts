import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { and, eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SyncResponse } from '../../src/core/order.ts';
import { toText } from '../../src/flows/logs.ts';
import { sweepCheckpoints } from '../../src/flows/checkpoint.ts';
import { placePass } from '../../src/flows/place.ts';
import { judgeProviderLoss } from './loss.ts';
import { allocations, checkpoints, jobs, logChunks, providers } from '../../src/store/schema.ts';
import { latestCheckpoints } from '../../src/store/read/checkpoints.ts';
import { ADMIN, openDoor, smallJob, smallOffer, smallProvider, type Door } from '../routes/door.ts';

const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

/** The agent's door over the real flows and a real database; the agent is played by hand. */
describe("the agent's door", () => {
  let door: Door;
  let url: string;
  const keys: Record<string, string> = {};
  const sequences: Record<string, number> = {};

  beforeAll(async () => {
    door = await openDoor({ env: { NARU_LOG_LIMIT_BYTES: '65536' } });
    await door.app.listen({ host: '127.0.0.1', port: 0 });
    url = `http://127.0.0.1:${(door.app.server.address() as AddressInfo).port}`;
    await door.post('/v1/organizations', { name: 'acme' }).expect(201);
    await door.post('/v1/projects', { name: 'kogpt', organization: 'acme' }).expect(201);
    for (const name of ['pangyo', 'gwangju']) {
      keys[name] = (await door.post('/v1/providers', smallProvider(name)).expect(201)).body
        .agentKey as string;
      const price = { amount: name === 'pangyo' ? '1' : '2', currency: 'KRW' };
      const cpu = smallOffer('cpu', { gpu: null, capacity: 100, price });
      await door.put(`/v1/providers/${name}/offers`, [cpu]).expect(200);
    }
    // The verdict is the engine's, and none runs here.
    await door.deps.store.db.update(providers).set({ health: 'healthy' });
  });
  afterAll(() => door.close());

  const as = (provider: string, method: string, path: string) =>
    door.call(method, path, keys[provider] ?? '');
  const sync = async (provider: string, observations: object[] = []): Promise<SyncResponse> => {
    sequences[provider] = (sequences[provider] ?? 0) + 1;
    const inventory = { hostname: 'h', gpus: [], cpus: 8, memoryGiB: 8, limits: 'none' };
    const body = {
      agentVersion: '1',
      instanceId: `instance-of-${provider}`,
      sequence: sequences[provider],
      inventory,
      ordersVersion: null,
      observations,
    };
    return (await as(provider, 'POST', '/v1/agent/sync').send(body).expect(200)).body as SyncResponse;
  };
  /** A job placed at the cheaper provider: its id and its allocation's. */
  const placed = async (over: object = {}): Promise<{ jobId: string; id: string }> => {
    await sync('pangyo');
    await sync('gwangju');
    const jobId = (await door.post('/v1/jobs', smallJob(over)).expect(201)).body.id as string;
    await placePass(door.deps, false);
    const { start } = await sync('pangyo');
    const order = start.find((one) => one.jobId === jobId);
    if (order === undefined) throw new Error(JSON.stringify((await door.get(`/v1/jobs/${jobId}`)).body));
    return { jobId, id: order.allocationId };
  };
  const put = (provider: string, path: string, body: Buffer) =>
    as(provider, 'PUT', path).set('content-type', 'application/x-tar').send(body);
  const save = async (provider: string, allocationId: string, body: Buffer) => {
    const begun = (
      await as(provider, 'POST', `/v1/agent/allocations/${allocationId}/checkpoints`).send({}).expect(201)
    ).body;
    await put(provider, begun.put.url, body).expect(204);
    const claim = { sizeBytes: body.length, sha256: sha256(body) };
    await as(provider, 'POST', `/v1/agent/checkpoints/${begun.id}/complete`).send(claim).expect(200);
    return begun.id as string;
  };
  const latest = async (jobId: string) =>
    (await latestCheckpoints(door.deps.store.db, [{ jobId, fromJob: null }])).get(jobId);

  it('says with every answer how much of what it gives is paid, and hears that nothing is any more', async () => {
    const { jobId, id } = await placed();
    const pays = (paidSeconds: number) =>
      door.deps.store.db.update(allocations).set({ paidSeconds }).where(eq(allocations.id, id));
    const seen = { allocationId: id, exitCode: null, detail: null, endpoint: null, serving: null };
    const runs = { ...seen, phase: 'running', ranMs: 10, endedAgoMs: null, outcome: null };
    await pays(60);
    const ordered = await sync('pangyo');
    expect(ordered.start.find(({ allocationId }) => allocationId === id)).toMatchObject({ paidSeconds: 60 });
    expect(ordered.paid).toEqual([]);
    await pays(120);
    expect((await sync('pangyo', [runs])).paid).toEqual([{ allocationId: id, paidSeconds: 120 }]);
    const detail = 'the money that was held for it is used up';
    const unpaid = {
      ...seen,
      phase: 'ended',
      ranMs: 900,
      endedAgoMs: 5,
      outcome: 'unpaid',
      exitCode: 143,
      detail,
    };
    expect(await sync('pangyo', [unpaid])).toMatchObject({ paid: [], forget: [id] });
    expect((await door.get(`/v1/jobs/${jobId}`).expect(200)).body).toMatchObject({
      state: 'queued',
      reason: 'budget',
    });
    const { items } = (await door.get(`/v1/jobs/${jobId}/allocations`).expect(200)).body;
    expect(items).toMatchObject([{ id, state: 'released', outcome: 'unpaid', endReason: 'budget' }]);
    // Nothing is held against anybody: it may go there again, and at once.
    const [job] = await door.deps.store.db.select().from(jobs).where(eq(jobs.id, jobId));
    expect(job).toMatchObject({ avoid: {}, failedStarts: 0, notBefore: null });
    await door.post(`/v1/jobs/${jobId}/cancel`).expect(202);
  });

  describe('checkpoints', () => {
    it('make the round trip, and only whole ones count', async () => {
      const { jobId, id } = await placed();
      const body = randomBytes(300_000);
      const begun = (await as('pangyo', 'POST', `/v1/agent/allocations/${id}/checkpoints`).expect(201)).body;
      expect(await latest(jobId)).toBeUndefined();
      await put('pangyo', begun.put.url, body).expect(204);
      expect(await latest(jobId)).toBeUndefined();
      const complete = `/v1/agent/checkpoints/${begun.id}/complete`;
      const claim = { sizeBytes: body.length, sha256: sha256(body) };
      await as('pangyo', 'POST', complete)
        .send({ ...claim, sha256: sha256(Buffer.from('x')) })
        .expect(412);
      await as('pangyo', 'POST', complete)
        .send({ ...claim, sizeBytes: 1 })
        .expect(412);
      await as('pangyo', 'POST', complete).send(claim).expect(200);
      await as('pangyo', 'POST', complete).send(claim).expect(200);
      expect(await latest(jobId)).toEqual({ id: begun.id, ...claim });
      const found = (await as('pangyo', 'GET', `/v1/agent/checkpoints/${begun.id}`).expect(200)).body;
      const got = await as('pangyo', 'GET', found.get.url)
        .buffer(true)
        .parse(binary as never)
        .expect(200);
      expect(sha256(got.body as Buffer)).toBe(claim.sha256);
      const { body: events } = await door.get(`/v1/jobs/${jobId}/events`).expect(200);
      expect(events.items.map((event: { type: string }) => event.type)).toContain('checkpoint.saved');
    });

    it("are another provider's business only where it carries the job", async () => {
      const { id } = await placed();
      const checkpoint = await save('pangyo', id, randomBytes(1000));
      await as('gwangju', 'POST', `/v1/agent/allocations/${id}/checkpoints`).send({}).expect(404);
      await as('gwangju', 'GET', `/v1/agent/checkpoints/${checkpoint}`).expect(404);
      await as('gwangju', 'GET', `/v1/agent/checkpoints/${checkpoint}/content`).expect(404);
      await put('gwangju', `/v1/agent/checkpoints/${checkpoint}/content`, randomBytes(10)).expect(404);
      const claim = { sizeBytes: 1000, sha256: '0'.repeat(64) };
      await as('gwangju', 'POST', `/v1/agent/checkpoints/${checkpoint}/complete`).send(claim).expect(404);
      await door.get(`/v1/agent/checkpoints/${checkpoint}`).expect(403);
      await door.call('GET', `/v1/agent/checkpoints/${checkpoint}`, null).expect(401);
    });

    it('a fenced allocation saves nothing, whenever it was fenced', async () => {
      const { jobId, id } = await placed();
      const body = randomBytes(1000);
      const before = await save('pangyo', id, body);
      const begun = (
        await as('pangyo', 'POST', `/v1/agent/allocations/${id}/checkpoints`).send({}).expect(201)
      ).body;
      await put('pangyo', begun.put.url, body).expect(204);
      await judgeProviderLoss(door.deps, jobId, id, 'gwangju');
      const claim = { sizeBytes: body.length, sha256: sha256(body) };
      const refused = await as('pangyo', 'POST', `/v1/agent/checkpoints/${begun.id}/complete`)
        .send(claim)
        .expect(409);
      expect(refused.body.type).toContain('state-conflict');
      await as('pangyo', 'POST', `/v1/agent/allocations/${id}/checkpoints`).send({}).expect(409);
      expect((await latest(jobId))?.id).toBe(before);
      // And it may not even read what the job saves elsewhere.
      await as('pangyo', 'GET', `/v1/agent/checkpoints/${before}`).expect(404);
      await as('gwangju', 'GET', `/v1/agent/checkpoints/${before}`).expect(200);
    });

    it('the newest two are kept, the bytes of the others go', async () => {
      const { jobId, id } = await placed();
      const ids: string[] = [];
      for (let n = 0; n < 4; n++) ids.push(await save('pangyo', id, randomBytes(100 + n)));
      const rows = await door.deps.store.db.select().from(checkpoints).where(eq(checkpoints.jobId, jobId));
      expect(rows.map((row) => row.id).sort()).toEqual(ids.slice(2).sort());
      const files = readdirSync(join(door.deps.config.dataDir, 'checkpoints', jobId));
      expect(files.sort()).toEqual(
        ids
          .slice(2)
          .map((one) => `${one}.tar`)
          .sort(),
      );
    });

    it('what was begun and never finished is swept, what is young stays', async () => {
      const { jobId, id } = await placed();
      const young = (
        await as('pangyo', 'POST', `/v1/agent/allocations/${id}/checkpoints`).send({}).expect(201)
      ).body.id;
      const old = door.deps.ids.next('chk', new Date(Date.now() - 13 * 3_600_000));
      const location = door.deps.checkpoints.locationFor(jobId, old);
      await door.deps.store.db.insert(checkpoints).values({
        id: old,
        jobId,
        allocationId: id,
        attempt: 1,
        complete: false,
        location,
        createdAt: new Date(),
      });
      await sweepCheckpoints(door.deps);
      const rows = await door.deps.store.db.select().from(checkpoints).where(eq(checkpoints.jobId, jobId));
      expect(rows.map((row) => row.id)).toEqual([young]);
    });

    it('bytes that break off leave nothing behind', async () => {
      const { jobId, id } = await placed();
      const begun = (
        await as('pangyo', 'POST', `/v1/agent/allocations/${id}/checkpoints`).send({}).expect(201)
      ).body;
      const dir = join(door.deps.config.dataDir, 'checkpoints', jobId);
      const headers = {
        authorization: `Bearer ${keys['pangyo']}`,
        'content-type': 'application/x-tar',
        'content-length': '20000',
      };
      const sending = request(url + begun.put.url, { method: 'PUT', headers });
      sending.on('error', () => undefined);
      sending.write(randomBytes(10_000));
      await expect.poll(() => existsSync(dir) && readdirSync(dir), { timeout: 10_000 }).toHaveLength(1);
      sending.destroy();
      await expect.poll(() => readdirSync(dir), { timeout: 10_000 }).toEqual([]);
      const claim = { sizeBytes: 10_000, sha256: '0'.repeat(64) };
      await as('pangyo', 'POST', `/v1/agent/checkpoints/${begun.id}/complete`).send(claim).expect(412);
    });

    it('a full disk is a 503, and what was saved before stays', async (test) => {
      const { jobId, id } = await placed();
      const dir = join(door.deps.config.dataDir, 'checkpoints', jobId);
      mkdirSync(dir, { recursive: true });
      if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir]).status !== 0) {
        test.skip('a small file system cannot be mounted here');
      }
      try {
        const before = await save('pangyo', id, randomBytes(400_000));
        const begun = (
          await as('pangyo', 'POST', `/v1/agent/allocations/${id}/checkpoints`).send({}).expect(201)
        ).body;
        const full = await put('pangyo', begun.put.url, randomBytes(900_000)).expect(503);
        expect(full.headers['retry-after']).toBeDefined();
        expect(full.body.type).toContain('unavailable');
        expect((await latest(jobId))?.id).toBe(before);
        expect(readdirSync(dir)).toEqual([`${before}.tar`]);
        await save('pangyo', id, randomBytes(400_000));
      } finally {
        spawnSync('umount', [dir]);
        rmSync(dir, { recursive: true, force: true });
      }
    });

    it("a job may start from another job's", async () => {
      const first = await placed();
      const body = randomBytes(1000);
      const saved = await save('pangyo', first.id, body);
      await sync('pangyo');
      const jobId = (
        await door.post('/v1/jobs', smallJob({ checkpoint: { fromJob: first.jobId } })).expect(201)
      ).body.id;
      await placePass(door.deps, false);
      const order = (await sync('pangyo')).start.find((one) => one.jobId === jobId);
      expect(order?.restore).toEqual({ id: saved, sizeBytes: 1000, sha256: sha256(body) });
    });
  });

  describe('logs', () => {
    const send = (provider: string, id: string, startByte: number | string, body: string | Buffer) =>
      as(provider, 'POST', `/v1/agent/allocations/${id}/logs?startByte=${startByte}`)
        .set('content-type', 'application/octet-stream')
        .send(Buffer.from(body));
    const log = async (jobId: string): Promise<string> =>
      (await door.get(`/v1/jobs/${jobId}/logs`).expect(200)).text;

    it('the same bytes are stored once, in whatever pieces they come again', async () => {
      const { jobId, id } = await placed();
      await send('pangyo', id, 0, 'hello ').expect(204);
      await send('pangyo', id, 0, 'hello ').expect(204);
      await send('pangyo', id, 0, 'hello world').expect(204);
      await send('pangyo', id, 3, 'lo world, and').expect(204);
      await send('pangyo', id, 5, '').expect(204);
      expect(await log(jobId)).toBe('hello world, and');
    });

    it('sent twice at the same time, nothing of it is lost or doubled', async () => {
      const { jobId, id } = await placed();
      const whole = 'abcdefghijklmnopqrstuvwxyz';
      await Promise.all(
        [26, 10, 20, 15, 26, 5].map((end) => send('pangyo', id, 0, whole.slice(0, end)).expect(204)),
      );
      expect(await log(jobId)).toBe(whole);
    });

    it('a gap is said where it is', async () => {
      const { jobId, id } = await placed();
      await send('pangyo', id, 0, 'begin\n').expect(204);
      await send('pangyo', id, 1_006, 'end\n').expect(204);
      await send('pangyo', id, 2_010, '').expect(204);
      expect(await log(jobId)).toMatch(
        /^begin\n\[naru: 1000 bytes [^\n]*\]\nend\n\[naru: 1000 bytes [^\n]*\]\n$/,
      );
    });

    it('what is no UTF-8, and NUL, is replaced', async () => {
      const { jobId, id } = await placed();
      await send('pangyo', id, 0, Buffer.from([0x61, 0xff, 0x00, 0x62, 0xea, 0xb0, 0x80])).expect(204);
      expect(await log(jobId)).toBe('a\ufffd\ufffdb가');
      expect(toText(Buffer.from('\ufeffx'))).toBe('\ufeffx');
    });

    it('a job keeps its newest bytes, and what went is said', async () => {
      const { jobId, id } = await placed();
      for (let n = 0; n < 40; n++)
        await send('pangyo', id, n * 8_000, `${String(n).padStart(2, '0')}${'x'.repeat(7_997)}\n`).expect(
          204,
        );
      const text = await log(jobId);
      expect(text).toMatch(/^\[naru: \d+ bytes /);
      expect(text).toContain(`39${'x'.repeat(7_997)}\n`);
      const stored = await door.deps.store.db.select().from(logChunks).where(eq(logChunks.jobId, jobId));
      expect(stored.reduce((sum, chunk) => sum + chunk.bytes, 0)).toBeLessThanOrEqual(65_536 + 8_192 + 8_000);
    });

    it('an attempt of which nothing is left is still spoken of', async () => {
      const { jobId, id } = await placed();
      await send('pangyo', id, 0, 'first attempt').expect(204);
      const next = await judgeProviderLoss(door.deps, jobId, id, 'gwangju');
      await send('gwangju', next, 0, 'y'.repeat(80_000)).expect(204);
      expect(await log(jobId)).toMatch(/^\[naru: 13 bytes /);
      // And its own latecomers still find their place.
      await send('pangyo', id, 13, 'late').expect(204);
      const [late] = await door.deps.store.db
        .select()
        .from(logChunks)
        .where(and(eq(logChunks.allocationId, id), eq(logChunks.text, 'late')));
      expect(late?.startByte).toBe(13);
    });

    it('are taken for allocations of the caller only, and only as bytes', async () => {
      const { id } = await placed();
      await send('gwangju', id, 0, 'x').expect(404);
      await send('pangyo', 'alc-nonsense', 0, 'x').expect(404);
      await send('pangyo', id, -1, 'x').expect(400);
      await send('pangyo', id, 'x', 'x').expect(400);
      await send('pangyo', id, 0, 'x'.repeat(2 ** 20 + 1)).expect(413);
      await as('pangyo', 'POST', `/v1/agent/allocations/${id}/logs?startByte=0`).send({ a: 1 }).expect(415);
      await as('pangyo', 'POST', `/v1/agent/allocations/${id}/logs?startByte=0`)
        .set('content-type', 'text/plain')
        .send('x')
        .expect(415);
    });
  });

  it('a report with nonsense in it is a 400 that names the place', async () => {
    const refused = await as('pangyo', 'POST', '/v1/agent/sync').send({ agentVersion: '1' }).expect(400);
    expect(refused.body.errors.map((one: { pointer: string }) => one.pointer)).toContain('/observations');
    await door.call('POST', '/v1/agent/sync', ADMIN).send({}).expect(403);
  });
});

function binary(response: NodeJS.ReadableStream, done: (error: Error | null, body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  response.on('end', () => done(null, Buffer.concat(chunks)));
}
