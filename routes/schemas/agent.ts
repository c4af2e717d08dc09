import { z } from 'zod';
import { END_REASONS } from '../../src/core/allocation.ts';
import { GPU_FAULTS_AT_ONCE, OBSERVED_PHASES, OUTCOMES } from '../../src/core/order.ts';
import { field, id, safeText } from './fields.ts';

/** The words between the service and a vendor's agent: core/order.ts, as a document. */

const count = (description: string, example: number) =>
  field(z.int().min(0).max(Number.MAX_SAFE_INTEGER), description, example);
const allocationId = () => field(id(), 'The allocation.', 'alc-01jd3m0000000000000000000a');
/** What a machine says of itself and of jobs is for people: what PostgreSQL cannot hold is replaced, not refused. */
const said = (max: number) =>
  z
    .string()
    .max(max * 4)
    .overwrite((text) => text.replaceAll('\0', '\ufffd').toWellFormed().slice(0, max));

export const inventory = z
  .strictObject({
    hostname: field(said(255), 'Its machine.', 'gpu-01'),
    gpus: z
      .array(
        z.strictObject({
          index: count('As CUDA counts them.', 0),
          model: field(said(200), 'As the driver says.', 'NVIDIA H100 80GB HBM3'),
          memoryGiB: field(z.number().min(0), 'Of the device, GiB.', 80),
        }),
      )
      .max(1024)
      .meta({ description: 'Its GPUs.' }),
    cpus: field(z.number().min(0), 'CPU cores.', 64),
    memoryGiB: field(z.number().min(0), 'Main memory, GiB.', 512),
    limits: field(
      z.enum(['cgroup2', 'cgroup1', 'none']),
      'How CPU and memory limits are kept there.',
      'cgroup2',
    ),
  })
  .meta({ description: 'What the machine has.' });

export const observation = z
  .strictObject({
    allocationId: allocationId(),
    phase: field(z.enum(OBSERVED_PHASES), 'Where it is.', 'running'),
    ranMs: field(
      z.number().min(0).max(1e14).nullable(),
      'Milliseconds that the command has run, so far or in all; null before it starts.',
      5000,
    ),
    endedAgoMs: field(
      z.number().min(0).max(1e14).nullable(),
      'Milliseconds since it ended; null while it has not.',
      null,
    ),
    outcome: field(z.enum(OUTCOMES).nullable(), 'How it ended; null while it has not.', null),
    exitCode: field(
      z.int().min(0).max(255).nullable(),
      '128 and the number for a signal; null where unknown.',
      null,
    ),
    detail: field(said(500).nullable(), 'For people.', null),
    endpoint: field(said(500).nullable(), 'Where a service answers, once it does.', 'http://10.0.0.7:8000'),
    serving: field(z.boolean().nullable(), 'Services with a health path: did it answer 2xx?', true),
  })
  .meta({
    id: 'Observation',
    description:
      'What a provider says about one allocation; ages instead of times, because its clock is not trusted.',
  });

const gpuFault = z
  .strictObject({
    id: field(
      safeText(100, 1),
      'Names it among all of this machine: the same one twice is one.',
      '6f1c9c3e:1842',
    ),
    agoMs: field(z.number().min(0).max(1e14), 'Milliseconds since it happened.', 800),
    device: field(said(20), 'PCI address of the device.', '0000:3b:00'),
    index: field(z.int().min(0).max(1023).nullable(), 'As CUDA counts them; null: not known.', 3),
    model: field(said(200).nullable(), 'As the driver says; null: not known.', 'NVIDIA H100 80GB HBM3'),
    xid: field(z.int().min(0).max(9_999), "NVIDIA's code of the fault.", 79),
    text: field(said(300), 'What the driver said, for people.', 'pid=1234, GPU has fallen off the bus.'),
  })
  .meta({ id: 'GpuFault', description: 'A GPU fault, as the log of the kernel has it.' });

export const syncRequest = z
  .strictObject({
    agentVersion: field(said(64), 'Of its program.', '0.1.0'),
    instanceId: field(
      safeText(100, 1),
      "Identity of the agent's data folder.",
      '6f1c9c3e-6a51-4b5e-9d0c-0f7c3f1f2a11',
    ),
    sequence: count('Rises with every request of the instance.', 17),
    inventory,
    ordersVersion: field(
      z.int().nullable(),
      'The `ordersVersion` of the last answer; null: answer at once.',
      41,
    ),
    observations: z
      .array(observation)
      .max(20_000)
      .meta({ description: 'Everything that the agent has a record of.' }),
    gpuFaults: z
      .array(gpuFault)
      .max(GPU_FAULTS_AT_ONCE)
      .optional()
      .meta({ description: 'GPU faults in the log of its kernel that are news; said again until answered.' }),
  })
  .meta({ id: 'SyncRequest', description: 'What an agent says.' });

