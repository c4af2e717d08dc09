import '../../src/lean.ts';
import { hash, randomUUID } from 'node:crypto';
import Fastify, { LogController } from 'fastify';
import pg from 'pg';
import { pino } from 'pino';
import type { Actor } from '../../src/core/access.ts';
import { Problem } from '../../src/core/problem.ts';
import { contradictions } from '../../src/core/spec-check.ts';
import { createIds } from '../../src/ids.ts';
import { createMetrics } from '../../src/metrics.ts';
import { submittedJob } from '../../src/store/apply/submissions.ts';
import { acceptJson } from '../../routes/bodies.ts';
import { creatingHeaders } from '../../routes/creating.ts';
import { guard } from '../../routes/guard.ts';
import { logRequests } from '../../routes/logging.ts';
import { sendProblem } from '../../routes/problems.ts';
import type { App } from '../../routes/room.ts';
import { jobRequest, toJobSpec } from '../../routes/schemas/job-request.ts';
import { validatorCompiler } from '../../routes/validation.ts';
import { renderJob } from '../../routes/views/job.ts';

/**
 * What intake is measured against, as a process of its own: `POST /v1/jobs` with the service's own door (guard,
 * schemas, answer, log line), and instead of a submission
 *   `answer`: nothing at all;
 *   `insert`: one plain INSERT, committed, through a named statement and a pool, into a table with one index.
 * No idempotency, no event, no audit: what a first version of such a service would do.
 *
 * Usage: node bare.ts answer|insert KEY [DATABASE_URL]
 */
const [mode = 'answer', key = '', databaseUrl = ''] = process.argv.slice(2);
/** As many as make the plain INSERT fastest; the service's own pool has 24. */
const CONNECTIONS = 16;

const ids = createIds();
const log = pino({ level: 'info' }, pino.destination({ dest: 2, sync: false }));
const keep = mode === 'insert' ? await plainTable() : null;
const app = newApp();

app.post(
  '/v1/jobs',
  {
    config: { may: 'jobs.write' },
    schema: { operationId: 'submitJob', headers: creatingHeaders, body: jobRequest },
  },
  async (request, reply) => {
    const now = new Date();
    const spec = toJobSpec(request.body);
    if (contradictions(spec, now).length > 0)
      throw new Problem('impossible-spec', 'The job contradicts itself.');
    const row = submittedJob(ids.next('job', now), 'bench', spec, request.actor.id, now, null);
    if (keep !== null) await keep(row.id, row.project, row.state, JSON.stringify(spec), now);
    reply.code(201).header('location', `/v1/jobs/${row.id}`);
    return renderJob(row, undefined, { currency: 'KRW', language: 'en' });
  },
);

await app.listen({ host: '127.0.0.1', port: 0 });
const { port } = app.server.address() as { port: number };
process.stdout.write(`bare is listening on http://127.0.0.1:${port}\n`);
process.once('SIGTERM', () => process.exit(0));

/** The same application as routes/app.ts makes, with one known key. */
function newApp(): App {
  const made = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: () => ids.next('req', new Date()),
    bodyLimit: 1024 * 1024,
  }) as unknown as App;
  made.setValidatorCompiler(validatorCompiler);
  made.setSerializerCompiler(() => (data) => JSON.stringify(data));
  made.setErrorHandler((error, request, reply) => sendProblem(request, reply, error));
  acceptJson(made);
  logRequests(made, createMetrics());
  guard(
    made,
    {
      authenticate: async (request) => known(request.headers.authorization ?? ''),
      forget() {},
      isStillGood: async () => true,
    },
    { failuresPerMinute: 300, requestsPerMinute: null },
  );
  return made;
}

function known(authorization: string) {
  const secret = authorization.replace(/^Bearer /, '');
  if (hash('sha256', secret, 'hex') !== hash('sha256', key, 'hex'))
    throw new Problem('unauthenticated', 'Another key.');
  const actor: Actor = {
    id: 'key-bench',
    role: 'admin',
    projects: [],
    organization: null,
    vendor: null,
    provider: null,
  };
  return { actor, secret };
}

async function plainTable() {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: CONNECTIONS });
  const table = `plain_${randomUUID().replaceAll('-', '')}`;
  await pool.query(
    `create table ${table} (id text primary key, project text not null, state text not null, spec jsonb not null, created_at timestamptz not null)`,
  );
  const text = `insert into ${table} (id, project, state, spec, created_at) values ($1, $2, $3, $4, $5)`;
  return (...values: unknown[]) => pool.query({ name: 'plain', text, values });
}
