import { z } from 'zod';
import { CONTINUITY_MODES, FAILBACKS, OBJECTIVES, SPOT_POLICIES } from '../../src/core/job.ts';
import { REPLICAS_MAX } from '../../src/core/protection.ts';
import { field, id, money, normalTime, safeLine, safeText, slug } from './fields.ts';
import { ruleFields, separation } from './rules.ts';

/** The parts of a job's spec that this version obeys: what goes in, defaults filled, is what comes out. */

const KIB = 1024;
const ARG_MAX = 32 * KIB;
const ALL_MAX = 256 * KIB;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/;
const RESERVED = /^(NARU_.*|CUDA_VISIBLE_DEVICES)$/;
const DAY = 86_400;

const bytes = (texts: readonly string[]) => texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
const list = <Item extends z.ZodType>(item: Item, max: number) => z.array(item).max(max);

const env = z.record(z.string(), safeText(ARG_MAX)).superRefine((variables, context) => {
  const names = Object.keys(variables);
  if (names.length > 1_000) context.addIssue({ code: 'custom', message: 'must have at most 1000 variables' });
  for (const name of names) {
    const fault = nameFault(name);
    if (fault !== null) context.addIssue({ code: 'custom', path: [name], message: fault });
  }
  if (bytes([...names, ...Object.values(variables)]) > ALL_MAX)
    context.addIssue({ code: 'custom', message: 'must be at most 256 KiB in all' });
});

function nameFault(name: string): string | null {
  if (!ENV_NAME.test(name)) return 'is no name of an environment variable';
  return RESERVED.test(name) ? 'is reserved: the service sets it' : null;
}

export const run = z.strictObject({
  image: field(
    z
      .string()
      .regex(/^[\x21-\x7e]{1,512}$/, 'must be an image reference without spaces')
      .nullable()
      .default(null),
    'Container image; null where the provider runs processes.',
    'registry.example/kogpt/train:1.4',
  ),
  command: field(
    list(safeText(ARG_MAX), 1_000)
      .min(1)
      .refine((args) => args[0] !== '', 'must begin with a program')
      .refine((args) => bytes(args) <= ALL_MAX, 'must be at most 256 KiB in all'),
    'Program and arguments, not interpreted by a shell. At most 1000, 32 KiB each, 256 KiB in all.',
    ['python', 'train.py', '--epochs', '3'],
  ),
  env: field(
    env.default({}),
    'Variables for the process. NARU_… and CUDA_VISIBLE_DEVICES are set by the service. At most 1000, 256 KiB in all.',
    { LR: '1e-4' },
  ),
});

export const gpu = z.strictObject({
  count: field(z.int().min(0).max(1024), 'GPUs per node; 0 is a CPU job.', 8),
  models: field(
    list(safeLine(64), 32).default([]),
    'Any of these models, however spelled; empty: any, or those of `class`. `A100` accepts both sizes, `A100-80GB` one; `H100-SXM` only offers that state that form factor.',
    ['H100', 'A100-80GB'],
  ),
  class: field(
    slug().nullable().default(null),
    'A capacity class (`GET /v1/policies/capacity-classes`): its members are accepted beside `models`.',
    'trainer-80gb',
  ),
  minMemoryGiB: field(z.number().min(0).max(10_000).default(0), 'Memory of each GPU at least, GiB.', 40),
});

export const resources = z.strictObject({
  gpu: gpu.meta({ description: 'GPUs of each node.' }),
  cpus: field(z.number().min(0).max(100_000).default(0), 'CPU cores per node; 0: no matter.', 32),
  memoryGiB: field(
    z.number().min(0).max(1_000_000).default(0),
    'Main memory per node, GiB; 0: no matter.',
    256,
  ),
  nodes: field(
    z.int().min(1).max(10_000).default(1),
    'Machines, all of one offer; it is placed on all of them or not at all.',
    1,
  ),
});

/** Where it may run; see rules.ts for the words. */
export const placement = z.strictObject({
  objective: field(
    z.enum(OBJECTIVES),
    'What to look for first: the lowest price, the surest start, or a balance.',
    'cheapest',
  ),
  spot: field(
    z.enum(SPOT_POLICIES).default('never'),
    'May it run on capacity that can be taken away?',
    'never',
  ),
  ...ruleFields,
});

export const continuity = z.strictObject({
  mode: field(
    z.enum(CONTINUITY_MODES).default('restart'),
    "What to do when the provider is lost. `none`: the job fails. `restart`: it starts again elsewhere from its last checkpoint. `standby`: the same, where a place was held warm for it at another vendor's that a drill has proved. `active` (services): it runs at several vendors' at once.",
    'restart',
  ),
  rtoSeconds: field(
    z
      .int()
      .min(1)
      .max(30 * DAY)
      .nullable()
      .default(null),
    'How long it may be away at most, seconds (a target).',
    300,
  ),
  rpoSeconds: field(
    z
      .int()
      .min(1)
      .max(30 * DAY)
      .nullable()
      .default(null),
    'How much work may be lost at most, seconds (a target).',
    600,
  ),
  failback: field(
    z.enum(FAILBACKS).default('manual'),
    'Does it go back to where a disaster took it from, once that is well again: by itself, by an operator, never?',
    'manual',
  ),
  minSeparationKm: separation(
    'How far it has to go, at least, from the site that lost it, km; the larger of this and `placement.minSeparationKm` counts.',
  ),
});

export const checkpoint = z.strictObject({
  intervalSeconds: field(
    z.int().min(1).max(DAY).default(600),
    'How often NARU_CHECKPOINT_DIR is saved, seconds.',
    600,
  ),
  fromJob: field(
    id().nullable().default(null),
    'Start from what this other job of the same project saved last, until this one has saved something itself.',
    null,
  ),
});

export const limits = z.strictObject({
  maxRuntimeSeconds: field(
    z
      .int()
      .min(1)
      .max(3_660 * DAY)
      .nullable()
      .default(null),
    'Stopped and failed after running this long in one attempt, seconds.',
    86_400,
  ),
  maxCost: money.nullable().default(null).meta({
    description:
      'What it may cost at most, all attempts and spares together, in the accounting currency: before it costs more it is saved, stopped and `failed` with the reason `max-cost`.',
  }),
  deadline: field(
    normalTime().nullable().default(null),
    'Stopped and failed when not ended by then, RFC 3339.',
    '2099-12-01T00:00:00.000Z',
  ),
});

export const serve = z.strictObject({
  port: field(
    z.int().min(1).max(65_535).nullable().default(null),
    'The port that is preferred; the one to listen on is NARU_PORT.',
    8000,
  ),
  healthPath: field(
    z
      .string()
      .regex(/^\/[\x21-\x7e]{0,1023}$/, 'must be a path that begins with /')
      .nullable()
      .default(null),
    'Answers 2xx when the service can serve.',
    '/health',
  ),
  replicas: field(
    z.int().min(1).max(1_000).default(1),
    `Copies that run at once, each at another vendor's: with \`continuity.mode: active\`, which runs 2 where this says 1; ${REPLICAS_MAX} at most.`,
    1,
  ),
});

export const labels = field(
  z
    .record(z.string(), safeText(255))
    .superRefine((all, context) => {
      if (Object.keys(all).length > 64)
        context.addIssue({ code: 'custom', message: 'must have at most 64 labels' });
      for (const name of Object.keys(all)) {
        if (!/^[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$/.test(name)) {
          context.addIssue({ code: 'custom', path: [name], message: 'is no name of a label' });
        }
      }
    })
    .default({}),
  'Names and values of your own; at most 64.',
  { team: 'nlp' },
);
