import capacityClasses from './policies/capacity-classes.json' with { type: 'json' };
import dataGrades from './policies/data-grades.json' with { type: 'json' };
import gpuSpeeds from './policies/gpu-speeds.json' with { type: 'json' };
import type { CapacityClass, DataGradeRow, Policies } from './policy.ts';

/** What an installation starts with. A test holds the files against what a client may put there. */
const DEFAULTS: Policies = {
  dataGrades: dataGrades as readonly DataGradeRow[],
  capacityClasses: capacityClasses as readonly CapacityClass[],
  gpuSpeeds,
};

/** The tables of a new installation; a table that is not stored counts as this. */
export function defaultPolicies(): Policies {
  return DEFAULTS;
}
