import { cpuJob } from './harness/api.ts';
import { runBatch } from './harness/batch.ts';
import type { Bench, Finding } from './harness/bench.ts';
import { onServer } from './harness/database.ts';
import { startFleet } from './harness/fleet.ts';
import { makePast } from './harness/past.ts';
import { cpuSeconds, familyOf } from './harness/proc.ts';
import { startService, type Service } from './harness/service.ts';
import { measured, number, ratios, spread, type Measured } from './harness/stats.ts';
import { table } from './harness/table.ts';

const ROUNDS = 5;
const WITHIN_SECONDS = 900;

interface Round {
  readonly msPerJob: number;
  readonly cpuUs: number;
  readonly databaseUs: number;
}

interface Side {
  readonly name: string;
  readonly service: Service;
  readonly rounds: Round[];
  stop(): Promise<void>;
}

/** The same work with nothing and with a million finished jobs in the store, taking turns on one server. */
export async function history(bench: Bench): Promise<Finding> {
  const past = bench.quick ? 50_000 : 1_000_000;
  const jobs = bench.quick ? 1_000 : 10_000;
  const [empty, full] = [
    await side(bench, 'an empty store'),
    await side(bench, `${past.toLocaleString('en-US')} finished jobs in it`),
  ];
  await makePast(full.service.databaseUrl, 'sim-0', past, bench.say);
  for (const one of [empty, full]) await runBatch(one.service, cpuJob(['true']), jobs / 10, WITHIN_SECONDS);
  for (let round = 1; round <= ROUNDS; round += 1) {
    // Who comes first changes, so that what the one leaves to be written by the checkpointer is not always the other's.
    for (const one of round % 2 === 0 ? [full, empty] : [empty, full]) {
      const { msPerJob, cpuUs, databaseUs } = await once(bench, one, jobs);
      bench.say(
        `history ${round}/${ROUNDS}: ${one.name}: ${number(msPerJob)} ms a job; CPU ${number(cpuUs)} + ${number(databaseUs)} µs`,
      );
    }
  }
  const size = await onServer(
    full.service.databaseUrl,
    'select pg_size_pretty(pg_database_size(current_database())) as size',
  );
  for (const one of [empty, full]) await one.stop();
  return finding(empty, full, jobs, String(size[0]?.['size']));
}

async function side(bench: Bench, name: string): Promise<Side> {
  const service = await startService(bench);
  await service.api.makeProject();
  const fleet = await startFleet(service, { agents: 4, capacity: 1_000, ends: true });
  const stop = async () => {
    await fleet.stop();
    await service.stop();
    await bench.database.drop(service.databaseUrl);
  };
  return { name, service, rounds: [], stop };
}

async function once(bench: Bench, { service, rounds }: Side, jobs: number): Promise<Round> {
  const server = bench.database.pid;
  const used = () =>
    [cpuSeconds([service.pid]), server === null ? NaN : cpuSeconds(familyOf(server))] as const;
  const before = used();
  const batch = await runBatch(service, cpuJob(['true']), jobs, WITHIN_SECONDS);
  const after = used();
  const perJob = (index: 0 | 1) => ((after[index] - before[index]) * 1e6) / batch.jobs;
  const round = { msPerJob: (batch.seconds * 1000) / batch.jobs, cpuUs: perJob(0), databaseUs: perJob(1) };
  rounds.push(round);
  return round;
}

function finding(empty: Side, full: Side, jobs: number, size: string): Finding {
  const of = (one: Side, pick: keyof Round) => one.rounds.map((round) => round[pick]);
  const row = (one: Side) => [
    one.name,
    spread(measured(of(one, 'msPerJob'))),
    more(ratios(of(one, 'msPerJob'), of(empty, 'msPerJob'))),
    number(measured(of(one, 'cpuUs')).median),
    number(measured(of(one, 'databaseUs')).median),
    more(ratios(of(one, 'databaseUs'), of(empty, 'databaseUs'))),
  ];
  return {
    title: 'History: the same work in a store full of finished jobs',
    table: table([
      [
        `${jobs.toLocaleString('en-US')} jobs of 0 s`,
        'ms per job',
        'more',
        'CPU µs/job, service',
        'PostgreSQL',
        'more',
      ],
      row(empty),
      row(full),
    ]),
    notes: [
      `Median [range] of ${ROUNDS} rounds, the two taking turns on one PostgreSQL server; simulated providers as above.`,
      `Each finished job has left its allocation, six events, a decision, an audit record and an idempotency row: ${size} in all.`,
      '`more`: round by round, over the empty store.',
    ],
  };
}

const more = ({ median, min, max }: Measured) => `${percent(median)} [${percent(min)}..${percent(max)}]`;
const percent = (ratio: number) => `${ratio >= 1 ? '+' : '−'}${number(Math.abs(ratio - 1) * 100)} %`;
