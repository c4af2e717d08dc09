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
  readonly cpus: number;
  readonly memoryGiB: number;
  /** In whole offers. */
  readonly capacity: number;
  readonly used: number;
  /** Null: not sold on demand (spot only). */
  readonly priceMicrosPerHour: bigint | null;
  readonly spotPriceMicrosPerHour: bigint | null;
  readonly currency: string;
}
