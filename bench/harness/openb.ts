import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';

/** A machine of the public openb cluster (Alibaba, 2023). */
export interface OpenbNode {
  readonly model: string | null;
  readonly gpus: number;
  readonly cpuMillis: number;
  readonly memoryMiB: number;
}

/** A task of its trace, with whole GPUs: a share of one is one. Seconds from the trace's start. */
export interface OpenbPod {
  readonly gpus: number;
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  /** Sorted, each once; empty: any. */
  readonly models: readonly string[];
  readonly arrivesAt: number;
  readonly leavesAt: number;
}

const root = process.env['NARU_TEST_DATA'] ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));

/** The public trace is not part of the project: beside the checkout, or in the folder that NARU_TEST_DATA names. */
export const hasOpenb = existsSync(`${root}/workloads/openb-nodes.csv`);

export function openbNodes(): OpenbNode[] {
  return rows('openb-nodes').map((row) => ({
    model: row['model'] || null,
    gpus: Number(row['gpu']),
    cpuMillis: Number(row['cpu_milli']),
    memoryMiB: Number(row['memory_mib']),
  }));
}

/** In the order of arrival. `openb-pods-gpuspec33`: a third of the GPU tasks name the models that they accept. */
export function openbPods(file: 'openb-pods' | 'openb-pods-gpuspec33'): OpenbPod[] {
  return rows(file)
    .map((row) => ({
      gpus: Number(row['num_gpu']),
      cpuMillis: Number(row['cpu_milli']),
      memoryMiB: Number(row['memory_mib']),
      models: [...new Set((row['gpu_spec'] ?? '').split('|').filter((model) => model !== ''))].sort(),
      arrivesAt: Number(row['creation_time']),
      leavesAt: Number(row['deletion_time']),
    }))
    .sort((a, b) => a.arrivesAt - b.arrivesAt);
}

function rows(file: string): Record<string, string>[] {
  return parse(readFileSync(`${root}/workloads/${file}.csv`, 'utf8'), { columns: true });
}
