import { closeSync } from 'node:fs';
import type { ChildProcess } from 'node:child_process';
import { makeCage, oomKills, removeCage, NO_CAGE, type Cage } from './cage.ts';
import { capture, LOG_LIMIT_BYTES, type Capture } from './capture.ts';
import type { Ground } from './cgroups.ts';
import { stamp, upMs } from './clock.ts';
import type { Exit, Folders, Started } from './folders.ts';
import type { Pipe } from './fifos.ts';
import { createHunter, type Prey } from './hunter.ts';
import { launch } from './launch.ts';
import { dueAt, endOf, nearerEnd, paidEnds, whatIsDue, type Fate } from './lease.ts';
import { openLeaseFile, type LeaseFile } from './leaseFile.ts';
import type { JobNice } from './priority.ts';
import type { Held, Launch } from './protocol.ts';
import { signalGroup, startTicksOf } from './tree.ts';
import { describe, exitCodeOf, lifeOf, neverPaid, neverRan, tooLate } from './verdict.ts';

/** What the supervisor tells whoever listens. */
export interface Ears {
  started(id: string, started: Started): void;
  output(id: string, written: number): void;
  ended(id: string, exit: Exit, written: number): void;
}

export interface Supervisor {
  start(job: Launch, deadlineMs: number): void;
  /** Never shortens a lease, and cannot revive one that is over. */
  renew(id: string, deadlineMs: number): void;
  /** Its run is paid for so long. Never shortens that, and comes too late once the job was told to go for it. */
  pay(id: string, paidMs: number): void;
  stop(id: string, graceMs: number): void;
  /** Forgets an ended job. */
  drop(id: string): void;
  /** Does what leases and graces demand by now. To be called first whenever the process wakes up. */
  enforce(): void;
  held(): Held[];
  /** Jobs that have not ended. */
  live(): number;
}

interface Job extends Fate {
  readonly id: string;
  cage: Cage;
  readonly memoryBytes: number;
  readonly graceMs: number;
  paidMs: number | null;
  /** For the sentinel. */
  lease: LeaseFile | null;
  started: Started | null;
  capture: Capture | null;
  exit: Exit | null;
}

/**
 * Parent of all jobs: spawns them, keeps their leases, sees their ends. Knows nothing of the service, of
 * checkpoints or of offers, so that there is little in it that could go wrong.
 */
