import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import { canonicalGpu } from '../../src/core/gpu.ts';

/** Public offers and workloads, which are not part of the project: beside the checkout, or NARU_TEST_DATA. */
const ROOT = process.env['NARU_TEST_DATA'] ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));

/** A machine that somebody sold, as a whole. */
export interface PublicOffer {
  readonly provider: string;
  readonly region: string;
  /** Canonical. */
  readonly model: string;
  readonly gpus: number;
  readonly gpuMemoryGiB: number;
  readonly cpus: number;
  readonly memoryGiB: number;
  readonly dollarsPerHour: number;
  /** Null: not sold so. */
  readonly spotDollarsPerHour: number | null;
}

/** How large a job was and how long it ran. */
export interface PublicRun {
  readonly gpus: number;
  readonly seconds: number;
}

/** What a task asked for beside its GPUs. */
export interface PublicTask extends PublicRun {
  readonly cpus: number;
  readonly memoryGiB: number;
  /** Canonical; empty: any. */
  readonly models: readonly string[];
}

export interface PublicData {
  readonly offers: readonly PublicOffer[];
  readonly philly: readonly PublicRun[];
  readonly chronus: readonly PublicRun[];
  readonly openb: readonly PublicTask[];
}

/** Null where the data is not there. */
export function readPublicData(): PublicData | null {
  if (!existsSync(`${ROOT}/offers/offers.csv`)) return null;
  return {
    offers: rows('offers/offers.csv').flatMap(offerOf),
    philly: rows('workloads/philly-jobs.csv').map((row) => run(row['num_gpus'], Number(row['duration']))),
    chronus: ['slo', 'mixed'].flatMap((name) =>
      rows(`workloads/chronus-${name}.csv`).map((row) => run(row['num_gpu'], 60 * Number(row['duration']))),
    ),
    openb: rows('workloads/openb-pods-gpuspec33.csv').flatMap(taskOf),
  };
}

type Row = Readonly<Record<string, string>>;

function rows(path: string): Row[] {
  return parse(readFileSync(`${ROOT}/${path}`, 'utf8'), { columns: true });
}

const run = (gpus: string | undefined, seconds: number): PublicRun => ({ gpus: Number(gpus), seconds });

/** GPUs of whole machines that are sold on demand; TPUs, FPGAs and the like are left out. */
function offerOf(row: Row): PublicOffer[] {
  const gpuMemoryGiB = Number(row['gpu_memory_gib']);
  const { model, kind } = canonicalGpu(row['gpu_name'] ?? '', gpuMemoryGiB || null);
  const dollarsPerHour = Number(row['price_usd_per_hour']);
  const cpus = Number(row['vcpus']);
  if (kind !== 'gpu' || !(dollarsPerHour > 0) || !(cpus > 0) || !(gpuMemoryGiB > 0)) return [];
  return [
    {
      provider: row['provider'] ?? '',
      region: row['region'] ?? '',
      model,
      gpus: Number(row['gpu_count']),
      gpuMemoryGiB,
      cpus,
      memoryGiB: Number(row['memory_gib']),
      dollarsPerHour,
      spotDollarsPerHour: Number(row['spot_price_usd_per_hour']) || null,
    },
  ];
}

/** V100M16 is a V100 with 16 GB; G2 and G3 are undisclosed, so nobody sells them: a task of theirs alone takes any. */
const OPENB_MODELS: Readonly<Record<string, string>> = { V100M16: 'V100-16GB', V100M32: 'V100-32GB' };

function taskOf(row: Row): PublicTask[] {
  if (row['scheduled_time'] === '') return [];
  const named = (row['gpu_spec'] ?? '').split('|').filter((name) => !['', 'G2', 'G3'].includes(name));
  return [
    {
      ...run(row['num_gpu'], Number(row['deletion_time']) - Number(row['scheduled_time'])),
      cpus: Math.ceil(Number(row['cpu_milli']) / 1000),
      memoryGiB: Math.ceil(Number(row['memory_mib']) / 1024),
      models: [...new Set(named.map((name) => OPENB_MODELS[name] ?? name))],
    },
  ];
}
