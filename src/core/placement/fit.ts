/**
 * What jobs may come, as seen from the pools of one GPU model: shape i asks for `gpus[i]`, `cpuMillis[i]` and
 * `memoryMiB[i]`, and `weight[i]` is what one unit of room for it is worth (mix.ts says how much). Flat, because it is
 * read for thousands of pools in a decision.
 */
export interface Mix {
  readonly gpus: Float64Array;
  readonly cpuMillis: Float64Array;
  readonly memoryMiB: Float64Array;
  readonly weight: Float64Array;
}

/**
 * How many draws of one shape a pool has room for; `Infinity` in a dimension is "unlimited". With a fraction once there
 * is room for one at all, 0 before: half a place left over may be completed by what departs, but a pool from which not
 * even one can be served is worth nothing to that shape. (Whole places were tried: a pool then looks untouched until
 * the draw that crosses the line, and intact pools are broken one after another: 90 % allocated at the first failure
 * on the public trace instead of 100 %.)
 */
export function roomFor(
  freeGpus: number,
  freeCpuMillis: number,
  freeMemoryMiB: number,
  gpus: number,
  cpuMillis: number,
  memoryMiB: number,
): number {
  const room = Math.min(
    gpus > 0 ? freeGpus / gpus : Infinity,
    cpuMillis > 0 ? freeCpuMillis / cpuMillis : Infinity,
    memoryMiB > 0 ? freeMemoryMiB / memoryMiB : Infinity,
  );
  return room < 1 ? 0 : room;
}

/**
 * How well a draw fits a pool, lower is better: Σ weight × (room before − room after), the room that the draw takes
 * from everything else that may come. 0: nobody loses anything. Infinity: the draw does not fit.
 *
 * It is the expected-loss idea of FGD (Weng et al., "Beware of Fragmentation", USENIX ATC'23) with two changes: room is
 * counted, not only whether one more task fits, so that CPU that runs out before the GPUs do is seen early; and it is
 * weighed by how much of it there is (mix.ts), so that what is scarce is spared: the last whole hosts, the rare model.
 * bench/packing.ts compares them.
 *
 * The result is a whole number: equal pools tie exactly, and so do different pools that lose the same, whatever order
 * the sum rounded in; the caller's own order then decides, and a stored number is the number that decided. It depends
 * on nothing but the arguments, so that it can be kept by state of the pool.
 *
 * @param freeGpus, freeCpuMillis, freeMemoryMiB what the pool has now, ≥ 0; Infinity: unlimited
 * @param gpus, cpuMillis, memoryMiB the draw, ≥ 0 and finite
 */
export function fitOf(
  freeGpus: number,
  freeCpuMillis: number,
  freeMemoryMiB: number,
  gpus: number,
  cpuMillis: number,
  memoryMiB: number,
  mix: Mix,
): number {
  if (gpus > freeGpus || cpuMillis > freeCpuMillis || memoryMiB > freeMemoryMiB) return Infinity;
  let lost = 0;
  for (let shape = 0; shape < mix.weight.length; shape += 1) {
    const weight = mix.weight[shape] ?? 0;
    if (weight === 0) continue;
    const needGpus = mix.gpus[shape] ?? 0;
    const needCpu = mix.cpuMillis[shape] ?? 0;
    const needMemory = mix.memoryMiB[shape] ?? 0;
    const before = roomFor(freeGpus, freeCpuMillis, freeMemoryMiB, needGpus, needCpu, needMemory);
    // No room to lose; or so much that nothing is lost (Infinity less Infinity is not a number).
    if (before === 0 || before === Infinity) continue;
    const after = roomFor(
      freeGpus - gpus,
      freeCpuMillis - cpuMillis,
      freeMemoryMiB - memoryMiB,
      needGpus,
      needCpu,
      needMemory,
    );
    lost += weight * (before - after);
  }
  return Math.round(lost);
}
