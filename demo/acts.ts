import { spawnSync } from 'node:child_process';
import type { Job } from './api.ts';
import { differences } from './narrate.ts';
import { briefOf, panelOf } from './panel.ts';
import { pullThePlug, type Home, type Program } from './processes.ts';
import type { Screen } from './screen.ts';
import {
  lengthOf,
  offersOf,
  ordinaryTasks,
  SERVICE,
  serviceTask,
  TRAINING,
  trainingTask,
  vendorOf,
  VENDORS,
  type Task,
  type Vendor,
} from './story.ts';
import { distanceKm, money, seconds, table } from './text.ts';
import { watchWorld, type Picture, type Watch } from './watch.ts';
import { agentFolder, joinVendor, startAgent, startService, type World } from './world.ts';

/** The moment that everything is measured from. */
export interface Blow {
  readonly provider: string;
  readonly atMs: number;
  readonly processes: number;
  /** Jobs that it carried, by name. */
  readonly carried: readonly string[];
}

export interface Stage {
  readonly home: Home;
  readonly screen: Screen;
  readonly signal: AbortSignal;
  readonly ledgerFile: string;
}

export function prologue({ screen }: Stage): void {
  const { bold, dim, yellow } = screen.paint;
  const gpus =
    spawnSync('nvidia-smi', ['-L']).status === 0
      ? 'declared by flag, whatever this machine has'
      : 'declared, not real, on this machine';
  screen.plain([
    '',
    `  ${bold('Naru 나루')} — three vendors offer GPUs. One of them is about to disappear.`,
    `  ${dim('세 곳의 사업자가 GPU를 내놓습니다. 그중 한 곳이 곧 사라집니다.')}`,
    '',
    '  Real here: the service and its PostgreSQL, three agents, every job. Each is a process of its own,',
    '  and everything is asked over HTTP, as your client would.',
    `  ${yellow('Not real:')} the prices (demo prices, KRW) and the GPUs (${gpus}).`,
  ]);
}

export async function openService({ home, screen }: Stage): Promise<World> {
  screen.act('The service starts', '서비스를 시작합니다');
  const from = performance.now();
  const world = await startService(home);
  screen.say(
    `listening on ${world.api.url}, its own PostgreSQL made and migrated, in ${seconds(performance.now() - from)}`,
  );
  return world;
}

export async function openVendors({ screen }: Stage, world: World): Promise<void> {
  screen.act('Three vendors join, each with one program that dials out', '세 사업자가 참여합니다');
  await Promise.all(VENDORS.map((vendor) => joinVendor(world, vendor)));
  const [first] = VENDORS;
  const rows = VENDORS.map((vendor) => [
    `       ${vendor.name}`,
    vendor.korean,
    `${vendor.gpus} × ${vendor.gpuModel}`,
    `${money({ amount: vendor.gpuPrice, currency: 'KRW' })} an hour each`,
    first === undefined || vendor === first ? '' : `${distanceKm(first, vendor)} km from ${first.name}`,
  ]);
  screen.plain(table(rows));
  screen.say(
    screen.paint.dim(
      `${VENDORS.flatMap(offersOf).length} offers at demo prices; GPUs by the agents' flag --gpus`,
    ),
  );
}

export function startWatching({ screen, ledgerFile, signal }: Stage, { api }: World): Watch {
  const changed = (now: Picture, before: Picture) => {
    for (const line of differences(now, before, screen.paint)) screen.say(line);
    screen.show(panelOf(now, screen.paint), briefOf(now));
  };
  return watchWorld(api, ledgerFile, changed, signal);
}

/** Every creating request carries an Idempotency-Key; one of them is sent twice to show what that is for. */
export async function submitAll({ screen, ledgerFile }: Stage, world: World, watch: Watch): Promise<Job> {
  await watch.until('all vendors are healthy', 20_000, ({ providers }) =>
    VENDORS.every(({ name }) => providers.get(name)?.health.state === 'healthy'),
  );
  screen.act('Jobs arrive over HTTP', '작업을 제출합니다');
  const training = trainingTask(ledgerFile);
  const job = await submit(world, training);
  const again = await world.api.post<Job>('/v1/jobs', training.body, keyOf(training));
  if (again.body.id !== job.id || !again.replayed) throw new Error('the same request made two jobs');
  for (const task of ordinaryTasks(ledgerFile)) await submit(world, task);
  screen.say(`${TRAINING} was sent twice with one Idempotency-Key and exists once`);
  return job;
}

/** The service job starts from what the training saved, so it is asked for as soon as there is something. */
export async function addService(
  { screen, ledgerFile }: Stage,
  world: World,
  watch: Watch,
  training: Job,
): Promise<void> {
  await watch.until(
    'the training has saved its work',
    30_000,
    ({ checkpointsSaved }) => checkpointsSaved >= 1,
  );
  await submit(world, serviceTask(ledgerFile, training.id));
  screen.say(`${SERVICE} is asked for: it loads what ${TRAINING} saved last, while that goes on learning`);
  await watch.until(
    `${SERVICE} answers`,
    30_000,
    ({ probes }) => probes.filter(({ right }) => right).length >= 5,
  );
}

