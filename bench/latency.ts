import { setTimeout as wait } from 'node:timers/promises';
import { startAgent } from './harness/agent.ts';
import { cpuJob } from './harness/api.ts';
import type { Bench, Finding } from './harness/bench.ts';
import { startService, type Service } from './harness/service.ts';
import { spawnMs } from './harness/spawning.ts';
import { number, quantile, rising } from './harness/stats.ts';
import { eventsOf } from './harness/stream.ts';
import { table } from './harness/table.ts';

const COMMAND = ['sleep', '0.3'];
const WAYS = [
  ['own', 'the `process` broker'],
  ['agent', 'an agent in a process of its own'],
] as const;

interface Sample {
  /** Of the POST. */
  readonly answeredMs: number;
  /** Until this client was told that it runs. */
  readonly seenMs: number;
  /** From submission to the start of the command, both as the service has them on record. */
  readonly startedMs: number;
  /** From submission until the service had it on record that it runs. */
  readonly knownMs: number;
}

/** From the POST to a running process, one job at a time on a service that has nothing else to do. */
export async function latency(bench: Bench): Promise<Finding> {
  const jobs = bench.quick ? 10 : 120;
  const service = await startService(bench);
  await service.api.makeProject();
  await service.api.makeProvider('own', 'process', 4);
  await service.api.untilHealthy('own');
  const agent = await startAgent(bench, service, 'agent', 4);
  const samples = { own: [] as Sample[], agent: [] as Sample[] };
  const spawns: number[] = [];
  for (let job = 0; job < jobs; job += 1) {
    const alone = await spawnMs(COMMAND);
    spawns.push(alone.ms);
    await alone.ended;
    for (const [provider] of WAYS) samples[provider].push(await once(service, provider));
    if ((job + 1) % 20 === 0) bench.say(`latency: ${job + 1} of ${jobs} jobs each way`);
  }
  await agent.stop();
  await service.stop();
  return finding(samples, spawns, jobs);
}

async function once(service: Service, provider: string): Promise<Sample> {
  // Anywhere in the beat of the sweep and of the heartbeats.
  await wait(Math.random() * 300);
  const body = { ...cpuJob(COMMAND), placement: { providers: { allow: [provider] } } };
  const posted = performance.now();
  const { id } = (await service.api.call('POST', '/v1/jobs', body)) as { id: string };
  const answeredMs = performance.now() - posted;
  let seenMs = NaN;
  let knownAt = NaN;
  for await (const { type, at } of eventsOf(service, id)) {
    if (type === 'job.running' && Number.isNaN(seenMs)) {
      seenMs = performance.now() - posted;
      knownAt = Date.parse(at);
    }
    if (type === 'job.failed' || type === 'job.succeeded') break;
  }
  const job = (await service.api.call('GET', `/v1/jobs/${id}`)) as Record<
    'createdAt' | 'startedAt' | 'state',
    string
  >;
  if (job.state !== 'succeeded') throw new Error(`${id} is ${job.state}`);
  const createdAt = Date.parse(job.createdAt);
  return {
    answeredMs,
    seenMs,
    startedMs: Date.parse(job.startedAt) - createdAt,
    knownMs: knownAt - createdAt,
  };
}

function finding(
  samples: Record<'own' | 'agent', Sample[]>,
  spawns: readonly number[],
  jobs: number,
): Finding {
  const both = (values: readonly number[]) => {
    const sorted = rising(values);
    return [number(quantile(sorted, 0.5)), number(quantile(sorted, 0.99))];
  };
  const alone = quantile(rising(spawns), 0.5);
  const row = (name: string, of: readonly Sample[]) => {
    const started = of.map((sample) => sample.startedMs);
    return [
      name,
      ...both(of.map((sample) => sample.answeredMs)),
      ...both(started),
      ...both(of.map((sample) => sample.knownMs)),
      ...both(of.map((sample) => sample.seenMs)),
      `${number(quantile(rising(started), 0.5) / alone)}×`,
    ];
  };
  const head = [
    'ms',
    '201, p50',
    'p99',
    'started, p50',
    'p99',
    'known, p50',
    'p99',
    'seen, p50',
    'p99',
    'of a spawn',
  ];
  return {
    title: 'Latency: from the POST to running, on an idle service',
    table: table([
      head,
      ['the same command, spawned directly', '', '', ...both(spawns), '', '', '', '', '1.00×'],
      ...WAYS.map(([provider, name]) => row(name, samples[provider])),
    ]),
    notes: [
      `${jobs} jobs each way, one at a time, at random moments, taking turns with a direct spawn of \`${COMMAND.join(' ')}\`.`,
      '`201`: the client has its answer, the job is durable. `started`: from the job’s `createdAt` to its `startedAt`, which is when its process ran. `known`: to the event `job.running` on record. `seen`: from before the POST until the client got `job.running` on its event stream, which looks every 200 ms (a NOTIFY per change would cost every writer its group commit).',
      '`of a spawn`: median `started` by median direct spawn.',
    ],
  };
}
