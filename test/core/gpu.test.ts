import { describe, expect, test } from 'vitest';
import { DEVICES } from '../../src/core/gpu-models.ts';
import { acceptedGpus, canonicalGpu } from '../../src/core/gpu.ts';
import { hasPublicData, publicRows } from './public-data.ts';

describe('canonicalGpu', () => {
  test.each([
    ['NVIDIA A100-SXM4-80GB', null, 'A100-80GB', 80, 'SXM', 'gpu'],
    ['NVIDIA A100 80GB PCIe', null, 'A100-80GB', 80, 'PCIe', 'gpu'],
    ['A100', null, 'A100-40GB', 40, null, 'gpu'],
    ['A100', 80, 'A100-80GB', 80, null, 'gpu'],
    ['A100', 79.6, 'A100-80GB', 80, null, 'gpu'],
    ['NVIDIA H100 80GB HBM3', null, 'H100', 80, null, 'gpu'],
    ['NVIDIA H100 NVL', null, 'H100-NVL', 94, 'NVL', 'gpu'],
    ['H100', 93.6, 'H100-NVL', 94, 'NVL', 'gpu'],
    ['H100-80G-PCIe-NVLink', null, 'H100', 80, 'PCIe', 'gpu'],
    ['Tesla V100-SXM2-16GB', null, 'V100-16GB', 16, 'SXM', 'gpu'],
    ['NVIDIA GeForce RTX 4090', null, 'RTX4090', 24, null, 'gpu'],
    ['RTX_4070S_Ti', null, 'RTX4070Ti-Super', 16, null, 'gpu'],
    ['Quadro RTX 6000', null, 'RTX6000', 24, null, 'gpu'],
    ['NVIDIA RTX 6000 Ada Generation', null, 'RTX6000-Ada', 48, null, 'gpu'],
    ['NVIDIA RTX A6000', null, 'RTXA6000', 48, null, 'gpu'],
    ['A6000', null, 'RTXA6000', 48, null, 'gpu'],
    ['RTX PRO 6000 Blackwell Max-Q Workstation Edition', null, 'RTX-PRO-6000', 96, null, 'gpu'],
    ['AMD Instinct MI300X OAM', null, 'MI300X', 192, null, 'gpu'],
    ['tpu-v3-32', null, 'tpu-v3-32', null, null, 'tpu'],
    ['Gaudi HL-205', null, 'Gaudi', 32, null, 'asic'],
    ['Virtex UltraScale (VU9P)', null, 'FPGA-VU9P', null, null, 'fpga'],
    ['my  npu_7', 24, 'MY-NPU-7', 24, null, 'unknown'],
    ['', null, 'UNKNOWN', null, null, 'unknown'],
  ] as const)('%j with %s GiB is %s', (spelling, memory, model, memoryGiB, formFactor, kind) => {
    expect(canonicalGpu(spelling, memory)).toEqual({ model, memoryGiB, formFactor, kind });
  });

  test('a canonical name is its own canonical name', () => {
    for (const device of DEVICES) {
      for (const size of [null, ...device.memoryGiB]) {
        const { model } = canonicalGpu(device.model, size);
        expect(canonicalGpu(model, size).model).toBe(model);
        expect(canonicalGpu(model).model).toBe(model);
      }
    }
  });

  /** Names from which a marketplace drops what the machine's name keeps: the catalog import reads the latter. */
  const needsMachine = new Set([
    'vast RTX3060 RTX3060Ti',
    'vast RTX4060 RTX4060Ti',
    'vast RTX4070 RTX4070Ti-Super',
  ]);

  test.skipIf(!hasPublicData)('knows every spelling of the public catalogs', () => {
    const rows = publicRows('offers/gpu-names.csv').filter((row) => {
      const second = row['gpu_name'] === 'Inferentia' && row['canonical_name'] === 'Inferentia2';
      return !second && !needsMachine.has(`${row['provider']} ${row['gpu_name']} ${row['canonical_name']}`);
    });
    expect(rows.length).toBeGreaterThan(170);
    const read = rows.map(({ provider, gpu_name: spelling = '', memory_gib: memory }) => {
      const { model, kind, memoryGiB } = canonicalGpu(spelling, memory ? Number(memory) : null);
      return { provider, spelling, model, kind, memory: memoryGiB === null ? '' : String(memoryGiB) };
    });
    const said = rows.map((row) => ({
      provider: row['provider'],
      spelling: row['gpu_name'],
      model: row['canonical_name'],
      kind: row['kind'],
      memory: row['memory_gib'],
    }));
    expect(read).toEqual(said);
  });
});

describe('acceptedGpus', () => {
  test.each([
    ['A100', ['A100-40GB', 'A100-80GB']],
    ['A100-80GB', ['A100-80GB']],
    ['nvidia a100 80g', ['A100-80GB']],
    ['H100', ['H100', 'H100-NVL']],
    ['H100-80GB', ['H100']],
    ['H100-NVL', ['H100-NVL']],
    ['V100', ['V100-16GB', 'V100-32GB']],
    ['T4', ['T4']],
    ['My NPU-7', ['MY-NPU-7']],
  ])('%j accepts %j', (spelling, models) => {
    const gpus = models.map((model) => ({ model, formFactor: null }));
    expect(acceptedGpus(spelling)).toEqual({ gpus, problem: null });
  });

  test.each([
    ['H100-SXM', [{ model: 'H100', formFactor: 'SXM' }]],
    ['A100-PCIe', ['A100-40GB', 'A100-80GB'].map((model) => ({ model, formFactor: 'PCIe' }))],
    ['NVIDIA A100-SXM4-80GB', [{ model: 'A100-80GB', formFactor: 'SXM' }]],
    // The form factor is part of the model's name.
    ['H100 NVL', [{ model: 'H100-NVL', formFactor: null }]],
  ])('%j asks for a form factor', (spelling, gpus) => {
    expect(acceptedGpus(spelling)).toEqual({ gpus, problem: null });
  });
});
