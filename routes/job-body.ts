import { coversProject, tenantScope, type Actor } from '../src/core/access.ts';
import type { JobSpec } from '../src/core/job.ts';
import { Problem } from '../src/core/problem.ts';
import { contradictions } from '../src/core/spec-check.ts';
import type { ProjectRow } from '../src/store/apply/people.ts';
import type { Room } from './room.ts';
import { toJobSpec, type JobRequest } from './schemas/job-request.ts';

/** What a body asks for, and whose it is. */
export interface AskedJob {
  readonly spec: JobSpec;
  /** Of the project. */
  readonly organization: string;
}

/**
 * A job's body, whether it is to be run or only quoted: refused alike, so that what was quoted can be submitted.
 * Problems: not-yet-supported, impossible-spec (it contradicts itself), not-found (the project).
 */
export async function askedJob(room: Room, actor: Actor, body: JobRequest): Promise<AskedJob> {
  const spec = toJobSpec(body);
  const errors = contradictions(spec, room.deps.clock.now());
  if (errors.length > 0) throw new Problem('impossible-spec', 'The job contradicts itself.', { errors });
  const { organization } = await projectOf(room, actor, spec.project);
  return { spec, organization };
}

/** Refuses a project that is hidden from the actor and one that is not there alike. */
async function projectOf(room: Room, actor: Actor, name: string): Promise<ProjectRow> {
  const project = await room.projects.get(name);
  if (project !== null && coversProject(tenantScope(actor), project)) return project;
  const errors = [{ pointer: '/project', detail: 'There is no such project.' }];
  throw new Problem('not-found', 'There is no such project.', { errors });
}
