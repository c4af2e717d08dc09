import { describe, expect, test } from 'vitest';
import { diffCatalog } from '../../src/core/catalog/diff.ts';
import { parseCatalog } from '../../src/core/catalog/parse.ts';
import type { ImportedOffer } from '../../src/core/catalog/types.ts';
import { formatMicros } from '../../src/core/money.ts';
import { hasPublicData, publicRows, publicText } from './public-data.ts';

const CLOUDS =
  `aws cudo fluidstack gcp hyperstack ibm jarvislabs lambda lium mithril ovhcloud paperspace scp seeweb
  simplepod vast verda yotta`.split(/\s+/);
const read = (cloud: string) => parseCatalog(publicText(`offers/skypilot-catalog/${cloud}/vms.csv`));
const number = (text: string | undefined) => (text ? String(Number(Number(text).toFixed(6))) : '');
const money = (micros: bigint | null) => (micros === null ? '' : formatMicros(micros));

/** Everything that the reference says of an offer, on one line. */
function ourLine(offer: ImportedOffer): string {
  const { listed } = offer;
  const place = [
    offer.region === 'unspecified' ? '' : offer.region,
    String(listed['AvailabilityZone'] ?? ''),
  ];
  const machine = [listed['host'] ?? listed['InstanceType'], listed['AcceleratorName'], offer.gpuCount];
  const prices = [money(offer.priceMicrosPerHour), money(offer.spotPriceMicrosPerHour)];
  return [...place, ...machine, offer.gpuMemoryGiB, offer.cpus, offer.memoryGiB, ...prices].join(' | ');
}

function theirLine(row: Record<string, string>): string {
  const { region, zone, instance_type: type, gpu_name: gpu } = row;
  const numbers = [
    'gpu_count',
    'gpu_memory_gib',
    'vcpus',
    'memory_gib',
    'price_usd_per_hour',
    'spot_price_usd_per_hour',
  ];
  return [region, zone, type, gpu, ...numbers.map((column) => number(row[column]))].join(' | ');
}

describe.skipIf(!hasPublicData)('the public catalogs', () => {
  const devices = hasPublicData ? publicRows('offers/gpu-names.csv') : [];
  const gpus = new Set(
    devices.filter((row) => row['kind'] === 'gpu').map((row) => `${row['provider']} ${row['gpu_name']}`),
  );
  const reference = hasPublicData ? publicRows('offers/offers.csv') : [];

  test.each(CLOUDS)('%s gives exactly the offers that the reference has', (cloud) => {
    const theirs = reference.filter(
      (row) => row['provider'] === cloud && gpus.has(`${cloud} ${row['gpu_name']}`),
    );
    expect(theirs.length).toBeGreaterThan(0);
    expect(read(cloud).offers.map(ourLine).sort()).toEqual(theirs.map(theirLine).sort());
  });

  test.each(CLOUDS)('%s: every device has its canonical name and memory', (cloud) => {
    const known = new Set(
      devices.map((row) =>
        [row['provider'], row['gpu_name'], row['canonical_name'], row['memory_gib']].join(' | '),
      ),
    );
    for (const offer of read(cloud).offers) {
      const { gpuModel, gpuMemoryGiB, listed } = offer;
      expect(known).toContain([cloud, listed['AcceleratorName'], gpuModel, gpuMemoryGiB].join(' | '));
    }
  });

  test.each(CLOUDS)('%s again changes nothing', (cloud) => {
    const { offers } = read(cloud);
    const existing = offers.map((offer) => ({ ...offer, withdrawnAt: null }));
    expect(diffCatalog(existing, read(cloud).offers)).toMatchObject({
      imported: [],
      updated: [],
      withdrawn: [],
    });
  });

  test('a month later only spot prices have moved', () => {
    const before = parseCatalog(publicText('offers/refresh/aws/vms-2024-03-02.csv')).offers;
    const diff = diffCatalog(
      before.map((offer) => ({ ...offer, withdrawnAt: null })),
      read('aws').offers,
    );
    expect(diff.imported).toEqual([]);
    expect(diff.withdrawn).toEqual([]);
    expect(diff.updated.length).toBeGreaterThan(1_000);
    const old = new Map(before.map((offer) => [offer.name, offer]));
    for (const offer of diff.updated) {
      expect({ ...offer, spotPriceMicrosPerHour: 0n, listed: {} }).toEqual({
        ...old.get(offer.name),
        spotPriceMicrosPerHour: 0n,
        listed: {},
      });
    }
  });
});
