import type { AllowDeny } from './job.ts';
import type { ProblemDetailItem } from './problem.ts';
import type { PlacementRules } from './rules.ts';

/**
 * Where rules contradict themselves, so that no place could ever keep them, whatever is sold. Both sides of each
 * contradiction are named. What only the present market or the present policies rule out is none.
 *
 * @param at JSON pointer of the rules in the body
 */
export function ruleContradictions(rules: PlacementRules, at: string): ProblemDetailItem[] {
  return [
    ...allowedAndDenied(rules.providers, `${at}/providers`),
    ...allowedAndDenied(rules.regions, `${at}/regions`),
    ...spotAndVerified(rules, at),
  ];
}

function allowedAndDenied({ allow, deny }: AllowDeny, pointer: string): ProblemDetailItem[] {
  const denied = new Map(deny.map((name, index) => [name, index]));
  return allow.flatMap((name, index) => {
    const other = denied.get(name);
    return other === undefined
      ? []
      : bothSides(
          [`${pointer}/allow/${index}`, 'It is denied, too.'],
          [`${pointer}/deny/${other}`, 'It is allowed, too.'],
        );
  });
}

/** Capacity that can be taken away at any moment is not what a drill has proved. */
function spotAndVerified({ spot, drVerified }: PlacementRules, at: string): ProblemDetailItem[] {
  if (spot !== 'only' || !drVerified) return [];
  return bothSides(
    [`${at}/spot`, 'Spot capacity is never verified for disaster recovery.'],
    [`${at}/drVerified`, 'Only capacity that is not spot can be verified.'],
  );
}

type Side = readonly [pointer: string, detail: string];

/** A contradiction, from both its sides. */
export function bothSides(...sides: readonly Side[]): ProblemDetailItem[] {
  return sides.map(([pointer, detail]) => ({ pointer, detail }));
}
