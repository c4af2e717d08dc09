import type { FormFactor } from './gpu.ts';

/** Capacity that can be bought now. The price is for one whole offer, never per GPU. */
export interface Offer {
  readonly provider: string;
  readonly name: string;
  readonly region: string;
  /** Canonical model name; null for a CPU-only offer (then `gpuCount` is 0). */
  readonly gpuModel: string | null;
  readonly gpuCount: number;
  /** Of one device. */
  readonly gpuMemoryGiB: number;
  /** Null: the vendor does not say. */
  readonly gpuFormFactor: FormFactor | null;
  readonly cpus: number;
  readonly memoryGiB: number;
  /** In whole offers. */
  readonly capacity: number;
  readonly used: number;
  /** Null: not sold on demand (spot only). */
  readonly priceMicrosPerHour: bigint | null;
  readonly spotPriceMicrosPerHour: bigint | null;
  readonly currency: string;
  /** The provider's pool that every place of it draws on; null: it stands for itself. */
  readonly pool: string | null;
}

/** What of an offer decides whether a job fits there; the vendor may state it anew under the same name. */
export type OfferShape = Pick<
  Offer,
  'region' | 'gpuModel' | 'gpuCount' | 'gpuMemoryGiB' | 'gpuFormFactor' | 'cpus' | 'memoryGiB'
>;

export function isSameShape(a: OfferShape, b: OfferShape): boolean {
  return (
    a.region === b.region &&
    a.gpuModel === b.gpuModel &&
    a.gpuCount === b.gpuCount &&
    a.gpuMemoryGiB === b.gpuMemoryGiB &&
    a.gpuFormFactor === b.gpuFormFactor &&
    a.cpus === b.cpus &&
    a.memoryGiB === b.memoryGiB
  );
}

/**
 * What several offers of a provider draw on together: a host, a quota. Totals and what allocations hold of them;
 * null: that dimension is not limited.
 */
export interface Pool {
  readonly provider: string;
  readonly name: string;
  readonly gpus: number;
  readonly cpuMillis: number | null;
  readonly memoryMiB: number | null;
  readonly usedGpus: number;
  readonly usedCpuMillis: number;
  readonly usedMemoryMiB: number;
}
