import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readNumber, readPrice, readSizeMiB } from '../../src/core/catalog/cells.ts';
import { diffCatalog } from '../../src/core/catalog/diff.ts';
import { parseCatalog } from '../../src/core/catalog/parse.ts';
import { SKIPPED_PER_REASON } from '../../src/core/catalog/skips.ts';
import { NotACatalog, type ExistingOffer, type ImportedOffer } from '../../src/core/catalog/types.ts';

const HEADER =
  'InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region,AvailabilityZone';
const catalog = (...rows: string[]) => [HEADER, ...rows].join('\n');
const only = (row: string): ImportedOffer => {
  const { offers, skipped } = parseCatalog(catalog(row));
  expect(skipped).toEqual([]);
  expect(offers).toHaveLength(1);
  return offers[0] as ImportedOffer;
};

describe('cells', () => {
  test.each([
    ['4.760000000100001', 4_760_000n],
    ['0.0000005', 1n],
    ['0.0000004', 'none'],
    ['5e-05', 50n],
    ['13.10904', 13_109_040n],
    ['', 'none'],
    ['0.00', 'none'],
    ['-1', null],
    ['NaN', null],
    ['1,5', null],
    ['9999999999999', null],
  ])('a price of %j is %s', (text, micros) => expect(readPrice(text)).toBe(micros));

  test.each([
    ['8.0', 8],
    ['8', 8],
    ['', 0],
    ['0.5', 0.5],
    ['8x', null],
    ['-1', null],
    ['Infinity', null],
  ])('a number of %j is %s', (text, number) => expect(readNumber(text)).toBe(number));

  test.each([
    [
      "{'Gpus': [{'Name': 'L40', 'Manufacturer': null, 'Count': '1.0', 'MemoryInfo': {'SizeInMiB': 49152}}]}",
      49152,
    ],
    ['{"Gpus": [{"MemoryInfo": {"SizeInMiB": 268288}}], "TotalGpuMemoryInMiB": 1}', 268288],
    ["{'Gpus': [{'MemoryInfo': {'SizeInMiB': 0}}]}", null],
    ['V100', null],
    ['', null],
  ])('%j is %s MiB', (text, size) => expect(readSizeMiB(text)).toBe(size));
});

