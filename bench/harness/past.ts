import { onServer } from './database.ts';

/**
 * A past: finished jobs with everything that one leaves behind (allocation, six events, decision, audit record,
 * idempotency row), written by the server itself. Hashes in the audit rows are made up; the head is moved behind them.
 * The provider and its offer `cpu` and the project `bench` must be there.
 */
export async function makePast(
  databaseUrl: string,
  provider: string,
  jobs: number,
  say: (line: string) => void,
): Promise<void> {
  const step = 100_000;
  for (let from = 1; from <= jobs; from += step) {
    const to = Math.min(jobs, from + step - 1);
    for (const statement of statements(provider, from, to))
      await onServer(databaseUrl, `set synchronous_commit = off; ${statement}`);
    say(`a past of ${to.toLocaleString('en-US')} of ${jobs.toLocaleString('en-US')} jobs`);
  }
  await moveAuditHead(databaseUrl);
  // What autovacuum would have done by the time that a store is so full; now, so that it does not come in between.
  await onServer(databaseUrl, 'vacuum (analyze)');
  await onServer(databaseUrl, 'checkpoint');
}

const id = (kind: string) => `'${kind}-00' || lpad(i::text, 24, '0')`;
/** Spread over a month that ended two days ago. */
const AT = `now() - interval '32 days' + i % 2592000 * interval '1 second'`;
const SPEC = JSON.stringify({
  name: 'past',
  project: 'bench',
  kind: 'training',
  run: {
    image: 'registry.example/kogpt/train:1.4',
    command: ['python', 'train.py', '--config', 'configs/base.yaml'],
    env: { LR: '1e-4' },
  },
  resources: { gpu: { count: 0, models: [], minMemoryGiB: 0 }, cpus: 0, memoryGiB: 0, nodes: 1 },
  placement: {
    objective: 'cheapest',
    spot: 'never',
    providers: { allow: [], deny: [] },
    regions: { allow: [], deny: [] },
    countries: [],
    maxPricePerHour: null,
  },
  continuity: { mode: 'restart', rtoSeconds: null, rpoSeconds: null },
  checkpoint: { intervalSeconds: 600, fromJob: null },
  limits: { maxRuntimeSeconds: null, deadline: null },
  expectedRuntimeSeconds: null,
  priority: 50,
  labels: {},
  serve: null,
  graceSeconds: 10,
});
const DECISION = JSON.stringify({
  version: 1,
  objective: 'cheapest',
  considered: { providers: 4, offers: 4, matching: 4 },
  note: 'x'.repeat(600),
});

function statements(provider: string, from: number, to: number): string[] {
  const series = `from generate_series(${from}, ${to}) as i`;
  const event = (type: string, reason: string, seconds: number) => `('${type}', '${reason}', ${seconds})`;
  const events = [
    event('job.queued', 'submitted', 0),
    event('job.provisioning', 'placed', 1),
    event('allocation.active', 'seen', 2),
    event('job.running', 'started', 2),
    event('allocation.released', 'exited', 60),
    event('job.succeeded', 'exited', 60),
  ];
  return [
    `insert into jobs (id, organization, project, name, kind, spec, priority, queue_rank, state, reason, current_allocation_id, attempts,
        exit_code, created_at, queued_at, started_at, finished_at, created_by, version)
      select ${id('job')}, 'bench', 'bench', 'past', 'training', '${SPEC}'::jsonb, 50, (extract(epoch from ${AT}) * 1000)::bigint - 50 * 360000,
        case when i % 20 = 0 then 'failed' else 'succeeded' end, 'exited', ${id('alc')}, 1, (i % 20 = 0)::int,
        ${AT}, ${AT}, ${AT} + interval '2 s', ${AT} + interval '60 s', 'key-past', 5 ${series}`,
    `insert into allocations (id, job_id, attempt, provider, offer, region, spot, state, list_price_micros_per_hour,
        list_currency, rate_micros, price_micros_per_hour, gpu_count, grace_seconds, placed_at, lease_until, started_at,
        released_at, end_reason, outcome, exit_code, metered_seconds, charged_micros)
      select ${id('alc')}, ${id('job')}, 1, '${provider}', 'cpu', 'kr-central', false, 'released', 100000000, 'KRW', 1000000,
        100000000, 0, 10, ${AT}, ${AT} + interval '70 s', ${AT} + interval '2 s', ${AT} + interval '60 s', 'exited', 'exited',
        (i % 20 = 0)::int, 58, 1611111 ${series}`,
    `insert into events (job_id, at, type, reason, allocation_id)
      select ${id('job')}, ${AT} + make_interval(secs => e.after), e.type, e.reason, ${id('alc')} ${series},
        (values ${events.join(', ')}) as e(type, reason, after)`,
    `insert into decisions (id, job_id, at, allocation_id, body)
      select ${id('dec')}, ${id('job')}, ${AT}, ${id('alc')}, '${DECISION}'::jsonb ${series}`,
    // Today's, as those of yesterday are gone.
    `insert into idempotency (principal, key, fingerprint, status, job_id, created_at)
      select 'key-past', md5(i::text), md5(i::text) || md5(i::text), 201, ${id('job')}, now() ${series}`,
    `insert into audit (seq, at, actor, role, action, target, request_id, data, previous_hash, hash)
      select (select max(seq) from audit) + i - ${from - 1}, ${AT}, 'key-past', 'member', 'job.submit', ${id('job')}, ${id('req')},
        '{"kind": "training", "name": "past", "project": "bench"}', md5(i::text) || md5(i::text), md5(i::text) || md5(i::text) ${series}`,
  ];
}

async function moveAuditHead(databaseUrl: string): Promise<void> {
  await onServer(
    databaseUrl,
    `update engine_facts set value = (select jsonb_build_object('seq', seq, 'hash', hash) from audit order by seq desc limit 1)
      where name = 'audit-head'`,
  );
}
