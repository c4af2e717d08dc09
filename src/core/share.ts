/** An offer without GPUs counts as an eighth of one: about what its price is of a GPU's on the catalogs at hand. */
const SHARE_WITHOUT_GPUS = 0.125;

/** What one placement adds to its project's share: the GPUs of the whole offers that it holds. */
export function shareOf(offerGpuCount: number, nodes: number): number {
  return Math.max(offerGpuCount, SHARE_WITHOUT_GPUS) * nodes;
}
