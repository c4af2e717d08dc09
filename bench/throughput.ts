import { startAgent } from './harness/agent.ts';
import { cpuJob } from './harness/api.ts';
import { runBatch } from './harness/batch.ts';
import type { Bench, Finding } from './harness/bench.ts';
import { startFleet } from './harness/fleet.ts';
import { plainTable } from './harness/plain-table.ts';
import { startService } from './harness/service.ts';
import { spawnRate } from './harness/spawning.ts';
import { measured, number, ratios, spread } from './harness/stats.ts';
import { table } from './harness/table.ts';

const ROUNDS = 3;
/** Processes at once, for the service and for its yardstick. */
const PLACES = 16;
const COMMAND = ['true'];
const WITHIN_SECONDS = 600;

/** Jobs of 0 s from the first POST to the last end. */
export async function throughput(bench: Bench): Promise<Finding> {
  const few = bench.quick ? 100 : 500;
  const many = bench.quick ? 1_000 : 10_000;
  const real = await realProcesses(bench, few);
  const simulated = await simulatedProviders(bench, many);
  const head = ['Jobs of 0 s, end to end', 'jobs', 'jobs/s', 'yardstick/s', 'ratio'];
  return {
    title: 'Throughput: jobs of 0 s, end to end',
    table: table([head, ...real, simulated]),
    notes: [
      `Median [range] of ${ROUNDS} rounds, taking turns with the yardstick. From the first POST (64 connections, autocannon) to the last job's end on record; every job must have succeeded.`,
      `Real processes: \`${COMMAND.join(' ')}\`, ${PLACES} places; its yardstick starts the same program as often from a bare Node program, ${PLACES} at a time.`,
      'Simulated: four providers in the benchmark’s own process that speak the agents’ call over HTTP, 1,000 places each, and run nothing; its yardstick is a table with one INSERT and two UPDATEs per job, each committed, over 16 connections: no placement, no fencing, no events, no bill.',
    ],
  };
}

async function realProcesses(bench: Bench, jobs: number): Promise<string[][]> {
  const service = await startService(bench);
  await service.api.makeProject();
  await service.api.makeProvider('own', 'process', PLACES);
  await service.api.untilHealthy('own');
  const agent = await startAgent(bench, service, 'agent', PLACES);
  const rates: Record<'own' | 'agent' | 'spawn', number[]> = { own: [], agent: [], spawn: [] };
  for (let round = 1; round <= ROUNDS; round += 1) {
    rates.spawn.push(await spawnRate(COMMAND, jobs, PLACES));
    for (const provider of ['own', 'agent'] as const) {
      const body = { ...cpuJob(COMMAND), placement: { providers: { allow: [provider] } } };
      const batch = await runBatch(service, body, jobs, WITHIN_SECONDS);
      rates[provider].push(batch.perSecond);
      bench.say(
        `throughput ${round}/${ROUNDS}: ${provider}: ${number(batch.perSecond)}/s; spawning alone ${number(rates.spawn.at(-1) ?? NaN)}/s`,
      );
    }
  }
  await agent.stop();
  await service.stop();
  const row = (name: string, of: readonly number[]) => line(name, jobs, of, rates.spawn);
  return [row('`process` broker, real processes', rates.own), row('an agent, real processes', rates.agent)];
}

async function simulatedProviders(bench: Bench, jobs: number): Promise<string[]> {
  const service = await startService(bench);
  await service.api.makeProject();
  const fleet = await startFleet(service, { agents: 4, capacity: 1_000, ends: true });
  const plain = await bench.database.create();
  const rates = { service: [] as number[], plain: [] as number[] };
  for (let round = 1; round <= ROUNDS; round += 1) {
    rates.plain.push(await plainTable(plain, jobs));
    const batch = await runBatch(service, cpuJob(COMMAND), jobs, WITHIN_SECONDS);
    rates.service.push(batch.perSecond);
    bench.say(
      `throughput ${round}/${ROUNDS}: simulated: ${number(batch.perSecond)}/s; plain table ${number(rates.plain.at(-1) ?? NaN)}/s`,
    );
  }
  await fleet.stop();
  await service.stop();
  return line('simulated providers', jobs, rates.service, rates.plain);
}

function line(name: string, jobs: number, of: readonly number[], yardstick: readonly number[]): string[] {
  return [
    name,
    jobs.toLocaleString('en-US'),
    spread(measured(of)),
    spread(measured(yardstick)),
    spread(ratios(of, yardstick)),
  ];
}
