/** What `npm test` runs: one of each weather that breaks something different. */
export const SEEDS: readonly number[] = [1, 3, 6, 7];

/** Steps of the storm of each. */
export const STEPS = 1_200;

/**
 * Seeds that once failed, and why: kept for ever. A change to the simulator changes what a seed does, so each says
 * what it found; the mutant of that name shows that the net still holds it.
 */
export const KEPT: readonly { readonly seed: number; readonly steps: number; readonly found: string }[] = [
  {
    seed: 29,
    steps: 1_600,
    found:
      'a replica that stood still between looking at a called provider and believing it took what another had started for lost, and the job ran twice (mutant: absence-is-proof)',
  },
];

/** Mutants that `npm test` tries, with a seed that finds each; all of them: `npm run mutants`. */
export const TRIED: readonly string[] = ['no-fence', 'lease-not-awaited', 'contact-does-not-count-for-lease'];
