import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { AddressInfo } from 'node:net';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, openDoor, populate, smallJob, type Door } from './door.ts';

let door: Door;
let base: string;
beforeAll(async () => {
  door = await openDoor();
  await populate(door);
  await door.app.listen({ host: '127.0.0.1', port: 0 });
  base = `http://127.0.0.1:${(door.app.server.address() as AddressInfo).port}`;
});
afterAll(() => door.close());

const submit = async (): Promise<string> =>
  (await door.post('/v1/jobs', smallJob()).expect(201)).body.id as string;
const run = (statement: ReturnType<typeof sql>) => door.deps.store.db.execute(statement);
const open = (path: string, headers: Record<string, string> = {}, key = ADMIN, signal?: AbortSignal) =>
  fetch(`${base}${path}`, {
    headers: { authorization: `Bearer ${key}`, ...headers },
    ...(signal && { signal }),
  });
const follow = (id: string, headers: Record<string, string> = {}, key?: string, signal?: AbortSignal) =>
  open(`/v1/jobs/${id}/events`, { accept: 'text/event-stream', ...headers }, key, signal);

/** Reads until the text so far is as wanted, or the stream ends. */
async function readUntil(response: Response, done: (text: string) => boolean): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(bytes, { stream: true });
    if (done(text)) break;
  }
  return text;
}

const chunk = (id: string, allocation: string, startByte: number, text: string) =>
  run(
    sql`insert into log_chunks (job_id, allocation_id, start_byte, bytes, text, at) values (${id}, ${allocation}, ${startByte}, ${Buffer.byteLength(text)}, ${text}, now())`,
  );

describe('events as they happen', () => {
  it('begin with what has happened, go on with what happens, and end when the job has', async () => {
    const id = await submit();
    const response = await follow(id);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    let cancelled = false;
    const text = await readUntil(response, (soFar) => {
      if (!cancelled && soFar.includes('event: job.queued')) {
        cancelled = true;
        void door.post(`/v1/jobs/${id}/cancel`).then(() => {});
      }
      return false;
    });
    const types = [...text.matchAll(/^event: (.*)$/gm)].map((match) => match[1]);
    expect(types).toEqual(['job.queued', 'job.cancelled']);
    expect(text).toMatch(/^retry: \d+\n\n/);
    const [first] = [...text.matchAll(/^data: (.*)$/gm)].map(
      (match) => JSON.parse(match[1] ?? '') as { seq: number; type: string },
    );
    expect(first?.type).toBe('job.queued');
    expect(text).toContain(`id: ${first?.seq}\n`);
  });

  it('go on after the last one that was seen: nothing twice, nothing lost', async () => {
    const id = await submit();
    await door.post(`/v1/jobs/${id}/cancel`).expect(202);
    const all = await (await follow(id)).text();
    const ids = [...all.matchAll(/^id: (\d+)$/gm)].map((match) => match[1] ?? '');
    expect(ids).toHaveLength(2);
    const rest = await (await follow(id, { 'last-event-id': ids[0] ?? '' })).text();
    expect([...rest.matchAll(/^id: (\d+)$/gm)].map((match) => match[1])).toEqual([ids[1]]);
    expect([
      ...(await (await follow(id, { 'last-event-id': ids[1] ?? '' })).text()).matchAll(/^id:/gm),
    ]).toHaveLength(0);
  });

  it('are told to many at once, each its own job', async () => {
    const ids = await Promise.all(Array.from({ length: 10 }, submit));
    const streams = await Promise.all(
      [...ids, ...ids].map(async (id) => ({ id, response: await follow(id) })),
    );
    await Promise.all(ids.map((id) => door.post(`/v1/jobs/${id}/cancel`).expect(202)));
    for (const { response } of streams)
      expect([...(await response.text()).matchAll(/^id:/gm)]).toHaveLength(2);
  });

  it('end for a client whose key is revoked', async () => {
    const id = await submit();
    const key = (await door.post('/v1/keys', { role: 'auditor' }).expect(201)).body as {
      id: string;
      secret: string;
    };
    const response = await follow(id, {}, key.secret);
    const reading = readUntil(response, (text) => text.includes('job.moved'));
    await door.call('DELETE', `/v1/keys/${key.id}`).expect(204);
    await run(sql`insert into events (job_id, at, type, reason) values (${id}, now(), 'job.moved', 'test')`);
    expect(await reading).not.toContain('job.moved');
  });

  it('are no longer asked for when the client is gone', async () => {
    const id = await submit();
    const gone = new AbortController();
    const response = await follow(id, {}, ADMIN, gone.signal);
    await readUntil(response, (text) => text.includes('job.queued')).catch(() => {});
    gone.abort();
    await door.get('/healthz').expect(200);
  });
});

