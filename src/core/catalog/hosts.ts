import type { CatalogRow } from './rows.ts';

/**
 * One big cloud prices a device and its host apart: the device's row names no machine, and the machines stand in
 * rows of their own. What can be bought is the pair, in a zone that has both.
 */
export type Hosts = ReadonlyMap<string, CatalogRow>;

const HOST = /^(a2|a3|g2|n1)-/;
const L4_HOST_CPUS: Readonly<Record<number, readonly number[]>> = {
  1: [4, 8, 12, 16, 32],
  2: [24],
  4: [48],
  8: [96],
};

export function isHost(row: CatalogRow): boolean {
  return HOST.test(row.cell('InstanceType'));
}

export function indexHosts(rows: readonly CatalogRow[]): Hosts {
  return new Map(rows.map((row) => [keyOf(row.cell('InstanceType'), row), row]));
}

/** The hosts that this device can sit in, in its own zone; several for a single L4, none where the zone lacks them. */
export function hostsFor(device: CatalogRow, gpuModel: string, gpuCount: number, hosts: Hosts): CatalogRow[] {
  return hostTypes(gpuModel, gpuCount).flatMap((type) => hosts.get(keyOf(type, device)) ?? []);
}

function hostTypes(gpuModel: string, gpuCount: number): string[] {
  switch (gpuModel) {
    case 'A100-40GB':
      return [gpuCount === 16 ? 'a2-megagpu-16g' : `a2-highgpu-${gpuCount}g`];
    case 'A100-80GB':
      return [`a2-ultragpu-${gpuCount}g`];
    case 'H100':
      return [`a3-highgpu-${gpuCount}g`];
    case 'L4':
      return (L4_HOST_CPUS[gpuCount] ?? []).map((cpus) => `g2-standard-${cpus}`);
    default:
      // Older devices are attached to a general machine; eight CPUs a device is what they are sold for together.
      return [`n1-standard-${8 * gpuCount}`];
  }
}

function keyOf(instanceType: string, row: CatalogRow): string {
  return `${instanceType} ${row.cell('Region')} ${row.cell('AvailabilityZone')}`;
}
