import pg from 'pg';

/**
 * The least that a durable queue in PostgreSQL does for a job: one INSERT and two UPDATEs (running, done), each its
 * own commit, 16 connections. No placement, no allocation, no event, no bill.
 *
 * @returns jobs per second
 */
export async function plainTable(databaseUrl: string, jobs: number): Promise<number> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 16 });
  try {
    await pool.query(
      'create table if not exists plain (id bigserial primary key, state text not null, spec jsonb not null)',
    );
    const spec = JSON.stringify({ command: ['true'], gpus: 0, note: 'x'.repeat(500) });
    let left = jobs;
    const started = performance.now();
    const caller = async () => {
      while (left > 0) {
        left -= 1;
        const { rows } = await pool.query<{ id: string }>({
          name: 'in',
          text: `insert into plain (state, spec) values ('queued', $1) returning id`,
          values: [spec],
        });
        for (const state of ['running', 'succeeded']) {
          await pool.query({
            name: 'to',
            text: 'update plain set state = $2 where id = $1',
            values: [rows[0]?.id, state],
          });
        }
      }
    };
    await Promise.all(Array.from({ length: 16 }, caller));
    return jobs / ((performance.now() - started) / 1000);
  } finally {
    await pool.end();
  }
}
