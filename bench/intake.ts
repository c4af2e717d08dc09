import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpuJob } from './harness/api.ts';
import type { Bench, Finding } from './harness/bench.ts';
import { load, type Loaded } from './harness/load.ts';
import { start } from './harness/processes.ts';
import { cpuSeconds, familyOf } from './harness/proc.ts';
import { startService } from './harness/service.ts';
import { measured, number, ratios, spread } from './harness/stats.ts';
import { table } from './harness/table.ts';

const BARE = fileURLToPath(new URL('servers/bare.ts', import.meta.url));
const CONNECTIONS = 64;

/** A job of ordinary size: some of everything, 700 bytes. */
const JOB = {
  ...cpuJob(['python', 'train.py', '--config', 'configs/koelectra-base.yaml', '--epochs', '3']),
  name: 'koelectra-pretrain',
  run: {
    image: 'registry.example/kogpt/train:1.4',
    command: ['python', 'train.py', '--config', 'configs/koelectra-base.yaml', '--epochs', '3'],
    env: { LR: '1e-4', WARMUP_STEPS: '2000', WANDB_MODE: 'offline' },
  },
  resources: {
    gpu: { count: 8, models: ['H100', 'A100-80GB'], minMemoryGiB: 40 },
    cpus: 32,
    memoryGiB: 256,
    nodes: 1,
  },
  placement: {
    objective: 'cheapest',
    countries: ['KR'],
    maxPricePerHour: { amount: '60000', currency: 'KRW' },
  },
  continuity: { mode: 'restart', rtoSeconds: 300, rpoSeconds: 600 },
  checkpoint: { intervalSeconds: 600 },
  limits: { maxRuntimeSeconds: 86_400 },
  priority: 50,
  labels: { team: 'nlp' },
};

interface Round extends Loaded {
  /** Microseconds of CPU per job, in the contender's process and in PostgreSQL (NaN: not ours to see). */
  readonly cpuUs: number;
  readonly databaseUs: number;
}

interface Contender {
  readonly name: string;
  readonly url: string;
  readonly key: string;
  readonly pid: number;
  readonly rounds: Round[];
  stop(): Promise<void>;
}

/** `POST /v1/jobs`, durable, against the same door without storage and with one plain INSERT. */
export async function intake(bench: Bench): Promise<Finding> {
  const rounds = bench.quick ? 1 : 5;
  const seconds = bench.quick ? 2 : 6;
  const contenders = [
    await bare(bench, 'answer', '(a) validated and answered, nothing stored'),
    await bare(bench, 'insert', '(b) one plain INSERT per request'),
    await real(bench, 'api', 'the service, intake alone (`NARU_ROLE=api`)'),
    await real(bench, 'all', 'the service, whole (scheduling what comes in too)'),
  ];
  for (const contender of contenders) await once(bench, contender, Math.min(2, seconds));
  for (const { rounds: warmup } of contenders) warmup.length = 0;
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of contenders) {
      const { perSecond, cpuUs, databaseUs } = await once(bench, contender, seconds);
      bench.say(
        `intake ${round + 1}/${rounds}: ${contender.name}: ${number(perSecond)}/s, ${number(cpuUs)} + ${number(databaseUs)} µs CPU a job`,
      );
    }
  }
  for (const contender of contenders) await contender.stop();
  return finding(contenders, seconds, rounds);
}

async function once(bench: Bench, { url, key, pid, rounds }: Contender, seconds: number): Promise<Round> {
  const server = bench.database.pid;
  const used = () => ({
    own: cpuSeconds([pid]),
    database: server === null ? NaN : cpuSeconds(familyOf(server)),
  });
  const before = used();
  const loaded = await load({ url: `${url}/v1/jobs`, key, body: JOB, connections: CONNECTIONS, seconds });
  const after = used();
  const perJob = (cpu: number) => (cpu * 1e6) / loaded.answered;
  const round = {
    ...loaded,
    cpuUs: perJob(after.own - before.own),
    databaseUs: perJob(after.database - before.database),
  };
  rounds.push(round);
  return round;
}

async function bare(bench: Bench, mode: 'answer' | 'insert', name: string): Promise<Contender> {
  const databaseUrl = mode === 'insert' ? await bench.database.create() : '';
  const running = await start({
    command: [process.execPath, BARE, mode, 'bench', databaseUrl],
    env: {},
    announces: /listening on (http:\S+)/,
    log: join(bench.folder, `bare-${mode}.log`),
  });
  return {
    name,
    url: running.announced,
    key: 'bench',
    pid: running.child.pid as number,
    rounds: [],
    stop: () => running.stop(),
  };
}

async function real(bench: Bench, role: 'api' | 'all', name: string): Promise<Contender> {
  const service = await startService(bench, { role });
  await service.api.makeProject();
  return {
    name,
    url: service.url,
    key: service.key,
    pid: service.pid,
    rounds: [],
    stop: () => service.stop(),
  };
}

function finding(contenders: readonly Contender[], seconds: number, rounds: number): Finding {
  const perSecond = (one: Contender | undefined) => one?.rounds.map((loaded) => loaded.perSecond) ?? [];
  const [a, b] = contenders.map(perSecond);
  const head = [
    '64 connections',
    'jobs/s',
    'p50 ms',
    'p99 ms',
    'of (a)',
    'of (b)',
    'CPU µs/job',
    'PostgreSQL',
  ];
  const rows = contenders.map((one) => [
    one.name,
    spread(measured(perSecond(one))),
    number(measured(one.rounds.map((loaded) => loaded.p50Ms)).median),
    number(measured(one.rounds.map((loaded) => loaded.p99Ms)).median),
    spread(ratios(perSecond(one), a ?? [])),
    spread(ratios(perSecond(one), b ?? [])),
    number(measured(one.rounds.map((round) => round.cpuUs)).median),
    number(measured(one.rounds.map((round) => round.databaseUs)).median),
  ]);
  return {
    title: 'Intake: `POST /v1/jobs`, durable',
    table: table([head, ...rows]),
    notes: [
      `Median [range] of ${rounds} rounds of ${seconds} s, taking turns; autocannon in its own process, an Idempotency-Key of its own for each request. Ratios are of neighbours in time.`,
      "`CPU µs/job`: CPU time of the contender's process per job, and of all of PostgreSQL; steadier than rates where other programs are busy on the same machine.",
      'Every contender is one process with the same guard, zod schemas, rendering and log line per request; (b) writes id, project, state, spec and time into a table with nothing but a primary key and knows no idempotency, events or audit.',
      'The service commits the job, its idempotency row, its first event and its link of the audit chain before it answers.',
    ],
  };
}
