import type { Scheduler } from './scheduler.ts';

/** A process that really runs somewhere. What anybody says about it is another matter. */
export interface Run {
  readonly allocationId: string;
  readonly jobId: string;
  readonly provider: string;
  readonly startedMs: number;
  endedMs: number | null;
  /** Null: killed. */
  exitCode: number | null;
}

/** A place that is really taken at a provider, by what runs there or stands by. */
export interface Stay {
  readonly allocationId: string;
  readonly provider: string;
  readonly startedMs: number;
  endedMs: number | null;
}

/**
 * What really happens at the providers. Only the simulation knows it, and it is what the service's word is held
 * against: never two runs of one job at once.
 */
export class Truth {
  readonly runs: Run[] = [];
  readonly live = new Map<string, Run>();
  /** Allocations that some machine had on record at some time. */
  readonly known = new Set<string>();
  readonly stays: Stay[] = [];
  readonly #scheduler: Scheduler;
  readonly #violated: (what: string) => void;
  /** May this start at all? Asked of the invariants, who know what the database says. Null: yes. */
  objection: (allocationId: string, jobId: string) => string | null = () => null;

  constructor(scheduler: Scheduler, violated: (what: string) => void) {
    this.#scheduler = scheduler;
    this.#violated = violated;
  }

  /** `copies`: a service that may run at several places at once. */
  start(allocationId: string, jobId: string, provider: string, copies: boolean): Run {
    const now = this.#scheduler.nowMs;
    const run: Run = { allocationId, jobId, provider, startedMs: now, endedMs: null, exitCode: null };
    this.#scheduler.note(provider, `RUN ${allocationId} of ${jobId}`);
    for (const other of this.live.values()) {
      if (other.jobId !== jobId || copies) continue;
      this.#violated(
        `${jobId} runs twice: ${other.allocationId} at ${other.provider}, now ${allocationId} at ${provider}`,
      );
    }
    const objection = this.objection(allocationId, jobId);
    if (objection !== null) this.#violated(`${allocationId} of ${jobId} starts at ${provider}: ${objection}`);
    this.runs.push(run);
    this.live.set(allocationId, run);
    return run;
  }

  stay(allocationId: string, provider: string): Stay {
    const stay: Stay = { allocationId, provider, startedMs: this.#scheduler.nowMs, endedMs: null };
    this.stays.push(stay);
    return stay;
  }

  leave(stay: Stay): void {
    stay.endedMs ??= this.#scheduler.nowMs;
  }

  end(run: Run, exitCode: number | null, how: string): void {
    if (run.endedMs !== null) return;
    run.endedMs = this.#scheduler.nowMs;
    run.exitCode = exitCode;
    this.live.delete(run.allocationId);
    this.#scheduler.note(run.provider, `END ${run.allocationId} ${how} ${exitCode ?? ''}`);
  }

  ranMs(run: Pick<Run, 'startedMs' | 'endedMs'>): number {
    return (run.endedMs ?? this.#scheduler.nowMs) - run.startedMs;
  }

  ran(allocationId: string): boolean {
    return this.runs.some((run) => run.allocationId === allocationId);
  }

  exitedWell(jobId: string): boolean {
    return this.runs.some((run) => run.jobId === jobId && run.exitCode === 0);
  }
}
