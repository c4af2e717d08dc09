import { acceptedGpus, type FormFactor } from '../gpu.ts';
import type { JobSpec } from '../job.ts';
import type { Policies } from '../policy.ts';
import type { Lot, Market } from './market.ts';
import type { Pass } from './pass.ts';
import { bit, type Broken } from './rules.ts';

/** What a market's shapes are to a job: the same for all that ask for the same resources. */
export interface Fitting {
  readonly gpus: WantedGpus;
  /** By shape: what every offer of it breaks. */
  readonly byShape: Int32Array;
  /** Shapes that break nothing. */
  readonly shapes: readonly number[];
  /** By shape: 2 takes twice as long as on the GPU that the job's runtime is of. */
  readonly slowness: Float64Array;
}

/** The fittings of one pass, by the resources asked for. */
export class Fittings {
  readonly #known = new Map<string, Fitting>();
  readonly #slowness = new Map<string | null, Float64Array>();

  of({ market, state }: Pass, spec: JobSpec): Fitting {
    const key = JSON.stringify(spec.resources);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const gpus = wantedGpus(spec, state.policies);
    // Loops: `from` with a function costs more than what is asked.
    const byShape = new Int32Array(market.shapes.length);
    const shapes: number[] = [];
    market.shapes.forEach((lot, shape) => {
      const broken = brokenByShape(spec, gpus.accepted, lot);
      byShape[shape] = broken;
      if (broken === 0) shapes.push(shape);
    });
    const slowness = this.#slownessTo(gpus.reference, market, state.policies);
    const fitting = { gpus, byShape, shapes, slowness };
    this.#known.set(key, fitting);
    return fitting;
  }

  #slownessTo(reference: string | null, { shapes }: Market, policies: Policies): Float64Array {
    const known = this.#slowness.get(reference);
    if (known !== undefined) return known;
    const slowness = new Float64Array(shapes.length).fill(1);
    const speeds = new Map(policies.gpuSpeeds.map(({ model, speed }) => [model, speed]));
    const ours = reference === null ? undefined : speeds.get(reference);
    if (ours !== undefined) {
      shapes.forEach(({ model }, shape) => {
        slowness[shape] = ours / ((model === null ? undefined : speeds.get(model)) ?? ours);
      });
    }
    this.#slowness.set(reference, slowness);
    return slowness;
  }
}

/** Null form factor: any. */
export interface WantedGpu {
  readonly model: string;
  readonly formFactor: FormFactor | null;
  /** GiB of one device at least. */
  readonly minMemoryGiB: number;
}

export interface WantedGpus {
  /** Any of these; null: any GPU at all. */
  readonly accepted: readonly WantedGpu[] | null;
  /** What the job's runtime is of: the first that it names. */
  readonly reference: string | null;
  /** Why a spelling in gpu.models, or the class, can match nothing. */
  readonly problems: readonly string[];
}

/** The models that a job names and the members of its class. */
export function wantedGpus({ resources }: Pick<JobSpec, 'resources'>, policies: Policies): WantedGpus {
  const { count, models, class: className } = resources.gpu;
  if (count === 0 || (models.length === 0 && className === null))
    return { accepted: null, reference: null, problems: [] };
  const named = models.map(acceptedGpus);
  const found = policies.capacityClasses.find(({ name }) => name === className);
  const unknown =
    className !== null && found === undefined ? [`there is no capacity class ${className}`] : [];
  const accepted = [
    ...named.flatMap(({ gpus }) => gpus.map((gpu) => ({ ...gpu, minMemoryGiB: 0 }))),
    ...(found?.members ?? []),
  ];
  return {
    accepted,
    reference: accepted[0]?.model ?? null,
    problems: [...named.flatMap(({ problem }) => problem ?? []), ...unknown],
  };
}

/** A job without GPUs may use any offer; what it says of models and device memory means nothing then. */
function brokenByShape({ resources }: JobSpec, accepted: readonly WantedGpu[] | null, lot: Lot): Broken {
  const { gpu, cpus, memoryGiB } = resources;
  const { offer } = lot;
  let broken = (offer.cpus < cpus ? BITS.cpus : 0) | (offer.memoryGiB < memoryGiB ? BITS.memory : 0);
  if (gpu.count === 0) return broken;
  if (offer.gpuCount < gpu.count) broken |= BITS.gpuCount;
  if (accepted !== null && !accepted.some((wanted) => accepts(wanted, lot))) broken |= BITS.gpuModel;
  if (offer.gpuMemoryGiB < gpu.minMemoryGiB) broken |= BITS.gpuMemory;
  return broken;
}

const BITS = {
  cpus: bit('cpus'),
  memory: bit('memory'),
  gpuCount: bit('gpu-count'),
  gpuModel: bit('gpu-model'),
  gpuMemory: bit('gpu-memory'),
} as const;

function accepts({ model, formFactor, minMemoryGiB }: WantedGpu, lot: Lot): boolean {
  return (
    lot.model === model &&
    (formFactor === null || lot.offer.gpuFormFactor === formFactor) &&
    lot.offer.gpuMemoryGiB >= minMemoryGiB
  );
}