describe('parseCatalog', () => {
  test('reads a row by header name, whatever the order', () => {
    const text =
      'Region,Price,AcceleratorCount,More,AcceleratorName,InstanceType\r\nkr-1,2.5,8.0,x,H100,m8\r\n';
    const [offer] = parseCatalog(text).offers;
    expect(offer).toMatchObject({
      name: 'm8-h100-x8-kr-1',
      region: 'kr-1',
      gpuModel: 'H100',
      gpuCount: 8,
      gpuMemoryGiB: 80,
      priceMicrosPerHour: 2_500_000n,
      spotPriceMicrosPerHour: null,
      listed: { More: 'x', AcceleratorCount: '8.0', line: 2 },
    });
  });

  test.each([
    ['', 'empty'],
    ['hello', 'InstanceType'],
    ['InstanceType,AcceleratorName,AcceleratorCount,Price', 'Region'],
    [`${HEADER},Price`, 'two columns'],
    [`${HEADER}\n"a`, 'never closed'],
    [`${HEADER}\na\u0000`, 'NUL'],
  ])('%j is no catalog', (text, why) => {
    expect(() => parseCatalog(text)).toThrow(NotACatalog);
    expect(() => parseCatalog(text)).toThrow(why);
  });

  test.each([
    ['c5,,,4,8,,0.1,,us,us-a', 'without GPUs'],
    ['c5,H100,0,4,8,,0.1,,us,us-a', 'without GPUs'],
    ['m,H100,0.5,4,8,,1,,us,us-a', '0.5 of a GPU'],
    ['m,H100,x,4,8,,1,,us,us-a', 'no count'],
    ['m,H100,1,4,8,,,,us,us-a', 'no price'],
    ['m,H100,1,4,8,,0,0.00,us,us-a', 'no price'],
    ['m,H100,1,4,8,,free,,us,us-a', 'no amount'],
    ['m,H100,1,many,8,,1,,us,us-a', 'no number'],
    ['m,H100,1,4', 'has 4 cells'],
    [',tpu-v3-8,1,,,,1,,us,us-a', 'a TPU is no GPU'],
    ['inf1,Inferentia,1,4,8,,1,,us,us-a', 'no GPU'],
    ['f1,Virtex UltraScale (VU9P),1,4,8,,1,,us,us-a', 'FPGA'],
    [',H100,8,,,,1,,us,us-a', 'no host'],
  ])('skips %j', (row, why) => {
    const { offers, skipped, skippedRows } = parseCatalog(catalog(row));
    expect(offers).toEqual([]);
    expect(skippedRows).toBe(1);
    expect(skipped).toEqual([{ line: 2, reason: expect.stringContaining(why) as string }]);
  });

  test('a device and its host are one offer, at the sum of their prices', () => {
    const host = 'a2-highgpu-1g,,,12.0,85.0,,0.94803,0.37928,asia,asia-a';
    const elsewhere = 'a2-highgpu-1g,,,12.0,85.0,,9,9,asia,asia-b';
    const { offers } = parseCatalog(catalog(host, elsewhere, ',A100,1.0,,,,3.10156,1.2406,asia,asia-a'));
    expect(offers).toHaveLength(1);
    expect(offers[0]).toMatchObject({
      name: 'a2-highgpu-1g-a100-40gb-x1-asia-a',
      cpus: 12,
      memoryGiB: 85,
      priceMicrosPerHour: 4_049_590n,
      spotPriceMicrosPerHour: 1_619_880n,
      listed: { host: 'a2-highgpu-1g', hostLine: 2, line: 4 },
    });
  });

  test('one size for all devices is told from one of each by the rows of several', () => {
    const sized = (name: string, count: number, mib: number) =>
      `${count}x-${name}-32-65536,${name},${count},32,64,"{'Gpus': [{'MemoryInfo': {'SizeInMiB': ${mib}}}]}",1,,us,`;
    const memories = (...rows: string[]) =>
      parseCatalog(catalog(...rows)).offers.map(
        ({ gpuModel, gpuMemoryGiB }) => `${gpuModel} ${gpuMemoryGiB}`,
      );
    expect(memories(sized('L40S', 2, 92136), sized('RTX4090', 1, 49140))).toEqual(['RTX4090 48', 'L40S 48']);
    expect(memories(sized('L40S', 2, 46068), sized('RTX4090', 2, 49140))).toEqual(['L40S 48', 'RTX4090 48']);
  });

  test('the machine names the device where it says more', () => {
    expect(only('2x-RTX_4070S_Ti-32-65536,RTX4070,2,32,64,,0.36,0.00,"Bulgaria, BG, EU",')).toMatchObject({
      gpuModel: 'RTX4070Ti-Super',
      gpuMemoryGiB: 16,
      region: 'Bulgaria, BG, EU',
      spotPriceMicrosPerHour: null,
    });
  });

  test('an empty region can still be named', () => {
    expect(only('m,L4,1,4,8,,1,,,').region).toBe('unspecified');
  });

  test('spot at or over on-demand is kept as it is', () => {
    expect(only('m,H200,1,20,200,,1.0,1.0,us,')).toMatchObject({
      priceMicrosPerHour: 1_000_000n,
      spotPriceMicrosPerHour: 1_000_000n,
    });
  });

  test('one machine at two prices is two offers, and a whole repeat is one', () => {
    const rows = ['m,L4,1,4,8,,1.36,,us,', 'm,L4,1,4,8,,1.28,,us,', 'm,L4,1,4,8,,1.36,,us,'];
    const { offers, skipped } = parseCatalog(catalog(...rows));
    expect(offers.map((offer) => [offer.name, offer.priceMicrosPerHour])).toEqual([
      ['m-l4-x1-us', 1_280_000n],
      ['m-l4-x1-us-2', 1_360_000n],
    ]);
    expect(skipped).toEqual([{ line: 4, reason: 'repeats line 2' }]);
  });

  test('thirty thousand skipped rows are a page of reasons', () => {
    const rows = Array.from({ length: 30_000 }, (_, index) => `c${index},,,4,8,,0.1,,us,`);
    const { skipped, skippedRows } = parseCatalog(catalog(...rows));
    expect(skippedRows).toBe(30_000);
    expect(skipped).toHaveLength(SKIPPED_PER_REASON + 1);
    expect(skipped.at(-1)).toEqual({
      line: SKIPPED_PER_REASON + 2,
      reason: expect.stringContaining('(and 29979 more rows)') as string,
    });
  });

  test('names are slugs, unique, and depend neither on prices nor on the order of rows', () => {
    const word = fc.constantFrom(
      'East Coast (NY2)',
      'East-Coast NY2',
      'Île',
      '서울',
      'us-1',
      'x'.repeat(250),
      '',
    );
    const row = fc.tuple(word, fc.constantFrom('H100', 'A100', 'L4'), fc.integer({ min: 1, max: 2 }), word);
    const table = fc.array(row, { maxLength: 12 });
    const text = (rows: [string, string, number, string][], price: number) =>
      catalog(
        ...rows.map(([type, gpu, count, region]) => `m${type},${gpu},${count},4,8,,${price},,${region},`),
      );
    fc.assert(
      fc.property(table, (rows) => {
        const names = parseCatalog(text(rows, 1)).offers.map((offer) => offer.name);
        for (const name of names) expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
        for (const name of names) expect(name.length).toBeLessThanOrEqual(200);
        expect(new Set(names).size).toBe(names.length);
        expect(parseCatalog(text(rows.toReversed(), 2)).offers.map((offer) => offer.name)).toEqual(names);
      }),
    );
  });
});

