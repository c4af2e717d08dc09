import type pg from 'pg';

/** A market in which much runs at one provider: who is lost, and who could take it. */
export const LOST = 'lost';
const SPARES = 8;
const OFFERS = 10;
const PROJECTS = 20;
const MODELS = ['H100', 'A100-80GB', 'H200', 'B200', 'L40S'] as const;
/** What of the room elsewhere is over, once everything has moved. */
const ROOM = 1.25;

/** How the world was made, for the notes. */
export const WORLD_FROM = `${SPARES} providers with room for ${ROOM} times as much, ${OFFERS} offers each; ${PROJECTS} projects, ${MODELS.length} GPU models, three objectives, a third of the jobs asks for 100 km of separation (four of the providers are that far).`;

/** Everything but what runs; the database is empty and migrated. */
export async function insertMarket(client: pg.Client, jobs: number, at: Date): Promise<void> {
  const each = Math.ceil((jobs * ROOM) / (SPARES * OFFERS));
  await client.query(`insert into organizations (name, created_at) values ('bench', $1)`, [at]);
  await client.query(
    `insert into projects (name, organization, created_at) select 'project-' || i, 'bench', $1 from generate_series(0, ${PROJECTS - 1}) i`,
    [at],
  );
  await client.query(
    `insert into providers (name, vendor, broker_kind, broker_settings, site, realm, certifications, mode, health, health_since,
        health_reason, last_contact_at, contact_since, created_at)
      select name, name, 'agent', '{}', jsonb_build_object('city', 'Seoul', 'country', 'KR', 'region', 'kr', 'latitude', latitude,
        'longitude', 127), 'public', '[]', 'active', 'healthy', $1, 'heard', $1, $1, $1
      from (select '${LOST}' as name, 37.5 as latitude union all
        select 'spare-' || i, case when i % 2 = 0 then 37.4 else 35.1 end from generate_series(0, ${SPARES - 1}) i) p`,
    [at],
  );
  await client.query(
    `insert into offers (provider, name, region, gpu_model, gpu_count, gpu_memory_gib, cpus, memory_gib, capacity,
        price_micros_per_hour, currency, updated_at)
      select p.name, 'offer-' || i, 'kr', ($3::text[])[1 + i % ${MODELS.length}], 8, 80, 96, 1024,
        case when p.name = '${LOST}' then $2 else $4 end::int, 1000000 * (1000 + 10 * i + length(p.name)), 'KRW', $1
      from providers p, generate_series(0, ${OFFERS - 1}) i`,
    [at, jobs, MODELS, each],
  );
}

/** So many jobs that run at LOST, each with the allocation that it has there. */
export async function insertRunning(client: pg.Client, jobs: number, at: Date): Promise<void> {
  const series = `from generate_series(1, ${jobs}) i`;
  const id = (kind: string) => `'${kind}-' || lpad(i::text, 12, '0')`;
  await client.query(
    `insert into jobs (id, organization, project, name, kind, spec, priority, queue_rank, state, reason, current_allocation_id,
        attempts, created_at, queued_at, started_at, created_by, version)
      select ${id('job')}, 'bench', 'project-' || i % ${PROJECTS}, 'job-' || i, 'training',
        $2::jsonb || jsonb_build_object('project', 'project-' || i % ${PROJECTS},
          'resources', jsonb_build_object('gpu', jsonb_build_object('count', 8, 'models',
            jsonb_build_array(($3::text[])[1 + i % ${MODELS.length}]), 'class', null, 'minMemoryGiB', 0), 'cpus', 8 + i % 4, 'memoryGiB', 64, 'nodes', 1),
          'continuity', jsonb_build_object('mode', 'restart', 'rtoSeconds', 60, 'rpoSeconds', 600,
            'minSeparationKm', case when i % 3 = 0 then 100 end)),
        50, (extract(epoch from $1::timestamptz) * 1000)::bigint + i, 'running', 'started', ${id('alc')}, 1, $1, $1, $1, 'key-bench', 3 ${series}`,
    [at, SPEC, MODELS],
  );
  await client.query(
    `insert into allocations (id, job_id, attempt, provider, offer, region, spot, state, list_price_micros_per_hour,
        list_currency, rate_micros, price_micros_per_hour, gpu_count, grace_seconds, placed_at, lease_until, started_at)
      select ${id('alc')}, ${id('job')}, 1, '${LOST}', 'offer-' || i % ${OFFERS}, 'kr', false, 'active', 1000000000, 'KRW', 1000000,
        1000000000, 8, 10, $1, $1, $1 ${series}`,
    [at],
  );
  await client.query(
    `update offers o set used = (select count(*) from allocations a where a.provider = o.provider and a.offer = o.name)
      where provider = '${LOST}'`,
  );
  await client.query('vacuum (analyze)');
  await client.query('checkpoint');
}

/** What a job asks for, without what is its own. */
export const SPEC = JSON.stringify({
  name: 'running',
  kind: 'training',
  run: {
    image: 'registry.example/kogpt/train:1.4',
    command: ['python', 'train.py', '--config', 'configs/koelectra-base.yaml'],
    env: { LR: '1e-4', WARMUP_STEPS: '2000' },
  },
  placement: {
    objective: 'cheapest',
    spot: 'never',
    providers: { allow: [], deny: [] },
    regions: { allow: [], deny: [] },
    countries: ['KR'],
    realms: [],
    certifications: [],
    dataGrade: null,
    maxPricePerHour: null,
    maxPricePerJob: null,
    minSeparationKm: null,
    drVerified: false,
  },
  checkpoint: { intervalSeconds: 600, fromJob: null },
  limits: { maxRuntimeSeconds: null, deadline: null },
  expectedRuntimeSeconds: null,
  priority: 50,
  labels: { team: 'nlp' },
  quoteId: null,
  serve: null,
  graceSeconds: 10,
});
