import { killCage, pidsOf, type Cage } from './cage.ts';
import { findProcesses, send, signalGroup, startTicksOf } from './tree.ts';

/** A job whose every process has to go. */
export interface Prey {
  readonly allocationId: string;
  /** Pid of the main process, and its start time; null where it is not known. */
  readonly leader: number | null;
  readonly startTicks: string | null;
  readonly cage: Cage;
}

const ROUND_MS = 20;
const SLOW_ROUND_MS = 500;

/**
 * Kills whole jobs. Resolves when nothing of the job is left: SIGKILL, look again, until a look finds nothing. A
 * process in uninterruptible sleep makes it wait, because a job of which something lives has not ended.
 * All jobs that end together share one look at /proc.
 */
export function createHunter(): { kill(prey: Prey): Promise<void> } {
  const waiting = new Set<{ prey: Prey; done: () => void; rounds: number }>();
  let hunting = false;
  const round = async (): Promise<void> => {
    const now = [...waiting];
    for (const { prey } of now) strike(prey);
    // Also for those with a cgroup: one that could not be entered must not let anything escape.
    const found = await findProcesses(now.map(({ prey }) => ({ ...prey, leader: ownGroup(prey) })));
    for (const one of now) {
      const pids = [...(found.get(one.prey.allocationId) ?? []), ...pidsOf(one.prey.cage)];
      for (const pid of pids) send(pid, 'SIGKILL');
      one.rounds += 1;
      if (pids.length > 0) continue;
      waiting.delete(one);
      one.done();
    }
  };
  const hunt = async (): Promise<void> => {
    hunting = true;
    while (waiting.size > 0) {
      await round();
      const slow = [...waiting].every(({ rounds }) => rounds > 50);
      if (waiting.size > 0)
        await new Promise((resolve) => setTimeout(resolve, slow ? SLOW_ROUND_MS : ROUND_MS));
    }
    hunting = false;
  };
  return {
    kill: (prey) =>
      new Promise((done) => {
        waiting.add({ prey, done, rounds: 0 });
        if (!hunting) void hunt();
      }),
  };
}

function strike(prey: Prey): void {
  killCage(prey.cage);
  const group = ownGroup(prey);
  if (group !== null) signalGroup(group, 'SIGKILL');
}

/**
 * The job's process group, unless its number is somebody else's by now. A pid is not given out again while a group
 * or session has it, so: no process of that pid, or the same one as ever, and the group is the job's.
 */
function ownGroup(prey: Prey): number | null {
  if (prey.leader === null) return null;
  const ticks = startTicksOf(prey.leader);
  return ticks === null || prey.startTicks === null || ticks === prey.startTicks ? prey.leader : null;
}
