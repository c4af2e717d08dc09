import type { Order } from '../core/order.ts';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface Surroundings {
  readonly workDir: string;
  readonly checkpointDir: string;
  readonly gpus: readonly number[];
  readonly port: number | null;
  /** The machine's PATH, so that an operator's CUDA or Python is found. */
  readonly path: string | undefined;
}

/**
 * All that a job's process sees. Nothing is inherited: the agent's own environment holds its key. The tenant may
 * set PATH, HOME, LANG and TMPDIR; what names the job, its GPUs and its port is ours and cannot be overridden.
 */
export function environmentOf(order: Order, around: Surroundings): Record<string, string> {
  const gpus = around.gpus.join(',');
  return {
    PATH: around.path ?? DEFAULT_PATH,
    HOME: around.workDir,
    LANG: 'C.UTF-8',
    TMPDIR: `${around.workDir}/tmp`,
    ...order.env,
    NARU_JOB_ID: order.jobId,
    NARU_ALLOCATION_ID: order.allocationId,
    NARU_ATTEMPT: String(order.attempt),
    NARU_CHECKPOINT_DIR: around.checkpointDir,
    ...(around.port === null ? {} : { NARU_PORT: String(around.port) }),
    // Set and empty means "none": without it CUDA would show a CPU job every device of the machine.
    CUDA_VISIBLE_DEVICES: gpus,
    NVIDIA_VISIBLE_DEVICES: gpus === '' ? 'none' : gpus,
  };
}
