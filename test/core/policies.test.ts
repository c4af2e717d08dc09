import { describe, expect, test } from 'vitest';
import { isCurrency } from '../../src/core/currencies.ts';
import { acceptedGpus, canonicalGpu } from '../../src/core/gpu.ts';
import { DATA_GRADES, POLICY_NAMES, POLICY_TABLES, type PolicyName } from '../../src/core/policy.ts';
import { checkPolicy } from '../../src/core/policy-check.ts';
import { defaultPolicies } from '../../src/core/policy-defaults.ts';
import { POLICY_ROWS } from '../../routes/schemas/policy.ts';

const defaults = defaultPolicies();

describe('the tables of a new installation', () => {
  test.each(POLICY_NAMES)('%s is what a client could put, word for word', (name) => {
    const rows = defaults[POLICY_TABLES[name]];
    expect(POLICY_ROWS[name].parse(rows)).toEqual(rows);
    const { rows: checked, errors } = checkPolicy(name, rows);
    expect(errors).toEqual([]);
    expect(checked).toEqual(rows);
    expect(rows.every((row) => row.note.length > 20)).toBe(true);
  });

  test('every grade has a way, and the higher one never an easier way', () => {
    const places = (grade: string) =>
      new Set(
        defaults.dataGrades
          .filter((row) => row.grade === grade)
          .flatMap(({ realms, certification }) =>
            realms.flatMap((realm) =>
              certification === null
                ? [`${realm} without`]
                : certification.grades.map((held) => `${realm} ${certification.scheme} ${held}`),
            ),
          ),
      );
    const [open, sensitive, classified] = DATA_GRADES.map(places);
    expect([...(sensitive ?? [])].filter((place) => !open?.has(place))).toEqual([]);
    expect([...(classified ?? [])].filter((place) => !sensitive?.has(place))).toEqual([]);
    expect(classified?.size).toBeGreaterThan(0);
    expect([...(classified ?? [])].filter((place) => place.startsWith('public'))).toEqual([]);
    expect(defaults.dataGrades.every(({ countries }) => countries.join() === 'KR')).toBe(true);
  });

  test('names only GPUs that are known', () => {
    const models = [
      ...defaults.capacityClasses.flatMap(({ members }) => members.map(({ model }) => model)),
      ...defaults.gpuSpeeds.map(({ model }) => model),
    ];
    expect(models.filter((model) => canonicalGpu(model).kind !== 'gpu')).toEqual([]);
    for (const { members } of defaults.capacityClasses) {
      for (const { model, minMemoryGiB } of members)
        expect(canonicalGpu(model).memoryGiB ?? 0).toBeGreaterThanOrEqual(minMemoryGiB);
    }
  });

  test('counts in A100s, and one B200 as 2.25 H200', () => {
    const speed = (model: string) => defaults.gpuSpeeds.find((row) => row.model === model)?.speed ?? 0;
    expect(speed('A100-80GB')).toBe(1);
    expect(speed('B200') / speed('H200')).toBeCloseTo(2.25, 2);
  });
});

describe('a table that is put', () => {
  const member = (model: string, over: object = {}) => ({
    model,
    formFactor: null,
    minMemoryGiB: 0,
    ...over,
  });
  const oneClass = (...members: ReturnType<typeof member>[]) => [{ name: 'c', members, note: '' }];
  const speed = (model: string, value = 1) => ({ model, speed: value, note: '' });

  test('is kept under canonical names, and a form factor is read from the spelling', () => {
    expect(checkPolicy('capacity-classes', oneClass(member('NVIDIA H100 SXM5'), member('a100 80g')))).toEqual(
      {
        rows: oneClass(member('H100', { formFactor: 'SXM' }), member('A100-80GB')),
        errors: [],
      },
    );
    expect(checkPolicy('gpu-speeds', [speed('nvidia l40s')])).toEqual({ rows: [speed('L40S')], errors: [] });
  });

  const grade = {
    grade: 'open' as const,
    realms: ['public' as const],
    countries: [],
    certification: null,
    validFrom: '2026-01-01T00:00:00.000Z',
    validUntil: null,
    note: '',
  };
  const bad: [string, PolicyName, readonly object[], string][] = [
    [
      'a row that ends before it begins',
      'data-grades',
      [{ ...grade, validUntil: '2025-01-01T00:00:00.000Z' }],
      '/0/validUntil',
    ],
    [
      'a row that ends as it begins',
      'data-grades',
      [{ ...grade, validUntil: grade.validFrom }],
      '/0/validUntil',
    ],
    ['a row twice', 'data-grades', [grade, { ...grade, note: 'again' }], '/1'],
    ['a class twice', 'capacity-classes', [...oneClass(member('T4')), ...oneClass(member('L4'))], '/1/name'],
    [
      'a member twice, by another spelling',
      'capacity-classes',
      oneClass(member('L4'), member('nvidia l4')),
      '/0/members/1/model',
    ],
    ['a member of no certain size', 'capacity-classes', oneClass(member('A100')), '/0/members/0/model'],
    [
      'a member of two form factors',
      'capacity-classes',
      oneClass(member('H100-SXM', { formFactor: 'PCIe' })),
      '/0/members/0/formFactor',
    ],
    [
      'an NVL card that is none',
      'capacity-classes',
      oneClass(member('H100-NVL', { formFactor: 'SXM' })),
      '/0/members/0/formFactor',
    ],
    [
      'a member of no one form factor',
      'capacity-classes',
      oneClass(member('H100 SXM PCIe')),
      '/0/members/0/model',
    ],
    [
      'a speed twice, by another spelling',
      'gpu-speeds',
      [speed('RTX 4090'), speed('GeForce RTX4090', 2)],
      '/1/model',
    ],
    ['a speed of nothing', 'gpu-speeds', [speed('L4', 0)], '/0/speed'],
    ['a speed below nothing', 'gpu-speeds', [speed('L4', -1)], '/0/speed'],
    ['a speed beyond belief', 'gpu-speeds', [speed('L4', 1e308)], '/0/speed'],
    ['a speed of no certain size', 'gpu-speeds', [speed('V100')], '/0/model'],
  ];
  test.each(bad)('cannot have %s', (_, table, rows, pointer) => {
    expect(checkPolicy(table, rows as never).errors.map((error) => error.pointer)).toEqual([pointer]);
  });

  test('may have a model and its form factors side by side', () => {
    const both = oneClass(
      member('H100', { formFactor: 'SXM' }),
      member('H100', { formFactor: 'PCIe' }),
      member('H100-NVL'),
    );
    expect(checkPolicy('capacity-classes', both)).toEqual({ rows: both, errors: [] });
    expect(acceptedGpus('H100-NVL').gpus).toEqual([{ model: 'H100-NVL', formFactor: null }]);
  });
});

test.each([
  ['KRW', true],
  ['USD', true],
  ['XXX', true],
  ['ZZZ', false],
  ['krw', false],
  ['DEM', false],
  ['', false],
])('%j is a currency: %s', (code, is) => expect(isCurrency(code)).toBe(is));