export function createSupervisor(
  folders: Folders,
  ground: Ground,
  nice: JobNice,
  openPipe: () => Pipe,
  ears: Ears,
): Supervisor {
  const jobs = new Map<string, Job>();
  const hunter = createHunter();
  let timer: NodeJS.Timeout | undefined;

  const end = (job: Job, exit: Exit): void => {
    if (job.exit !== null) return;
    job.exit = exit;
    // Without it whoever listens hears it all the same, and after a restart it counts as lost.
    keep(() => folders.write(job.id, 'exit.json', exit));
    job.lease?.remove();
    removeCage(job.cage);
    ears.ended(job.id, exit, job.capture?.position() ?? 0);
  };

  const start = (request: Launch, deadlineMs: number): void => {
    if (jobs.has(request.id) || folders.read(request.id, 'exit.json') !== null) return;
    const { id, limits, paidMs, graceMs } = request;
    const ends = paidEnds(upMs(), paidMs, graceMs);
    const job: Job = { ...NEW, id, memoryBytes: limits.memoryBytes, graceMs, paidMs, deadlineMs, ...ends };
    if (deadlineMs <= upMs()) return end(job, tooLate());
    if (ends.paidUntilMs <= upMs()) return end(job, neverPaid());
    job.cage = makeCage(ground, id, limits);
    jobs.set(job.id, job);
    let child: ChildProcess;
    try {
      folders.write(job.id, 'intent.json', { cgroups: job.cage.dirs, at: stamp() });
      job.lease = openLeaseFile(folders.of(job.id), endOf(job));
      child = spawnInto(job, request);
    } catch (error) {
      return end(job, neverRan(error));
    }
    adopt(job, child);
  };

  /** Whatever can fail is done before the spawn: from then on the job is there, and is never called refused. */
  const spawnInto = (job: Job, request: Launch): ChildProcess => {
    const pipe = openPipe();
    try {
      job.capture = capture(pipe.readFd, folders.logDir(job.id), LOG_LIMIT_BYTES, () => {
        ears.output(job.id, job.capture?.position() ?? 0);
      });
      return launch(request, folders.workDir(job.id), job.cage, nice, pipe.writeFd);
    } finally {
      closeSync(pipe.writeFd);
    }
  };

  const adopt = (job: Job, child: ChildProcess): void => {
    child.on('error', (error) => {
      if (job.started === null) end(job, neverRan(error));
    });
    child.on('exit', (code, signal) => void finish(job, code, signal));
    if (child.pid === undefined) return;
    job.started = { pid: child.pid, startTicks: startTicksOf(child.pid), at: stamp() };
    // Without this record (a full disk) a successor still finds the job, by its cgroup and its environment.
    keep(() => folders.write(job.id, 'started.json', job.started as Started));
    limit(job);
    ears.started(job.id, job.started);
    arm();
  };

  /** Its ends are what they are by now, for the sentinel too. */
  const limit = (job: Job): void => {
    if (job.started !== null) Object.assign(job, paidEnds(job.started.at.upMs, job.paidMs, job.graceMs));
    job.lease?.renew(endOf(job));
  };

  /** The main process is gone: so goes everything that it started, and only then has the job ended. */
  const finish = async (job: Job, code: number | null, signal: NodeJS.Signals | null): Promise<void> => {
    const life = job.started === null ? { ranMs: null, at: stamp() } : lifeOf(job.started, endOf(job));
    // We may have been frozen, and have not heard yet that the time is over: the sentinel did not wait for us.
    if (job.lease?.isStruck() === true) job.cause ??= nearerEnd(job);
    const cause = job.cause;
    await hunter.kill(preyOf(job));
    await job.capture?.close(1_000);
    const detail = describe(
      { oomKills: oomKills(job.cage), memoryBytes: job.memoryBytes, cause },
      code,
      signal,
    );
    end(job, { outcome: cause ?? 'exited', exitCode: exitCodeOf(code, signal), detail, ...life });
  };

  const enforce = (): void => {
    const now = upMs();
    for (const job of jobs.values()) {
      if (job.exit !== null || job.started === null) continue;
      const due = whatIsDue(job, now);
      if (due === null) continue;
      if (due.cause !== null) job.cause = due.cause;
      if (due.signal === 'SIGTERM') {
        job.termSent = true;
        if (due.cause === 'unpaid') job.stopAtMs = now + job.graceMs;
        signalGroup(job.started.pid, 'SIGTERM');
      } else if (!job.killed) {
        job.killed = true;
        void hunter.kill(preyOf(job));
      }
    }
    arm();
  };

  const arm = (): void => {
    clearTimeout(timer);
    const next = Math.min(...[...jobs.values()].filter((job) => job.exit === null).map(dueAt));
    if (Number.isFinite(next)) timer = setTimeout(enforce, Math.min(1_000, Math.max(1, next - upMs())));
  };

  return {
    start,
    renew: (id, deadlineMs) => {
      const job = jobs.get(id);
      if (job === undefined || job.cause === 'lease-expired') return;
      job.deadlineMs = Math.max(job.deadlineMs, deadlineMs);
      if (job.exit === null) limit(job);
    },
    pay: (id, paidMs) => {
      const job = jobs.get(id);
      if (job === undefined || job.exit !== null || job.cause === 'unpaid') return;
      job.paidMs = Math.max(job.paidMs ?? 0, paidMs);
      limit(job);
    },
    stop: (id, graceMs) => {
      const job = jobs.get(id);
      if (job === undefined || job.exit !== null) return;
      job.stopAtMs = Math.min(job.stopAtMs, upMs() + Math.max(0, graceMs));
      enforce();
    },
    drop: (id) => {
      if (jobs.get(id)?.exit != null) jobs.delete(id);
    },
    enforce,
    held: () =>
      [...jobs.values()].map((job) => ({
        id: job.id,
        started: job.started,
        exit: job.exit,
        written: job.capture?.position() ?? 0,
      })),
    live: () => [...jobs.values()].filter(({ exit }) => exit === null).length,
  };
}

const NEW = {
  cage: NO_CAGE,
  lease: null,
  started: null,
  capture: null,
  exit: null,
  cause: null,
  termSent: false,
  killed: false,
  stopAtMs: Number.POSITIVE_INFINITY,
} as const;

function preyOf(job: Job): Prey {
  const { id, cage, started } = job;
  return { allocationId: id, leader: started?.pid ?? null, startTicks: started?.startTicks ?? null, cage };
}

/** Writes a record if the disk lets it. */
function keep(write: () => void): void {
  try {
    write();
  } catch (error) {
    process.stderr.write(`${String(error)}\n`);
  }
}
