import type { JobSpec } from '../job.ts';
import type { LeveledRules } from '../rules.ts';
import type { RuleBook } from './types.ts';

/** Whose rules a job has to keep: its organization's, its project's, its own. Levels without rules are left out. */
export function levelsOf(
  job: { readonly organization: string; readonly project: string; readonly spec: Pick<JobSpec, 'placement'> },
  rules: RuleBook,
): LeveledRules[] {
  const { organization, project, spec } = job;
  const ofOrganization = rules.organizations.get(organization);
  const ofProject = rules.projects.get(project);
  return [
    ...(ofOrganization
      ? [{ level: 'organization' as const, name: organization, rules: ofOrganization }]
      : []),
    ...(ofProject ? [{ level: 'project' as const, name: project, rules: ofProject }] : []),
    { level: 'job', name: 'this job', rules: spec.placement },
  ];
}