describe('diffCatalog', () => {
  const stored = (offers: readonly ImportedOffer[]): ExistingOffer[] =>
    offers.map((offer) => ({ ...offer, withdrawnAt: null }));
  const { offers } = parseCatalog(catalog('a,L4,1,4,8,,1,,us,', 'b,L4,1,4,8,,1,,us,', 'c,L4,1,4,8,,1,,us,'));

  test('the first time everything is new, the second time nothing is', () => {
    expect(diffCatalog([], offers)).toEqual({ imported: offers, updated: [], unchanged: 0, withdrawn: [] });
    expect(diffCatalog(stored(offers), offers)).toEqual({
      imported: [],
      updated: [],
      unchanged: 3,
      withdrawn: [],
    });
  });

  test('a form factor is kept, is no part of a name, and another one is an update', () => {
    const read = (gpu: string) => parseCatalog(catalog(`a,${gpu},8,4,8,,1,,us,`)).offers;
    const forms = ['H100', 'H100-SXM', 'NVIDIA H100 PCIe', 'H100-NVL'].map(
      (gpu) => read(gpu)[0]?.gpuFormFactor,
    );
    expect(forms).toEqual([null, 'SXM', 'PCIe', 'NVL']);
    expect(read('H100-SXM')[0]?.name).toBe('a-h100-x8-us');
    expect(diffCatalog(stored(read('H100')), read('H100-SXM'))).toMatchObject({
      imported: [],
      updated: [{ gpuFormFactor: 'SXM' }],
      withdrawn: [],
    });
  });

  test('a price that moved is an update; what is gone is withdrawn; what comes back is new again', () => {
    const moved = parseCatalog(catalog('a,L4,1,4,8,,2,,us,', 'c,L4,1,4,8,,1,,us,')).offers;
    const existing = stored(offers).map((offer) =>
      offer.name.startsWith('c') ? { ...offer, withdrawnAt: new Date(0) } : offer,
    );
    const diff = diffCatalog(existing, moved);
    expect(diff.updated.map((offer) => offer.name)).toEqual(['a-l4-x1-us']);
    expect(diff.imported.map((offer) => offer.name)).toEqual(['c-l4-x1-us']);
    expect(diff.withdrawn).toEqual(['b-l4-x1-us']);
    expect(diff.unchanged).toBe(0);
  });
});
