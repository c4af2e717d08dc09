import { canonicalGpu, knownSizes, nominalMemory, type GpuIdentity } from '../gpu.ts';
import { readNumber, readSizeMiB } from './cells.ts';
import type { CatalogRow } from './rows.ts';

/**
 * Whether this catalog's SizeInMiB is the memory of all devices together, as one marketplace writes it, rather than
 * of one. Nothing in the file says so, so the rows with several devices of a model of one known size vote.
 */
export function sizesAreTotals(rows: readonly CatalogRow[]): boolean {
  let votes = 0;
  for (const row of rows) {
    const count = readNumber(row.cell('AcceleratorCount')) ?? 0;
    const sizeMiB = count > 1 ? readSizeMiB(row.cell('GpuInfo')) : null;
    const known = sizeMiB === null ? [] : knownSizes(row.cell('AcceleratorName'));
    if (sizeMiB === null || known.length !== 1) continue;
    if (nominalMemory({ memoryGiB: known }, sizeMiB / 1024) !== null) votes -= 1;
    else if (nominalMemory({ memoryGiB: known }, sizeMiB / 1024 / count) !== null) votes += 1;
  }
  return votes > 0;
}

/** What the row's device is, with the memory of one; the machine's name is asked where it says more. */
export function deviceOf(row: CatalogRow, count: number, totals: boolean): GpuIdentity {
  const sizeMiB = readSizeMiB(row.cell('GpuInfo'));
  const measuredGiB = sizeMiB === null ? null : sizeMiB / 1024 / (totals ? count : 1);
  const spelling = fullerName(row.cell('AcceleratorName'), row.cell('InstanceType'));
  const device = canonicalGpu(spelling, measuredGiB);
  const measured = measuredGiB === null ? null : Math.round(measuredGiB);
  // A size that this model is not known with is believed all the same: the list in gpu-models.ts ages.
  const odd =
    measuredGiB !== null && nominalMemory({ memoryGiB: [device.memoryGiB ?? 0] }, measuredGiB) === null;
  return odd ? { ...device, memoryGiB: measured } : device;
}

/** `1x-RTX_4070S_Ti-32-65536` listed as RTX4070 is a 4070 Ti Super: the longer name counts where it begins the same. */
function fullerName(accelerator: string, instanceType: string): string {
  const inside = /^\d+x-(.+)-\d+-\d+$/.exec(instanceType)?.[1];
  if (inside === undefined) return accelerator;
  const known = canonicalGpu(inside).kind === 'gpu';
  return known && bare(inside).startsWith(bare(accelerator)) ? inside : accelerator;
}

function bare(spelling: string): string {
  return spelling.toUpperCase().replace(/[^A-Z0-9]/g, '');
}