const checkpointRef = z
  .object({
    id: field(z.string(), 'The checkpoint.', 'chk-01jd3m0000000000000000000a'),
    sizeBytes: count('Of the tar stream, bytes.', 1048576),
    sha256: field(
      z.string(),
      'Of the stored bytes, hex.',
      '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    ),
  })
  .meta({ description: 'What to put into NARU_CHECKPOINT_DIR before the command starts.' });

const order = z
  .object({
    allocationId: allocationId(),
    jobId: field(z.string(), 'The job.', 'job-01jd3m0000000000000000000a'),
    jobName: field(z.string(), 'Its name.', 'koelectra-pretrain'),
    project: field(z.string(), 'Whose it is.', 'kogpt'),
    attempt: count('1, 2, …: which attempt of the job this is.', 1),
    image: field(z.string().nullable(), 'Container image; not used by agents that run processes.', null),
    command: field(z.array(z.string()), 'Program and arguments.', ['python', 'train.py']),
    env: field(z.record(z.string(), z.string()), "The tenant's variables; the agent adds the NARU_… ones.", {
      LR: '1e-4',
    }),
    gpuCount: count('GPUs.', 1),
    cpus: field(z.number(), 'CPU cores; 0: no limit.', 8),
    memoryGiB: field(z.number(), 'Main memory, GiB; 0: no limit.', 64),
    graceSeconds: count('Between SIGTERM and SIGKILL, seconds.', 30),
    checkpointIntervalSeconds: count('Between two saves, seconds.', 600),
    restore: checkpointRef.nullable().meta({
      description: 'What to put into NARU_CHECKPOINT_DIR before the command starts.',
      examples: [null],
    }),
    standby: field(
      z.boolean(),
      'Holds a place with the checkpoint ready; the command is never started.',
      false,
    ),
    tookOver: field(
      z.string().nullable(),
      'The standby there whose GPUs and checkpoint this takes over.',
      null,
    ),
    serve: z
      .object({
        port: field(z.int().nullable(), 'Preferred port.', 8000),
        healthPath: field(z.string().nullable(), 'Where it says that it is well.', '/health'),
      })
      .nullable()
      .meta({ description: 'Services only.' }),
    paidSeconds: field(
      z.number().nullable(),
      'Money is held for so many seconds of its run; it is to be ended by then. Null: no end.',
      7200,
    ),
  })
  .meta({ description: 'One allocation to bring up.' });

const stopOrder = z
  .object({
    allocationId: allocationId(),
    reason: field(z.enum(END_REASONS), 'Why.', 'cancelled'),
    graceSeconds: count('Between SIGTERM and SIGKILL, seconds.', 30),
    renewed: field(z.boolean(), 'Its lease was renewed, so that it may use its grace and save.', true),
  })
  .meta({ description: 'One allocation to end.' });

const ids = (description: string) =>
  field(z.array(z.string()), description, ['alc-01jd3m0000000000000000000a']);

export const syncResponse = z
  .object({
    leaseSeconds: field(
      z.number(),
      'Leases of what is started, kept or renewed hold this long from when the request was sent, seconds.',
      6,
    ),
    ordersVersion: count('To be sent with the next request.', 42),
    start: z.array(order).meta({ description: 'Start these if there is no record of them.' }),
    keep: ids('Go on with these; never start them.'),
    prepare: z
      .array(z.object({ allocationId: allocationId(), restore: checkpointRef }))
      .meta({ description: 'Of the standbys that are kept: what should lie ready there by now.' }),
    stop: z.array(stopOrder).meta({ description: 'Stop these, save a last checkpoint, report their end.' }),
    paid: z
      .array(
        z.object({
          allocationId: allocationId(),
          paidSeconds: count('So many seconds of its run are paid; never fewer than before.', 7200),
        }),
      )
      .meta({
        description:
          'Of those that are kept or stopped: how much of their time is paid by now. It ends by then, whoever is heard.',
      }),
    forget: ids('Delete every trace of these.'),
    unheard: ids(
      'A drill has cut these off: as if this answer had not come for them. Renew, stop and forget nothing of them; their leases run out by themselves.',
    ),
  })
  .meta({
    id: 'SyncResponse',
    description: 'What an agent is to do. What is in no list is to be stopped and forgotten.',
  });

export const allocationParams = z.strictObject({
  id: field(id(), 'Id of the allocation.', 'alc-01jd3m0000000000000000000a'),
});
export const logQuery = z.strictObject({
  startByte: field(
    z
      .string()
      .regex(/^\d{1,15}$/, 'must be a whole number')
      .transform(Number),
    "Where the body begins in the allocation's whole output, bytes.",
    '0',
  ),
});
