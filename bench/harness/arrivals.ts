import { Cluster, fits, type Policy, type TaskShape } from './cluster.ts';
import type { OpenbNode, OpenbPod } from './openb.ts';

/** Tasks by number of their shape: equal tasks are scored once. */
export interface Workload {
  readonly shapes: readonly TaskShape[];
  readonly tasks: readonly Task[];
}

export interface Task extends OpenbPod {
  readonly shape: number;
}

/** Shares of all GPUs, 0–1. */
export interface Filled {
  /** Allocated when a task with GPUs was refused for the first time; NaN: never. */
  readonly atFirstFailure: number;
  /** Allocated at the end: when the tasks that arrived had asked for as many GPUs as there are. */
  readonly atEnd: number;
}

/** Without tasks that not even the empty cluster could run: their refusal says nothing about a policy. */
export function workloadOf(pods: readonly OpenbPod[], nodes: readonly OpenbNode[]): Workload {
  const shapes = new Map<string, { task: OpenbPod; shape: number; popularity: number }>();
  const tasks: Task[] = [];
  for (const pod of pods) {
    if (!nodes.some((total) => fits({ ...total, total }, { ...pod, popularity: 1 }))) continue;
    const key = [pod.gpus, pod.cpuMillis, pod.memoryMiB, ...(pod.gpus > 0 ? pod.models : [])].join(' ');
    const seen = shapes.get(key) ?? { task: pod, shape: shapes.size, popularity: 0 };
    shapes.set(key, seen);
    seen.popularity += 1;
    tasks.push({ ...pod, shape: seen.shape });
  }
  const all = [...shapes.values()].map(({ task, popularity }) => ({ ...task, popularity }));
  return { shapes: all, tasks };
}

/**
 * Tasks drawn from the trace with repetition, until they ask for more GPUs than there are: the last one is the one too
 * many, so that at the latest it is refused.
 */
export function drawn({ tasks }: Workload, gpus: number, random: () => number): Task[] {
  const list: Task[] = [];
  for (let asked = 0; asked <= gpus; asked += list.at(-1)?.gpus ?? 0) {
    list.push(tasks[Math.floor(random() * tasks.length)] as Task);
  }
  return list;
}

/** Such tasks come and none leaves. */
export function inflate(
  nodes: readonly OpenbNode[],
  shapes: readonly TaskShape[],
  tasks: readonly Task[],
  policy: Policy,
): Filled {
  const cluster = new Cluster(nodes, shapes, policy);
  let atFirstFailure = NaN;
  let atEnd = 0;
  for (const { gpus, shape } of tasks) {
    atEnd = cluster.used / cluster.gpus;
    const refused = cluster.place(shape) < 0 && gpus > 0;
    if (refused && Number.isNaN(atFirstFailure)) atFirstFailure = cluster.used / cluster.gpus;
  }
  return { atFirstFailure, atEnd };
}

/**
 * What no policy can exceed at the end, as a share of all GPUs, for the models that tasks accept alone: for any set of
 * models, their GPUs and what is asked by tasks that accept another one (Hall's theorem; not for CPU and memory).
 */
export function mostAtEnd(nodes: readonly OpenbNode[], tasks: readonly Task[]): number {
  const models = [...new Set(nodes.flatMap(({ model }) => model ?? []))];
  const maskOf = (accepted: readonly string[]) =>
    models.reduce((mask, model, bit) => mask | (accepted.includes(model) ? 1 << bit : 0), 0);
  const supply = models.map((model) => sum(nodes.filter((node) => node.model === model)));
  const asked = new Map<number, number>();
  for (const task of tasks.slice(0, -1)) {
    const mask = task.models.length > 0 ? maskOf(task.models) : maskOf(models);
    asked.set(mask, (asked.get(mask) ?? 0) + task.gpus);
  }
  let most = Infinity;
  for (let set = 0; set < 1 << models.length; set += 1) {
    const inside = supply.reduce((gpus, more, bit) => gpus + ((set >> bit) & 1) * more, 0);
    const outside = [...asked].reduce((gpus, [mask, more]) => gpus + ((mask & ~set) === 0 ? 0 : more), 0);
    most = Math.min(most, inside + outside);
  }
  return most / sum(nodes);
}

function sum(all: readonly { readonly gpus: number }[]): number {
  return all.reduce((gpus, one) => gpus + one.gpus, 0);
}

export interface Replayed {
  /** Allocated when a task with GPUs was refused for the first time, as a share of all; NaN: never. */
  readonly atFirstFailure: number;
  /** Of the GPUs that the tasks asked for, the share that was given, 0–1. */
  readonly served: number;
  /** Most GPUs in use at a time. */
  readonly peak: number;
}

/** The trace as it was: tasks come and leave at their times. What is refused does not come again. */
export function replay(nodes: readonly OpenbNode[], { shapes, tasks }: Workload, policy: Policy): Replayed {
  const cluster = new Cluster(nodes, shapes, policy);
  const running: Running[] = [];
  let [given, peak, atFirstFailure] = [0, 0, NaN];
  for (const { arrivesAt, leavesAt, shape, gpus } of tasks) {
    for (const gone of leaving(running, arrivesAt)) cluster.leave(gone.host, gone.shape);
    const host = cluster.place(shape);
    if (host >= 0) {
      given += gpus;
      insert(running, { leavesAt, host, shape });
    } else if (gpus > 0 && Number.isNaN(atFirstFailure)) atFirstFailure = cluster.used / cluster.gpus;
    peak = Math.max(peak, cluster.used);
  }
  return { atFirstFailure, served: given / sum(tasks), peak };
}

/** The next to leave is the last one. */
interface Running {
  readonly leavesAt: number;
  readonly host: number;
  readonly shape: number;
}

function leaving(running: Running[], now: number): Running[] {
  let from = running.length;
  while (from > 0 && (running[from - 1]?.leavesAt ?? Infinity) <= now) from -= 1;
  return running.splice(from);
}

function insert(running: Running[], task: Running): void {
  let at = running.length;
  while (at > 0 && (running[at - 1]?.leavesAt ?? Infinity) < task.leavesAt) at -= 1;
  running.splice(at, 0, task);
}