describe('a log', () => {
  it('is one text across attempts, and says where something was not kept', async () => {
    const id = await submit();
    await chunk(id, 'alc-1', 0, 'eins\n');
    await chunk(id, 'alc-1', 105, 'zwei ä\n');
    await chunk(id, 'alc-2', 0, 'drei\n');
    const response = await open(`/v1/jobs/${id}/logs`);
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await response.text()).toBe(
      'eins\n[naru: 100 bytes of output were not kept here]\nzwei ä\ndrei\n',
    );
  });

  it('is followed until the job has ended, with what comes late', async () => {
    const id = await submit();
    await chunk(id, 'alc-3', 0, 'first\n');
    const reading = readUntil(await open(`/v1/jobs/${id}/logs?follow=true`), () => false);
    await door.post(`/v1/jobs/${id}/cancel`).expect(202);
    await chunk(id, 'alc-3', 6, 'second\n');
    expect(await reading).toBe('first\nsecond\n');
  });

  it('of many chunks is whole', async () => {
    const id = await submit();
    for (let n = 0; n < 40; n += 1) await chunk(id, 'alc-4', n * 4, `${String(n).padStart(3, '0')}\n`);
    const lines = (await (await open(`/v1/jobs/${id}/logs`)).text()).trimEnd().split('\n');
    expect(lines).toEqual(Array.from({ length: 40 }, (_, n) => String(n).padStart(3, '0')));
  });
});

describe('a checkpoint', () => {
  it('is downloaded as it was saved; the newest complete one', async () => {
    const id = await submit();
    expect((await open(`/v1/jobs/${id}/checkpoint`)).status).toBe(404);
    const bytes = Buffer.from('not really a tar, and just as many bytes');
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    for (const [name, complete] of [
      ['chk-1', true],
      ['chk-2', false],
    ] as const) {
      const location = door.deps.checkpoints.locationFor(id, name);
      await door.deps.checkpoints.write(location, Readable.from([complete ? bytes : Buffer.from('half')]));
      await run(sql`insert into checkpoints (id, job_id, allocation_id, attempt, complete, size_bytes, sha256, location, created_at, completed_at)
        values (${name}, ${id}, 'alc-5', 1, ${complete}, ${complete ? bytes.length : null}, ${complete ? sha256 : null}, ${location}, now(), ${complete ? sql`now()` : null})`);
    }
    const response = await open(`/v1/jobs/${id}/checkpoint`);
    expect([
      response.status,
      response.headers.get('content-type'),
      response.headers.get('x-checkpoint-id'),
      response.headers.get('etag'),
    ]).toEqual([200, 'application/x-tar', 'chk-1', `"${sha256}"`]);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes);
  });
});

describe('a stop of the service', () => {
  it('ends what is held open', async () => {
    const other = await openDoor();
    await populate(other);
    await other.app.listen({ host: '127.0.0.1', port: 0 });
    const port = (other.app.server.address() as AddressInfo).port;
    const { body } = await other.post('/v1/jobs', smallJob()).expect(201);
    const headers = { authorization: `Bearer ${ADMIN}`, accept: 'text/event-stream' };
    const events = await fetch(`http://127.0.0.1:${port}/v1/jobs/${body.id}/events`, { headers });
    const logs = await fetch(`http://127.0.0.1:${port}/v1/jobs/${body.id}/logs?follow=true`, { headers });
    const texts = Promise.all([events.text(), logs.text()]);
    await other.close();
    const [told] = await texts;
    expect(told).toContain('job.queued');
  });
});
