import type { Stage } from './acts.ts';
import type { Job } from './api.ts';
import { pullThePlug, type Program } from './processes.ts';
import { lengthOf, SERVICE, vendorOf, VENDORS, type Vendor } from './story.ts';
import type { Picture, Watch } from './watch.ts';
import { agentFolder, startAgent, type World } from './world.ts';

/** The moment that everything is measured from. */
export interface Blow {
  readonly provider: string;
  readonly atMs: number;
  readonly processes: number;
  /** Jobs that it carried, by name. */
  readonly carried: readonly string[];
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
