/** What one place of an offer without GPUs counts as, in GPUs: work on CPUs only is not free, and no GPU either. */
export const CPU_PLACE_SHARE = 0.125;

/**
 * What an allocation counts as when projects are compared by what they hold: the GPUs of the whole offers that it
 * takes (nobody else can have the rest of them), or an eighth of one for each place without any.
 *
 * @param offerGpuCount GPUs of one whole offer
 * @param nodes places of it that are held
 * @returns in GPUs; exact, as eighths are
 */
export function shareOf(offerGpuCount: number, nodes: number): number {
  return (offerGpuCount === 0 ? CPU_PLACE_SHARE : offerGpuCount) * nodes;
}
