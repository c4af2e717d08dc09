import type { GpuIdentity } from '../gpu.ts';
import { readNumber, readPrice } from './cells.ts';
import { deviceOf, sizesAreTotals } from './device.ts';
import { hostsFor, indexHosts, isHost, type Hosts } from './hosts.ts';
import { nameAll, type Unnamed } from './name.ts';
import { readRows, type CatalogRow } from './rows.ts';
import { collectSkips, type Skips } from './skips.ts';
import type { ParsedCatalog } from './types.ts';

export const CPU_ROW = 'no device: a machine without GPUs is not imported';
const GPUS_MAX = 1_024;

/**
 * Reads a catalog of the public SkyPilot form (`vms.csv`) into offers. Pure, and the same text always gives the
 * same offers under the same names.
 *
 * Imported: rows with a whole number of GPUs and a price of some sort. A price of 0 is no price; spot at or over
 * on-demand is kept as it is (placement takes the cheaper). The same machine in the same place at two prices is two
 * offers. Skipped, each with its reason: CPU machines, TPUs, FPGAs and other accelerators, shares of a GPU, rows
 * without a price, rows that repeat an earlier one whole, devices whose host is not sold in their zone.
 * Throws NotACatalog where the text is none.
 */
export function parseCatalog(csvText: string): ParsedCatalog {
  const skips = collectSkips();
  const rows = readRows(csvText, skips);
  const devices = rows.filter(hasDevice);
  const hosts = indexHosts(rows.filter((row) => !hasDevice(row) && isHost(row)));
  for (const row of rows) if (!hasDevice(row)) skips.add(CPU_ROW, row.line);
  const totals = sizesAreTotals(devices);
  const offers = withoutRepeats(devices, skips).flatMap((row) => offersOf(row, totals, hosts, skips));
  return { offers: nameAll(offers), skipped: skips.list(), skippedRows: skips.rows };
}

/** A count of 0 is how some catalogs write a CPU machine. */
function hasDevice(row: CatalogRow): boolean {
  return row.cell('AcceleratorName') !== '' && readNumber(row.cell('AcceleratorCount')) !== 0;
}

function withoutRepeats(rows: readonly CatalogRow[], skips: Skips): CatalogRow[] {
  const first = new Map<string, number>();
  return rows.filter((row) => {
    const key = JSON.stringify(row.all());
    const line = first.get(key);
    if (line !== undefined) skips.add('repeats an earlier row', row.line, `repeats line ${line}`);
    else first.set(key, row.line);
    return line === undefined;
  });
}

function offersOf(row: CatalogRow, totals: boolean, hosts: Hosts, skips: Skips): Unnamed[] {
  const count = readNumber(row.cell('AcceleratorCount'));
  if (count === null || count > GPUS_MAX) return skip(skips, row, 'AcceleratorCount is no count');
  if (!Number.isInteger(count))
    return skip(skips, row, 'a share of a GPU cannot be an offer', `${count} of a GPU`);
  const device = deviceOf(row, count, totals);
  const other = notAGpu(device);
  if (other) return skip(skips, row, other, `${row.cell('AcceleratorName')}: ${other}`);
  if (row.cell('InstanceType') !== '') return pricedOffer(row, row, null, device, count, skips);
  const pairs = hostsFor(row, device.model, count, hosts);
  if (pairs.length === 0)
    return skip(skips, row, 'a device without a machine, and no host for it in its zone');
  return pairs.flatMap((host) => pricedOffer(row, host, host, device, count, skips));
}

function pricedOffer(
  row: CatalogRow,
  machine: CatalogRow,
  host: CatalogRow | null,
  device: GpuIdentity,
  gpuCount: number,
  skips: Skips,
): Unnamed[] {
  const price = priceOf('Price', row, host);
  const spot = priceOf('SpotPrice', row, host);
  const cpus = readNumber(machine.cell('vCPUs'));
  const memoryGiB = readNumber(machine.cell('MemoryGiB'));
  if (cpus === null || memoryGiB === null) return skip(skips, row, 'vCPUs or MemoryGiB is no number');
  if (price === null || spot === null) return skip(skips, row, 'Price or SpotPrice is no amount');
  if (price === 'none' && spot === 'none') return skip(skips, row, 'no price, neither on demand nor spot');
  const region = row.cell('Region') || 'unspecified';
  const zone = row.cell('AvailabilityZone');
  return [
    {
      identity: {
        instanceType: machine.cell('InstanceType'),
        gpuModel: device.model,
        gpuCount,
        region,
        zone,
      },
      region,
      gpuModel: device.model,
      gpuCount,
      gpuMemoryGiB: device.memoryGiB ?? 0,
      gpuFormFactor: device.formFactor,
      cpus,
      memoryGiB,
      priceMicrosPerHour: price === 'none' ? null : price,
      spotPriceMicrosPerHour: spot === 'none' ? null : spot,
      currency: 'USD',
      listed: listedOf(row, host),
    },
  ];
}

/** Of the device and its host together; sold that way only where both are. */
function priceOf(
  column: 'Price' | 'SpotPrice',
  row: CatalogRow,
  host: CatalogRow | null,
): bigint | 'none' | null {
  const own = readPrice(row.cell(column));
  if (host === null || typeof own !== 'bigint') return own;
  const hosts = readPrice(host.cell(column));
  return typeof hosts === 'bigint' ? own + hosts : hosts;
}

function listedOf(row: CatalogRow, host: CatalogRow | null): Record<string, string | number> {
  const listed = { ...row.all(), line: row.line };
  return host ? { ...listed, host: host.cell('InstanceType'), hostLine: host.line } : listed;
}

/** Devices of kinds that no job can ask for. What is unknown is taken for a GPU newer than our list. */
function notAGpu({ kind }: GpuIdentity): string | null {
  const words = { tpu: 'a TPU is no GPU', asic: 'an accelerator that is no GPU', fpga: 'an FPGA is no GPU' };
  return kind === 'gpu' || kind === 'unknown' ? null : words[kind];
}

function skip(skips: Skips, row: CatalogRow, kind: string, reason: string = kind): [] {
  skips.add(kind, row.line, reason);
  return [];
}