/** SIGKILL of whoever carries the most, in a moment in which none of its jobs is about to end. */
export async function strike({ home, screen }: Stage, world: World, watch: Watch): Promise<Blow> {
  await watch.until(
    'the training has saved more, and nobody is about to end',
    30_000,
    (picture) =>
      picture.checkpointsSaved >= 2 && epochOf(picture.ledger) >= 16 && isQuiet(picture, Date.now()),
  );
  const provider = busiest(watch.picture());
  const carried = jobsAt(watch.picture(), provider);
  const vendor = vendorOf(provider) as Vendor;
  screen.act(`${vendor.city} disappears`, `${vendor.korean} 사업자가 사라졌습니다`);
  const program = world.agents.get(provider) as Program;
  const atMs = Date.now();
  const processes = await pullThePlug(program, agentFolder(home, provider));
  world.agents.delete(provider);
  const { red } = screen.paint;
  screen.say(
    red(
      `SIGKILL to the agent that carries the most, ${provider}, and to all that it started: ${processes} processes`,
    ),
  );
  screen.say(`it carried ${carried.join(', ')}`);
  return { provider, atMs, processes, carried };
}

/** Until everything that was lost works again, and can be seen to: in the ledger, and by an answer over HTTP. */
export async function recover({ screen }: Stage, watch: Watch, blow: Blow): Promise<void> {
  await watch.until('everything that was lost runs again', 45_000, ({ ledger, probes }) =>
    blow.carried.every((name) =>
      name === SERVICE
        ? probes.some(({ right, atMs }) => right && atMs > blow.atMs + 500)
        : ledger.some((line) => line.name === name && line.what === 'start' && line.atMs > blow.atMs),
    ),
  );
  screen.act('Everything that was lost runs again elsewhere', '다른 사업자에서 모두 다시 돌고 있습니다');
}

/** The vendor mends its machine: its agent finds its old folder, and learns that nothing there is its any more. */
export async function comeBack({ screen }: Stage, world: World, blow: Blow): Promise<void> {
  const vendor = vendorOf(blow.provider) as Vendor;
  await startAgent(world, vendor);
  screen.say(
    `${vendor.name} is back with its old folder (${vendor.korean} 복귀): its former jobs are not its any more`,
  );
}

export async function finish({ screen }: Stage, world: World, watch: Watch): Promise<void> {
  const ordinary = (jobs: ReadonlyMap<string, Job>) =>
    [...jobs.values()].filter(({ name }) => name !== SERVICE);
  await watch.until('all jobs have ended', 60_000, ({ jobs }) =>
    ordinary(jobs).every(({ finishedAt }) => finishedAt !== null),
  );
  const service = watch.picture().jobs.get(SERVICE) as Job;
  screen.act('The work is done; the service job is stopped on request', '작업이 끝나 서비스를 멈춥니다');
  await world.api.post(`/v1/jobs/${service.id}/cancel`);
  await watch.until(`${SERVICE} has stopped`, 20_000, ({ jobs }) => jobs.get(SERVICE)?.finishedAt != null);
}

const keyOf = (task: Task) => `demo-${task.name}`;

async function submit({ api }: World, task: Task): Promise<Job> {
  return (await api.post<Job>('/v1/jobs', task.body, keyOf(task))).body;
}

function epochOf(ledger: Picture['ledger']): number {
  return ledger.findLast(({ what }) => what === 'epoch')?.epoch ?? 0;
}

function jobsAt({ jobs }: Picture, provider: string): string[] {
  return [...jobs.values()]
    .filter(({ state, placement }) => state === 'running' && placement?.provider === provider)
    .map(({ name }) => name);
}

function busiest(picture: Picture): string {
  const counts = VENDORS.map(({ name }) => ({ name, count: jobsAt(picture, name).length }));
  return counts.reduce((a, b) => (b.count > a.count ? b : a)).name;
}

/**
 * A job that ends in the very instant in which its machine dies, unheard, has to run again: nobody can know. That is
 * no flaw to be shown here, so the blow does not fall within a second and a half of an expected end.
 */
function isQuiet({ ledger, jobs }: Picture, nowMs: number): boolean {
  return [...jobs.values()].every(({ name, finishedAt }) => {
    const start = ledger.findLast((line) => line.name === name && line.what === 'start');
    const seconds = lengthOf(name);
    if (finishedAt !== null || start === undefined || seconds === null) return true;
    return Math.abs(start.atMs + seconds * 1000 - nowMs) > 1_500;
  });
}
