import { acceptedGpus } from './gpu.ts';
import type { AllowDeny, JobSpec } from './job.ts';
import type { ProblemDetailItem } from './problem.ts';

/** Where a spec contradicts itself, so that no provider could ever run it. Empty: nowhere. */
export function contradictions(spec: JobSpec, now: Date): ProblemDetailItem[] {
  return [
    ...allowedAndDenied(spec.placement.providers, '/placement/providers'),
    ...allowedAndDenied(spec.placement.regions, '/placement/regions'),
    ...gpuFaults(spec),
    ...timeFaults(spec, now),
    ...serveFaults(spec),
  ];
}

function allowedAndDenied({ allow, deny }: AllowDeny, pointer: string): ProblemDetailItem[] {
  const denied = new Set(deny);
  const both = allow.flatMap((name, index) =>
    denied.has(name)
      ? [{ pointer: `${pointer}/allow/${index}`, detail: 'It is both allowed and denied.' }]
      : [],
  );
  return both;
}

function gpuFaults({ resources: { gpu } }: JobSpec): ProblemDetailItem[] {
  const spelled = gpu.models.flatMap((model, index) => {
    const { problem } = acceptedGpus(model);
    return problem === null ? [] : [{ pointer: `/resources/gpu/models/${index}`, detail: problem }];
  });
  if (gpu.count > 0) return spelled;
  const without = 'A job without GPUs cannot ask for a kind of GPU.';
  if (gpu.models.length > 0) spelled.push({ pointer: '/resources/gpu/models', detail: without });
  if (gpu.minMemoryGiB > 0) spelled.push({ pointer: '/resources/gpu/minMemoryGiB', detail: without });
  return spelled;
}

function timeFaults({ limits }: JobSpec, now: Date): ProblemDetailItem[] {
  const over = limits.deadline !== null && Date.parse(limits.deadline) <= now.getTime();
  return over ? [{ pointer: '/limits/deadline', detail: 'It has passed already.' }] : [];
}

function serveFaults({ kind, serve }: JobSpec): ProblemDetailItem[] {
  if (kind === 'inference' || serve === null) return [];
  return [{ pointer: '/serve', detail: 'Only inference serves.' }];
}
