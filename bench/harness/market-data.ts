import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';

/** Public catalogs and traces, which are not part of the project: beside the checkout, or NARU_TEST_DATA. */
const ROOT = process.env['NARU_TEST_DATA'] ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));

export const hasPublicMarket =
  existsSync(`${ROOT}/offers/offers.csv`) && existsSync(`${ROOT}/workloads/philly-jobs.csv`);

/** A machine as a catalog of price lists has it. */
export interface ListedMachine {
  readonly cloud: string;
  readonly region: string;
  readonly zone: string;
  readonly instance: string;
  readonly gpu: string;
  readonly gpuCount: number;
  readonly gpuMemoryGiB: number;
  readonly cpus: number;
  readonly memoryGiB: number;
  /** Dollars an hour of the whole machine; null: not sold that way. */
  readonly dollars: number | null;
  readonly spotDollars: number | null;
}

export function listedMachines(): ListedMachine[] {
  const price = (text: string) => (text === '' ? null : Number(text));
  return rowsOf('offers/offers.csv').map((row) => ({
    cloud: cell(row, 'provider'),
    region: cell(row, 'region') || 'unspecified',
    zone: cell(row, 'zone'),
    instance: cell(row, 'instance_type'),
    gpu: cell(row, 'gpu_name'),
    gpuCount: Number(cell(row, 'gpu_count')),
    gpuMemoryGiB: Number(cell(row, 'gpu_memory_gib')),
    cpus: Number(cell(row, 'vcpus')),
    memoryGiB: Number(cell(row, 'memory_gib')),
    dollars: price(cell(row, 'price_usd_per_hour')),
    spotDollars: price(cell(row, 'spot_price_usd_per_hour')),
  }));
}

/** A job of a trace: what it needed and how long it took. */
export interface TracedJob {
  readonly gpus: number;
  /** 0 where the trace does not say. */
  readonly cpus: number;
  readonly memoryGiB: number;
  /** As the trace spells them; empty: any, or not said. */
  readonly models: readonly string[];
  readonly seconds: number;
}

/** Of three traces, a list each. */
export function tracedJobs(): TracedJob[][] {
  return [openb(), philly(), chronus()];
}

/** Tasks of Alibaba's cluster, a third of which say which models they accept; a share of a GPU is taken for a whole one. */
function openb(): TracedJob[] {
  return rowsOf('workloads/openb-pods-gpuspec33.csv').map((row) => ({
    gpus: Number(cell(row, 'num_gpu')),
    cpus: Number(cell(row, 'cpu_milli')) / 1_000,
    memoryGiB: Number(cell(row, 'memory_mib')) / 1_024,
    models: cell(row, 'gpu_spec').split('|').filter(Boolean),
    seconds: Number(cell(row, 'deletion_time')) - Number(cell(row, 'creation_time')),
  }));
}

/** Training jobs of Microsoft's cluster. */
function philly(): TracedJob[] {
  return rowsOf('workloads/philly-jobs.csv').map((row) =>
    training(Number(cell(row, 'num_gpus')), Number(cell(row, 'duration'))),
  );
}

/** Jobs modelled on these, with deadlines; minutes. */
function chronus(): TracedJob[] {
  return rowsOf('workloads/chronus-mixed.csv').map((row) =>
    training(Number(cell(row, 'num_gpu')), Number(cell(row, 'duration')) * 60),
  );
}

function training(gpus: number, seconds: number): TracedJob {
  return { gpus, cpus: 0, memoryGiB: 0, models: [], seconds };
}

type Row = Readonly<Record<string, string>>;

function rowsOf(path: string): Row[] {
  return parse(readFileSync(`${ROOT}/${path}`, 'utf8'), { columns: true });
}

function cell(row: Row, column: string): string {
  const found = row[column];
  if (found === undefined) throw new Error(`there is no column ${column}`);
  return found;
}
