import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { removeCgroup, type Ground } from './cgroups.ts';
import { removeCage } from './cage.ts';
import { sameBoot, stamp } from './clock.ts';
import { paidSecondsOf, type Exit, type Folders, type Started } from './folders.ts';
import { createHunter } from './hunter.ts';
import { END_MARGIN_MS } from './lease.ts';
import { readLeaseFile, removeLeaseFile } from './leaseFile.ts';
import { startTicksOf } from './tree.ts';
import { lifeOf, UNPAID } from './verdict.ts';

/**
 * What a warden that was killed left behind: jobs with an intent and no end. Whatever of them still runs is killed,
 * and they are put on record as `lost`, because nobody saw how they ended, unless the sentinel did. Called before a
 * new warden listens, so that nobody is ever told of a job whose processes are still there.
 */
export async function clearLeftovers(folders: Folders, ground: Ground): Promise<void> {
  const hunter = createHunter();
  await Promise.all(
    folders.ids().map(async (id) => {
      const intent = folders.read(id, 'intent.json');
      if (intent === null || folders.read(id, 'exit.json') !== null) return;
      const started = folders.read(id, 'started.json');
      const alive = started !== null && sameBoot(started.at);
      const startTicks = started?.startTicks ?? null;
      const leader = alive && isOrWas(started.pid, startTicks) ? started.pid : null;
      const cage = { dirs: sameBoot(intent.at) ? intent.cgroups : [] };
      await hunter.kill({ allocationId: id, leader, startTicks, cage });
      removeCage(cage);
      folders.write(id, 'exit.json', { ...howItEnded(folders, id, started), exitCode: null });
      removeLeaseFile(folders.of(id));
    }),
  );
  if (ground.memory !== null) clearCgroups(ground.memory);
  if (ground.cpu !== null) clearCgroups(ground.cpu);
}

function howItEnded(folders: Folders, id: string, started: Started | null): Omit<Exit, 'exitCode'> {
  const lease = readLeaseFile(folders.of(id));
  const untilMs = lease?.untilMs ?? Infinity;
  const life = started === null ? { ranMs: null, at: stamp() } : lifeOf(started, untilMs);
  if (lease?.struck !== true) return { ...LOST, ...life };
  const paidMs = paidMsOf(folders, id);
  const unpaid = started !== null && paidMs !== null && untilMs >= started.at.upMs + paidMs - END_MARGIN_MS;
  return { ...(unpaid ? OUT_OF_MONEY : EXPIRED), ...life };
}

function paidMsOf(folders: Folders, id: string): number | null {
  const order = folders.read(id, 'local.json')?.order;
  const seconds = order === undefined ? null : paidSecondsOf(folders, order);
  return seconds === null ? null : seconds * 1000;
}

const LOST = {
  outcome: 'lost',
  detail: 'the agent was killed together with its jobs; nobody saw how this one ended',
} as const;
const OUT_OF_MONEY = { outcome: 'unpaid', detail: UNPAID } as const;
const EXPIRED = {
  outcome: 'lease-expired',
  detail: 'its lease ran out while what keeps leases did not answer',
} as const;

function isOrWas(pid: number, startTicks: string | null): boolean {
  const ticks = startTicksOf(pid);
  return ticks === null || startTicks === null || ticks === startTicks;
}

/** Empty ones that a predecessor could not remove. */
function clearCgroups(dir: string): void {
  for (const entry of readdirSync(dir, { withFileTypes: true }))
    if (entry.isDirectory()) removeCgroup(join(dir, entry.name));
}
