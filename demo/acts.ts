import { spawnSync } from 'node:child_process';
import type { Job } from './api.ts';
import { differences } from './narrate.ts';
import { briefOf, panelOf } from './panel.ts';
import type { Home } from './processes.ts';
import type { Screen } from './screen.ts';
import {
  offersOf,
  ordinaryTasks,
  SERVICE,
  serviceTask,
  TRAINING,
  trainingTask,
  VENDORS,
  type Task,
} from './story.ts';
import { distanceKm, money, seconds, table } from './text.ts';
import { watchWorld, type Picture, type Watch } from './watch.ts';
import { joinVendor, startService, type World } from './world.ts';

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

const keyOf = (task: Task) => `demo-${task.name}`;

async function submit({ api }: World, task: Task): Promise<Job> {
  return (await api.post<Job>('/v1/jobs', task.body, keyOf(task))).body;
}
