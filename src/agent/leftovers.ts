import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { removeCgroup, type Ground } from './cgroups.ts';
import { removeCage } from './cage.ts';
import { sameBoot, stamp, ageMs } from './clock.ts';
import type { Folders } from './folders.ts';
import { createHunter } from './hunter.ts';
import { isStruck, removeLeaseFile } from './leaseFile.ts';
import { startTicksOf } from './tree.ts';

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
      const ranMs = started === null ? null : ageMs(started.at);
      const how = isStruck(folders.of(id)) ? EXPIRED : LOST;
      folders.write(id, 'exit.json', { ...how, exitCode: null, ranMs, at: stamp() });
      removeLeaseFile(folders.of(id));
    }),
  );
  if (ground.memory !== null) clearCgroups(ground.memory);
  if (ground.cpu !== null) clearCgroups(ground.cpu);
}

const LOST = {
  outcome: 'lost',
  detail: 'the agent was killed together with its jobs; nobody saw how this one ended',
} as const;
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
