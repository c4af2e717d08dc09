import { Readable } from 'node:stream';
import { AwsClient } from 'aws4fetch';
import type { CheckpointStorage } from './storage.ts';
import { ConfigError } from '../config.ts';

const SCHEME = 's3:';
/** A checkpoint of many gigabytes over a vendor's line takes its time. */
const URL_SECONDS = 6 * 3600;
const IDLE_MS = 30_000;

interface Settings {
  readonly bucket: string;
  readonly prefix: string;
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/**
 * S3-compatible storage, path-style, by presigned URLs: the bytes go between agent and store and never through the
 * service. Nothing here trusts a conditional write (Swift's are not atomic, radosgw ignores them on multipart): what
 * makes a checkpoint the newest is one row in PostgreSQL.
 *
 * One PUT, not multipart: 5 GiB is the most that stores take, and a larger checkpoint is refused by the store.
 */
export function s3Storage(url: string): CheckpointStorage {
  const settings = readSettings(url);
  const client = new AwsClient({ ...settings, service: 's3', retries: 2 });
  const objectUrl = (location: string): URL => {
    const key = location.slice(SCHEME.length).split('/').map(encodeURIComponent).join('/');
    return new URL(`${settings.endpoint.replace(/\/$/, '')}/${settings.bucket}/${key}`);
  };
  const presign = async (method: 'GET' | 'PUT', location: string, now: Date): Promise<string> => {
    const target = objectUrl(location);
    target.searchParams.set('X-Amz-Expires', String(URL_SECONDS));
    const datetime = now.toISOString().replace(/[:-]|\.\d{3}/g, '');
    const signed = await client.sign(target.href, { method, aws: { signQuery: true, datetime } });
    return signed.url;
  };
  const ask = async (method: 'GET' | 'HEAD' | 'DELETE', location: string): Promise<Response> => {
    const answer = await client.fetch(objectUrl(location).href, {
      method,
      signal: AbortSignal.timeout(IDLE_MS),
    });
    if (answer.ok || answer.status === 404) return answer;
    await answer.body?.cancel();
    throw new Error(`the checkpoint store answered ${answer.status} to ${method}`);
  };
  return {
    kind: 's3',
    locationFor: (jobId, checkpointId) => `${SCHEME}${settings.prefix}${jobId}/${checkpointId}.tar`,
    putUrl: (location, now) => presign('PUT', location, now),
    getUrl: (location, now) => presign('GET', location, now),
    write: async () => {
      throw new Error('bytes of checkpoints go to the store directly');
    },
    stat: async (location) => {
      const answer = await ask('HEAD', location);
      return answer.status === 404 ? null : { sizeBytes: Number(answer.headers.get('content-length')) };
    },
    read: async (location) => {
      const answer = await client.fetch(objectUrl(location).href);
      if (!answer.ok || answer.body === null)
        throw new Error(`the checkpoint store answered ${answer.status}`);
      return Readable.fromWeb(answer.body);
    },
    remove: async (location) => {
      const answer = await ask('DELETE', location);
      await answer.body?.cancel();
    },
  };
}

/**
 * `s3://KEY:SECRET@bucket/prefix?endpoint=https://…&region=…`. Throws ConfigError, which never repeats the value.
 */
function readSettings(url: string): Settings {
  const parsed = URL.parse(url);
  const endpoint = parsed?.searchParams.get('endpoint') ?? null;
  const complete =
    parsed !== null && parsed.hostname !== '' && parsed.username !== '' && parsed.password !== '';
  if (!complete || endpoint === null || URL.parse(endpoint) === null) {
    throw new ConfigError(
      'NARU_CHECKPOINTS must look like s3://ACCESS_KEY:SECRET@bucket/prefix?endpoint=https://host&region=REGION (key and secret percent-encoded)',
    );
  }
  const prefix = parsed.pathname.replace(/^\/|\/$/g, '');
  return {
    bucket: parsed.hostname,
    prefix: prefix === '' ? '' : `${prefix}/`,
    endpoint,
    region: parsed.searchParams.get('region') ?? 'us-east-1',
    accessKeyId: decodeURIComponent(parsed.username),
    secretAccessKey: decodeURIComponent(parsed.password),
  };
}
