import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface Gpu {
  readonly index: number;
  readonly model: string;
  readonly memoryGiB: number;
}

/** What the operator says that the machine has; null: look. */
export interface GpuClaim {
  readonly count: number;
  readonly model: string;
  readonly memoryGiB: number;
}

/** The operator's word where it was given, else what nvidia-smi says, else none. */
export async function findGpus(claim: GpuClaim | null): Promise<Gpu[]> {
  if (claim !== null) {
    const { count, model, memoryGiB } = claim;
    return Array.from({ length: count }, (_, index) => ({ index, model, memoryGiB }));
  }
  try {
    const query = ['--query-gpu=index,name,memory.total', '--format=csv,noheader,nounits'];
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: 10_000 });
    return parseSmi(stdout);
  } catch {
    return [];
  }
}

/** `0, NVIDIA H100 80GB HBM3, 81559` a line; memory in MiB. */
export function parseSmi(csv: string): Gpu[] {
  const gpus: Gpu[] = [];
  for (const line of csv.split('\n')) {
    const [index, name, mebibytes] = line.split(',').map((field) => field.trim());
    if (index === undefined || name === undefined || mebibytes === undefined || !/^\d+$/.test(index))
      continue;
    const memoryGiB = Number.isFinite(Number(mebibytes))
      ? Math.round((Number(mebibytes) / 1024) * 10) / 10
      : 0;
    gpus.push({ index: Number(index), model: name, memoryGiB });
  }
  return gpus;
}

/** PCI address, as the kernel's log has it (`0000:3b:00`) → index. Empty where nvidia-smi does not say. */
export async function findAddresses(): Promise<ReadonlyMap<string, number>> {
  try {
    const query = ['--query-gpu=index,pci.bus_id', '--format=csv,noheader'];
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: 10_000 });
    return parseAddresses(stdout);
  } catch {
    return new Map();
  }
}

/** `0, 00000000:3B:00.0` a line. */
export function parseAddresses(csv: string): ReadonlyMap<string, number> {
  const found = [
    ...csv.matchAll(/^\s*(\d+)\s*,\s*[0-9a-f]{0,4}([0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2})\.\d\s*$/gim),
  ];
  return new Map(found.map(([, index, address = '']) => [address.toLowerCase(), Number(index)]));
}

/** Indices of `count` GPUs that nobody holds, or null where there are not so many. */
export function chooseGpus(gpus: readonly Gpu[], held: ReadonlySet<number>, count: number): number[] | null {
  const free = gpus.map(({ index }) => index).filter((index) => !held.has(index));
  return free.length < count ? null : free.slice(0, count);
}
