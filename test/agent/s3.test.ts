import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AwsClient } from 'aws4fetch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { putPackage } from '../../src/agent/httpUplink.ts';
import { call } from '../../src/agent/http.ts';
import type { CheckpointStorage } from '../../src/checkpoints.ts';
import { s3Storage } from '../../src/checkpoints/s3.ts';
import { ConfigError } from '../../src/config.ts';
import { hasS3, testS3, type TestS3 } from '../harness/s3.ts';

describe.skipIf(!hasS3('checkpoints on S3'))('checkpoints on S3', () => {
  let s3: TestS3;
  let storage: CheckpointStorage;
  let location: string;
  const signal = AbortSignal.timeout(60_000);
  beforeAll(async () => {
    s3 = await testS3();
    storage = s3Storage(s3.url);
    location = storage.locationFor('job-한글 &+', `chk-${randomBytes(4).toString('hex')}`);
    const url = new URL(s3.url);
    const client = new AwsClient({
      accessKeyId: decodeURIComponent(url.username),
      secretAccessKey: decodeURIComponent(url.password),
      service: 's3',
    });
    await client.fetch(`${url.searchParams.get('endpoint') ?? ''}/${url.hostname}`, { method: 'PUT' });
  }, 120_000);
  afterAll(() => s3?.close());

  it('go and come by presigned URLs, with their size known', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'naru-s3-'));
    try {
      const bytes = randomBytes(5_000_000);
      const path = join(dir, 'x');
      await writeFile(path, bytes);
      expect(await storage.stat(location)).toBeNull();
      const url = await storage.putUrl(location, new Date());
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      await putPackage(
        null,
        { url: url ?? '', headers: {} },
        { path, sizeBytes: bytes.length, sha256 },
        signal,
      );
      expect(await storage.stat(location)).toEqual({ sizeBytes: bytes.length });
      const got = await storage.getUrl(location, new Date());
      const answer = await call({
        method: 'GET',
        url: new URL(got ?? ''),
        headers: {},
        signal,
        idleMs: 10_000,
      });
      expect(answer.status).toBe(200);
      expect(await digest(answer.body)).toBe(sha256);
      expect(await digest(await storage.read(location))).toBe(sha256);
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it('a URL opens what it was made for and nothing else', async () => {
    const url = new URL((await storage.getUrl(location, new Date())) ?? '');
    url.pathname += 'x';
    const other = await call({ method: 'GET', url, headers: {}, signal, idleMs: 10_000 });
    other.body.resume();
    expect(other.status).toBe(403);
    const long = new Date(Date.now() - 7 * 3_600_000);
    const stale = new URL((await storage.getUrl(location, long)) ?? '');
    const late = await call({ method: 'GET', url: stale, headers: {}, signal, idleMs: 10_000 });
    late.body.resume();
    expect(late.status).toBe(403);
  });

  it('go, and going again is nothing', async () => {
    await storage.remove(location);
    await storage.remove(location);
    expect(await storage.stat(location)).toBeNull();
  });
});

describe('the setting', () => {
  it.each([
    's3://bucket',
    's3://k:s@bucket',
    's3://k:s@bucket?endpoint=nonsense',
    's3://k@bucket?endpoint=http://x',
  ])('%s stops the start, and its secret is not repeated', (url) => {
    expect(() => s3Storage(url)).toThrow(ConfigError);
    expect(() => s3Storage(url)).not.toThrow(/k:s/);
  });
});

async function digest(body: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of body) hash.update(chunk);
  return hash.digest('hex');
}
