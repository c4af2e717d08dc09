import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { load } from './load.ts';
import type { Service } from './service.ts';

export interface Batch {
  readonly jobs: number;
  /** From the first submission to the last end, by the service's own clock. */
  readonly seconds: number;
  readonly perSecond: number;
}

const CONNECTIONS = 64;

/**
 * Submits `jobs` through the door, 64 at a time, and waits until each of them has succeeded. Rejects when one ended
 * otherwise, or when `withinSeconds` are over.
 */
export async function runBatch(
  service: Service,
  body: unknown,
  jobs: number,
  withinSeconds: number,
): Promise<Batch> {
  const client = new pg.Client({ connectionString: service.databaseUrl });
  await client.connect();
  try {
    const before = (await client.query<{ id: string }>('select max(id) as id from jobs')).rows[0]?.id ?? '';
    await load({
      url: `${service.url}/v1/jobs`,
      key: service.key,
      body,
      connections: CONNECTIONS,
      amount: jobs,
    });
    return await untilEnded(client, before, jobs, withinSeconds);
  } finally {
    await client.end();
  }
}

interface Progress {
  readonly made: number;
  readonly succeeded: number;
  readonly ended: number;
  readonly seconds: number;
}

async function untilEnded(
  client: pg.Client,
  after: string,
  jobs: number,
  withinSeconds: number,
): Promise<Batch> {
  const until = performance.now() + withinSeconds * 1000;
  for (;;) {
    const { rows } = await client.query<Progress>(
      `select count(*)::int as made, count(*) filter (where state = 'succeeded')::int as succeeded, count(finished_at)::int as ended,
        extract(epoch from max(finished_at) - min(created_at))::float8 as seconds from jobs where id > $1`,
      [after],
    );
    const { made, succeeded, ended, seconds } = rows[0] as Progress;
    if (ended === made && made >= jobs) {
      if (succeeded !== made) throw new Error(`${made - succeeded} of ${made} jobs did not succeed`);
      return { jobs: made, seconds, perSecond: made / seconds };
    }
    if (performance.now() > until)
      throw new Error(`${ended} of ${made} jobs had ended after ${withinSeconds} s`);
    await wait(100);
  }
}
