import { fitOf, type Mix } from '../../src/core/placement/fit.ts';
import { mixesOf, type PoolState, type Shape } from '../../src/core/placement/mix.ts';
import { accepts, type Host, type Policy, type TaskShape } from './cluster.ts';
import type { OpenbNode } from './openb.ts';

/** The largest machine of the cluster, by which CPUs and GPUs are made comparable (as in the simulator of FGD). */
interface Largest {
  readonly gpus: number;
  readonly cpuMillis: number;
}

export const firstFit: Policy = { name: 'first-fit', score: (_host, _task, index) => index };

/** Σ ½ (free − asked) / largest over GPUs and CPU, as the simulator of FGD weighs it; the least remainder first. */
export function bestFit(nodes: readonly OpenbNode[]): Policy {
  const left = remainder(largest(nodes));
  return { name: 'best-fit', score: left };
}

export function worstFit(nodes: readonly OpenbNode[]): Policy {
  const left = remainder(largest(nodes));
  return { name: 'worst-fit', score: (host, task) => -left(host, task) };
}

/**
 * Alignment, as the simulator of FGD has it: the *smaller* the product of what is free and what is asked, the better.
 * (Tetris, where it comes from, takes the larger: about worst-fit here.)
 */
export function dotProduct(nodes: readonly OpenbNode[]): Policy {
  const { gpus, cpuMillis } = largest(nodes);
  return {
    name: 'dot product',
    score: (host, task) =>
      (host.cpuMillis / cpuMillis) * (task.cpuMillis / cpuMillis) + (host.gpus / gpus) * (task.gpus / gpus),
  };
}

export function randomFit(random: () => number): Policy {
  return { name: 'random', fresh: true, score: random };
}

/**
 * FGD (Weng et al., USENIX ATC'23), for whole GPUs: a host's fragmentation is Σ over the tasks of the trace,
 * popularity × its free GPUs where the task cannot run there (asks for more GPUs or CPU, for another model, or for no
 * GPU at all), and the host is taken whose fragmentation grows least. Its simulator looks at GPUs and CPU; with
 * `memory`, at all three.
 */
export function fgd(shapes: readonly TaskShape[], memory: boolean): Policy {
  const fragments = (host: Host, gpus: number, cpuMillis: number, memoryMiB: number) => {
    let unable = 0;
    for (const shape of gpus > 0 ? shapes : []) {
      const able =
        shape.gpus > 0 &&
        shape.gpus <= gpus &&
        shape.cpuMillis <= cpuMillis &&
        (!memory || shape.memoryMiB <= memoryMiB) &&
        accepts(shape, host.total.model);
      if (!able) unable += shape.popularity;
    }
    return gpus * unable;
  };
  return {
    name: memory ? 'FGD, and memory' : 'FGD',
    score: (host, task) =>
      fragments(
        host,
        host.gpus - task.gpus,
        host.cpuMillis - task.cpuMillis,
        host.memoryMiB - task.memoryMiB,
      ) - fragments(host, host.gpus, host.cpuMillis, host.memoryMiB),
  };
}

/** Ours, told of the demand that comes: the same as FGD is told. */
export function ours(name: string, demand: readonly Shape[]): Policy {
  return fitting(name, () => demand);
}

/** Ours, told nothing: it counts what has come so far. */
export function learning(shapes: readonly TaskShape[]): Policy {
  const { demand, arrived } = counting(shapes);
  return { ...fitting('ours, learning', demand), arrived };
}

/** FGD on the same terms. */
export function fgdLearning(shapes: readonly TaskShape[]): Policy {
  const { demand, arrived } = counting(shapes);
  let policy = fgd(demand(), true);
  return {
    name: 'FGD, learning',
    score: (host, task, index) => policy.score(host, task, index),
    refresh: () => void (policy = fgd(demand(), true)),
    arrived,
  };
}

function counting(shapes: readonly TaskShape[]) {
  const seen = shapes.map(() => 0);
  return {
    demand: () => shapes.map((shape, index) => ({ ...shape, popularity: seen[index] ?? 0 })),
    arrived: (shape: number) => void (seen[shape] = (seen[shape] ?? 0) + 1),
  };
}

function fitting(name: string, demand: () => readonly Shape[]): Policy {
  let mixes: ReadonlyMap<string | null, Mix> = new Map();
  return {
    name,
    refresh: (hosts) => void (mixes = mixesOf(demand(), statesOf(hosts))),
    score: (host, task) =>
      fitOf(
        host.gpus,
        host.cpuMillis,
        host.memoryMiB,
        task.gpus,
        task.cpuMillis,
        task.memoryMiB,
        mixes.get(host.total.model) as Mix,
      ),
  };
}

function statesOf(hosts: readonly Host[]): PoolState[] {
  const states = new Map<string, PoolState>();
  for (const { total, gpus, cpuMillis, memoryMiB } of hosts) {
    const key = `${total.model} ${gpus} ${cpuMillis} ${memoryMiB}`;
    const pools = (states.get(key)?.pools ?? 0) + 1;
    states.set(key, { model: total.model, gpus, cpuMillis, memoryMiB, pools });
  }
  return [...states.values()];
}

function remainder(most: Largest): (host: Host, task: TaskShape) => number {
  return (host, task) =>
    (host.cpuMillis - task.cpuMillis) / most.cpuMillis + (host.gpus - task.gpus) / most.gpus;
}

function largest(nodes: readonly OpenbNode[]): Largest {
  return {
    gpus: Math.max(...nodes.map((node) => node.gpus)),
    cpuMillis: Math.max(...nodes.map((node) => node.cpuMillis)),
  };
}
