import { z } from 'zod';
import { JOB_KINDS, OBJECTIVES, type JobSpec, type Objective } from '../../src/core/job.ts';
import { Problem, type ProblemDetailItem } from '../../src/core/problem.ts';
import { field, id, safeLine, slug } from './fields.ts';
import { checkpoint, continuity, labels, limits, placement, resources, run, serve } from './job-parts.ts';

const DAY = 86_400;

/** A job's body: the whole contract, also those of its words that this version does not obey yet. */
export const jobRequest = z
  .strictObject({
    name: field(safeLine(200), 'For people; need not be unique.', 'koelectra-pretrain'),
    project: field(slug(), 'Name of the project that it belongs to.', 'kogpt'),
    kind: field(z.enum(JOB_KINDS), '`training` ends by itself; `inference` is a service.', 'training'),
    run: run.meta({ description: 'What is run.' }),
    resources: resources.meta({ description: 'What it needs, on each node.' }),
    placement: placement
      .extend({
        objective: field(
          z.enum(OBJECTIVES).nullish(),
          "What to look for first: the lowest price, the surest start, or a balance; absent: what the project's rules say, then the organization's, `cheapest` in the end.",
          'cheapest',
        ),
      })
      .prefault({})
      .meta({ description: 'Where it may run, and what to prefer.' }),
    continuity: continuity.prefault({}).meta({ description: 'What to do when its provider is lost.' }),
    checkpoint: checkpoint.prefault({}).meta({ description: 'How its progress is saved.' }),
    limits: limits.prefault({}).meta({ description: 'What ends it.' }),
    expectedRuntimeSeconds: field(
      z
        .int()
        .min(0)
        .max(3_660 * DAY)
        .nullable()
        .default(null),
      'How long it will probably run, seconds.',
      36_000,
    ),
    priority: field(z.int().min(0).max(100).default(50), '0 to 100; higher is placed first.', 50),
    labels,
    serve: serve
      .nullable()
      .default(null)
      .meta({ description: 'Inference only: how the service is reached.' }),
    graceSeconds: field(
      z.int().min(0).max(600).default(10),
      'Between SIGTERM and SIGKILL when it is stopped, seconds.',
      10,
    ),
    quoteId: field(
      id().nullable().default(null),
      'A quote to be placed by: of the same project, for a job that asks the same, and not expired. Null: at whatever it costs then.',
      null,
    ),
  })
  .meta({
    id: 'JobRequest',
    description: 'A job to be run. Only name, project, kind, run.command and resources.gpu.count are needed.',
  });

export type JobRequest = z.output<typeof jobRequest>;

/** What is not obeyed yet is refused rather than ignored; what asks for nothing beyond the present is let through. */
const UNSUPPORTED: readonly (readonly [string, (body: JobRequest) => boolean])[] = [
  [
    '/serve/replicas',
    ({ serve: asked, continuity: { mode } }) => (asked?.replicas ?? 1) > 1 && mode !== 'active',
  ],
];

/**
 * The body as the core's spec; a job that names no objective gets `objective`.
 * Throws Problem not-yet-supported, naming every such field.
 */
export function toJobSpec(body: JobRequest, objective: Objective = 'cheapest'): JobSpec {
  refuseUnsupported(body);
  return {
    name: body.name,
    project: body.project,
    kind: body.kind,
    run: body.run,
    resources: body.resources,
    placement: { ...body.placement, objective: body.placement.objective ?? objective },
    continuity: body.continuity,
    checkpoint: body.checkpoint,
    limits: body.limits,
    expectedRuntimeSeconds: body.expectedRuntimeSeconds,
    priority: body.priority,
    labels: body.labels,
    quoteId: body.quoteId,
    serve: body.serve,
    graceSeconds: body.graceSeconds,
  };
}

function refuseUnsupported(body: JobRequest): void {
  const errors: ProblemDetailItem[] = UNSUPPORTED.filter(([, asks]) => asks(body)).map(([pointer]) => ({
    pointer,
    detail: 'This version does not obey it yet.',
  }));
  if (errors.length === 0) return;
  throw new Problem('not-yet-supported', 'The job asks for what this version does not obey yet.', { errors });
}
