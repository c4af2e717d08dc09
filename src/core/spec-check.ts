import { acceptedGpus } from './gpu.ts';
import type { JobSpec } from './job.ts';
import type { ProblemDetailItem } from './problem.ts';
import { REPLICAS_MAX } from './protection.ts';
import { bothSides, ruleContradictions } from './rules-check.ts';

/** Where a spec contradicts itself, so that no provider could ever run it. Empty: nowhere. */
export function contradictions(spec: JobSpec, now: Date): ProblemDetailItem[] {
  return [
    ...ruleContradictions(spec.placement, '/placement'),
    ...priceFaults(spec),
    ...gpuFaults(spec),
    ...timeFaults(spec, now),
    ...serveFaults(spec),
    ...continuityFaults(spec),
  ];
}

/** What a whole job costs cannot be said of one that may run for ever. */
function priceFaults({ placement, limits, expectedRuntimeSeconds }: JobSpec): ProblemDetailItem[] {
  if (placement.maxPricePerJob === null) return [];
  if (expectedRuntimeSeconds !== null || limits.maxRuntimeSeconds !== null) return [];
  return bothSides(
    ['/placement/maxPricePerJob', 'How long the job runs has to be known.'],
    ['/expectedRuntimeSeconds', 'It, or `limits.maxRuntimeSeconds`, is needed.'],
  );
}

function gpuFaults({ resources: { gpu } }: JobSpec): ProblemDetailItem[] {
  const spelled = gpu.models.flatMap((model, index) => {
    const { problem } = acceptedGpus(model);
    return problem === null ? [] : [{ pointer: `/resources/gpu/models/${index}`, detail: problem }];
  });
  if (gpu.count > 0) return spelled;
  const without = 'A job without GPUs cannot ask for a kind of GPU.';
  if (gpu.models.length > 0) spelled.push({ pointer: '/resources/gpu/models', detail: without });
  if (gpu.class !== null) spelled.push({ pointer: '/resources/gpu/class', detail: without });
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

/** Two runs of one training would be two results. */
function continuityFaults({ kind, continuity: { mode }, serve }: JobSpec): ProblemDetailItem[] {
  if (mode !== 'active') return [];
  if (kind !== 'inference')
    return [{ pointer: '/continuity/mode', detail: 'Only a service can run at several places at once.' }];
  if ((serve?.replicas ?? 1) <= REPLICAS_MAX) return [];
  return [{ pointer: '/serve/replicas', detail: `At most ${REPLICAS_MAX}, as each is another vendor's.` }];
}
