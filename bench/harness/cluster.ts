import type { OpenbNode, OpenbPod } from './openb.ts';

/** Tasks that ask for the same, and how many of the trace do. */
export interface TaskShape extends Pick<OpenbPod, 'gpus' | 'cpuMillis' | 'memoryMiB' | 'models'> {
  readonly popularity: number;
}

/** A machine with what is free on it now. */
export interface Host {
  readonly total: OpenbNode;
  gpus: number;
  cpuMillis: number;
  memoryMiB: number;
}

/** Chooses the host with the least score, the first of equal ones. */
export interface Policy {
  readonly name: string;
  /** Only asked where the task fits. Of the host's state and the task alone, unless `fresh`. */
  score(host: Host, task: TaskShape, index: number): number;
  /** Not to be remembered: another answer every time. */
  readonly fresh?: boolean;
  /** Looks at the whole cluster, before the first task and then every REFRESH tasks. */
  refresh?(hosts: readonly Host[]): void;
  /** Told of every task that comes, by the number of its shape, before it is placed. */
  arrived?(shape: number): void;
}

/** A pass of the engine takes hundreds of jobs and looks at the fleet once. */
const REFRESH = 250;

export class Cluster {
  readonly hosts: Host[];
  readonly gpus: number;
  used = 0;
  readonly #policy: Policy;
  readonly #shapes: readonly TaskShape[];
  /** By shape and host, of the host's version: scoring everything anew for each task took a hundred times as long. */
  readonly #scores: Float64Array[];
  readonly #scored: Int32Array[];
  readonly #version: Int32Array;
  #tasks = 0;

  constructor(nodes: readonly OpenbNode[], shapes: readonly TaskShape[], policy: Policy) {
    this.hosts = nodes.map((total) => ({ ...total, total }));
    this.gpus = nodes.reduce((sum, node) => sum + node.gpus, 0);
    this.#policy = policy;
    this.#shapes = shapes;
    this.#scores = shapes.map(() => new Float64Array(nodes.length));
    this.#scored = shapes.map(() => new Int32Array(nodes.length));
    this.#version = new Int32Array(nodes.length).fill(1);
  }

  /** @returns the host's number, or -1 where none has room */
  place(shape: number): number {
    this.#look();
    this.#policy.arrived?.(shape);
    const index = this.#best(shape);
    if (index >= 0) this.#move(index, shape, -1);
    return index;
  }

  leave(index: number, shape: number): void {
    this.#move(index, shape, 1);
  }

  #look(): void {
    if (this.#policy.refresh && this.#tasks % REFRESH === 0) {
      this.#policy.refresh(this.hosts);
      for (let index = 0; index < this.#version.length; index += 1) this.#touch(index);
    }
    this.#tasks += 1;
  }

  #best(shape: number): number {
    let best = -1;
    let least = Infinity;
    for (let index = 0; index < this.hosts.length; index += 1) {
      const score = this.#score(shape, index);
      if (score < least) [best, least] = [index, score];
    }
    return best;
  }

  #score(shape: number, index: number): number {
    const scores = this.#scores[shape] as Float64Array;
    const scored = this.#scored[shape] as Int32Array;
    const version = this.#version[index] ?? 0;
    if (scored[index] !== version || this.#policy.fresh) {
      scored[index] = version;
      const [host, task] = [this.hosts[index] as Host, this.#shapes[shape] as TaskShape];
      scores[index] = fits(host, task) ? this.#policy.score(host, task, index) : Infinity;
    }
    return scores[index] ?? Infinity;
  }

  #move(index: number, shape: number, sign: number): void {
    const [host, task] = [this.hosts[index] as Host, this.#shapes[shape] as TaskShape];
    host.gpus += sign * task.gpus;
    host.cpuMillis += sign * task.cpuMillis;
    host.memoryMiB += sign * task.memoryMiB;
    this.used -= sign * task.gpus;
    this.#touch(index);
  }

  #touch(index: number): void {
    this.#version[index] = (this.#version[index] ?? 0) + 1;
  }
}

export function fits(host: Host, task: TaskShape): boolean {
  return (
    host.gpus >= task.gpus &&
    host.cpuMillis >= task.cpuMillis &&
    host.memoryMiB >= task.memoryMiB &&
    accepts(task, host.total.model)
  );
}

export function accepts(task: TaskShape, model: string | null): boolean {
  return task.gpus === 0 || task.models.length === 0 || (model !== null && task.models.includes(model));
}
