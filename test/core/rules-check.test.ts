import { describe, expect, test } from 'vitest';
import type { JobSpec } from '../../src/core/job.ts';
import { NO_RULES, type PlacementRules } from '../../src/core/rules.ts';
import { ruleContradictions } from '../../src/core/rules-check.ts';
import { contradictions } from '../../src/core/spec-check.ts';

const pointers = (found: readonly { readonly pointer: string }[]) => found.map(({ pointer }) => pointer);

describe('rules contradict themselves', () => {
  const bad: [string, Partial<PlacementRules>, string[]][] = [
    [
      'a provider allowed and denied',
      { providers: { allow: ['a', 'b'], deny: ['c', 'b'] } },
      ['/providers/allow/1', '/providers/deny/1'],
    ],
    [
      'a region allowed and denied',
      { regions: { allow: ['kr'], deny: ['kr'] } },
      ['/regions/allow/0', '/regions/deny/0'],
    ],
    ['nothing but spot, verified', { spot: 'only', drVerified: true }, ['/spot', '/drVerified']],
  ];
  test.each(bad)('%s: both places are named', (_, over, named) => {
    expect(pointers(ruleContradictions({ ...NO_RULES, ...over }, ''))).toEqual(named);
    const deep = ruleContradictions({ ...NO_RULES, ...over }, '/placement');
    expect(pointers(deep)).toEqual(named.map((pointer) => `/placement${pointer}`));
  });

  const good: [string, Partial<PlacementRules>][] = [
    ['none', {}],
    ['different names', { providers: { allow: ['a'], deny: ['b'] } }],
    [
      'a provider and a region of one name',
      { providers: { allow: ['a'], deny: [] }, regions: { allow: [], deny: ['a'] } },
    ],
    ['spot where it is allowed', { spot: 'allowed', drVerified: true }],
    ['spot only', { spot: 'only' }],
    ['a grade that no realm of theirs may carry today', { dataGrade: 'classified', realms: ['public'] }],
    [
      'a price of a job, whose runtime each job says itself',
      { maxPricePerJob: { amount: '1', currency: 'KRW' } },
    ],
  ];
  test.each(good)('not with %s', (_, over) => {
    expect(ruleContradictions({ ...NO_RULES, ...over }, '')).toEqual([]);
  });
});

describe('a job contradicts itself', () => {
  const NOW = new Date('2026-03-02T09:00:00.000Z');
  const spec: JobSpec = {
    name: 'a',
    project: 'kogpt',
    kind: 'training',
    run: { image: null, command: ['true'], env: {} },
    resources: {
      gpu: { count: 1, models: [], class: null, minMemoryGiB: 0 },
      cpus: 0,
      memoryGiB: 0,
      nodes: 1,
    },
    placement: { ...NO_RULES, objective: 'cheapest', spot: 'never' },
    continuity: { mode: 'restart', rtoSeconds: null, rpoSeconds: null, minSeparationKm: null },
    checkpoint: { intervalSeconds: 600, fromJob: null },
    limits: { maxRuntimeSeconds: null, deadline: null },
    expectedRuntimeSeconds: null,
    priority: 50,
    labels: {},
    quoteId: null,
    serve: null,
    graceSeconds: 10,
  };
  const priced = { ...spec.placement, maxPricePerJob: { amount: '1', currency: 'KRW' } };
  const gpu = (over: Partial<JobSpec['resources']['gpu']>): Partial<JobSpec> => ({
    resources: { ...spec.resources, gpu: { ...spec.resources.gpu, ...over } },
  });

  const bad: [string, Partial<JobSpec>, string[]][] = [
    [
      'by its rules',
      { placement: { ...spec.placement, spot: 'only', drVerified: true } },
      ['/placement/spot', '/placement/drVerified'],
    ],
    [
      'by the price of a job that may run for ever',
      { placement: priced },
      ['/placement/maxPricePerJob', '/expectedRuntimeSeconds'],
    ],
    ['by a class for no GPU', gpu({ count: 0, class: 'trainer-80gb' }), ['/resources/gpu/class']],
    [
      'by two form factors of one model',
      gpu({ models: ['L4', 'H100 SXM PCIe'] }),
      ['/resources/gpu/models/1'],
    ],
  ];
  test.each(bad)('%s', (_, over, named) => {
    expect(pointers(contradictions({ ...spec, ...over }, NOW))).toEqual(named);
  });

  const good: [string, Partial<JobSpec>][] = [
    ['as it is', {}],
    ['a price and what is expected', { placement: priced, expectedRuntimeSeconds: 60 }],
    ['a price and a limit', { placement: priced, limits: { ...spec.limits, maxRuntimeSeconds: 60 } }],
    ['a form factor', gpu({ models: ['H100-SXM', 'A100-PCIe'] })],
    ['a class', gpu({ class: 'trainer-80gb', models: ['L40S'] })],
  ];
  test.each(good)('not: %s', (_, over) => {
    expect(contradictions({ ...spec, ...over }, NOW)).toEqual([]);
  });
});
