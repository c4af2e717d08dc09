import { Problem } from '../../src/core/problem.ts';
import type { Random } from './random.ts';
import type { Replica } from './replica.ts';
import type { Scheduler } from './scheduler.ts';

/** Where people come in: one request goes to one replica, whichever lives. */
export class Door {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #replicas: () => readonly Replica[];

  constructor(scheduler: Scheduler, random: Random, replicas: () => readonly Replica[]) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#replicas = replicas;
  }

  /** A Problem is an answer, anything else is a defect. */
  ask(what: string, work: (replica: Replica) => Promise<unknown>): void {
    const up = this.#replicas().filter(({ proc }) => proc.alive);
    if (up.length === 0) return;
    const replica = this.#random.pick(up);
    this.#scheduler.note('people', `${what} → ${replica.proc.name}`);
    work(replica).catch((error: unknown) => {
      if (error instanceof Problem) this.#scheduler.note('people', `${what}: ${error.message}`);
      else replica.unexpected(what, error);
    });
  }
}
