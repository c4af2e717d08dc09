import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as wait } from 'node:timers/promises';
import { cpuJob } from './harness/api.ts';
import type { Bench, Finding } from './harness/bench.ts';
import { onServer } from './harness/database.ts';
import { startFleet } from './harness/fleet.ts';
import { load } from './harness/load.ts';
import { memoryOf } from './harness/memory.ts';
import { start } from './harness/processes.ts';
import { startService, type Service } from './harness/service.ts';
import { measured, number, spread } from './harness/stats.ts';
import { table } from './harness/table.ts';

const BARE = fileURLToPath(new URL('servers/bare.ts', import.meta.url));
const SAMPLES = 10;
const RUNNING_WITHIN_SECONDS = 300;

interface Held {
  readonly service: readonly number[];
  readonly database: readonly number[];
}

/** What the service holds with nothing to do, and with 10,000 jobs running. */
export async function memory(bench: Bench): Promise<Finding> {
  const jobs = bench.quick ? 1_000 : 10_000;
  const bare = await bareProcess(bench, jobs);
  const service = await startService(bench);
  await service.api.makeProject();
  await wait(5_000);
  const idle = await sample(bench, service.pid);
  bench.say(`memory: idle ${spread(measured(idle.service))} MiB`);
  const fleet = await startFleet(service, { agents: 10, capacity: jobs / 10, ends: false });
  const job = cpuJob(['sleep', '86400']);
  await load({ url: `${service.url}/v1/jobs`, key: service.key, body: job, connections: 64, amount: jobs });
  await untilRunning(service, jobs);
  bench.say(`memory: ${jobs} running`);
  await wait(bench.quick ? 5_000 : 30_000);
  const busy = await sample(bench, service.pid);
  await fleet.stop();
  await service.stop();
  return finding(jobs, bare, idle, busy);
}

async function bareProcess(bench: Bench, requests: number): Promise<Held> {
  const running = await start({
    command: [process.execPath, BARE, 'answer', 'bench'],
    env: {},
    announces: /listening on (http:\S+)/,
    log: join(bench.folder, 'bare-memory.log'),
  });
  await load({
    url: `${running.announced}/v1/jobs`,
    key: 'bench',
    body: cpuJob(['true']),
    connections: 64,
    amount: requests,
  });
  const held = await sample(bench, running.child.pid as number);
  await running.stop();
  return held;
}

async function untilRunning(service: Service, jobs: number): Promise<void> {
  const until = performance.now() + RUNNING_WITHIN_SECONDS * 1000;
  for (;;) {
    const [row] = await onServer(
      service.databaseUrl,
      `select count(*)::int as n from jobs where state = 'running'`,
    );
    if (Number(row?.['n']) >= jobs) return;
    if (performance.now() > until) throw new Error(`${String(row?.['n'])} of ${jobs} jobs run`);
    await wait(250);
  }
}

async function sample(bench: Bench, pid: number): Promise<Held> {
  const held = { service: [] as number[], database: [] as number[] };
  for (let one = 0; one < SAMPLES; one += 1) {
    held.service.push(memoryOf(pid).rssMiB);
    held.database.push(bench.database.pid === null ? NaN : memoryOf(bench.database.pid).pssMiB);
    await wait(500);
  }
  return held;
}

function finding(jobs: number, bare: Held, idle: Held, busy: Held): Finding {
  const many = jobs.toLocaleString('en-US');
  const yardstick = measured(bare.service).median;
  const row = (name: string, held: Held) => [
    name,
    spread(measured(held.service)),
    `${number(measured(held.service).median / yardstick)}×`,
    spread(measured(held.database)),
  ];
  const perJob = ((measured(busy.service).median - measured(idle.service).median) * 1024) / jobs;
  return {
    title: `Memory: idle, and with ${many} running`,
    table: table([
      ['MiB', 'process, RSS', 'of bare', 'PostgreSQL, PSS'],
      [`a bare fastify process after ${many} requests`, spread(measured(bare.service)), '1.00×', '–'],
      row('the service, idle', idle),
      row(`the service, ${many} running`, busy),
    ]),
    notes: [
      `Ten simulated providers (in the benchmark’s process) report ${many} running jobs every second; measured half a minute after the last one was running, ${SAMPLES} samples. ${number(perJob)} KiB a running job.`,
      'PostgreSQL beside it: all of its processes, shared pages counted once (PSS); its shared_buffers fill up with time, whatever runs.',
    ],
  };
}
