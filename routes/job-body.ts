import { coversProject, tenantScope, type Actor } from '../src/core/access.ts';
import type { JobSpec } from '../src/core/job.ts';
import { maxCostFaults } from '../src/core/ledger/submission.ts';
import { refuseReserved } from '../src/core/drill/reserved.ts';
import { Problem, type ProblemDetailItem } from '../src/core/problem.ts';
import { contradictions } from '../src/core/spec-check.ts';
import type { JobHome } from '../src/store/read/people.ts';
import { capacityClassOf } from './policies.ts';
import type { Room } from './room.ts';
import { toJobSpec, type JobRequest } from './schemas/job-request.ts';

/**
 * A job's body as the spec that is kept, with what its project adds, and the organization whose it is. One place,
 * because what was quoted must be what is submitted.
 *
 * Throws Problem: not-yet-supported, impossible-spec (it contradicts itself or the policies), not-found (no such
 * project that the actor may use).
 */
export async function askedJob(
  room: Room,
  actor: Actor,
  body: JobRequest,
): Promise<{ readonly spec: JobSpec; readonly organization: string }> {
  refuseReserved(body.project, '/project');
  // What needs no look at the store comes first: a body that cannot be is told so, whoever's project it names.
  const errors = [
    ...contradictions(toJobSpec(body), room.deps.clock.now()),
    ...maxCostFaults(body, room.deps.config.currency),
    ...(await unknownClass(room, body)),
  ];
  if (errors.length > 0)
    throw new Problem('impossible-spec', 'The job contradicts itself, or the policies.', { errors });
  const { organization, objective } = await projectOf(room, actor, body.project);
  return { organization, spec: toJobSpec(body, objective) };
}

async function unknownClass(room: Room, { resources }: JobRequest): Promise<ProblemDetailItem[]> {
  const { class: name } = resources.gpu;
  if (name === null || (await capacityClassOf(room, name)) !== null) return [];
  return [{ pointer: '/resources/gpu/class', detail: 'There is no such capacity class.' }];
}

/** The same not-found for a project that is hidden and one that is not there. */
async function projectOf(room: Room, actor: Actor, name: string): Promise<JobHome> {
  const project = await room.projects.get(name);
  if (project !== null && coversProject(tenantScope(actor), project)) return project;
  const errors = [{ pointer: '/project', detail: 'There is no such project.' }];
  throw new Problem('not-found', 'There is no such project.', { errors });
}
