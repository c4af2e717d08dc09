import { familyOf, readProc } from './proc.ts';

/** What a process and its descendants hold. */
export interface Memory {
  /** Resident, summed; pages that processes share are counted in each of them. */
  readonly rssMiB: number;
  /** The same with shared pages divided among their holders: what PostgreSQL's many processes really take. */
  readonly pssMiB: number;
  readonly processes: number;
}

/** Linux only: reads /proc. `without` and its descendants are left out. */
export function memoryOf(pid: number, without: readonly number[] = []): Memory {
  const pids = familyOf(pid, without);
  const sum = (read: (pid: number) => number) => pids.reduce((total, one) => total + read(one), 0) / 1024;
  return {
    rssMiB: sum((one) => field(one, 'status', 'VmRSS')),
    pssMiB: sum((one) => field(one, 'smaps_rollup', 'Pss')),
    processes: pids.length,
  };
}

/** KiB; 0 where the process is gone or not ours to look at. */
function field(pid: number, file: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readProc(pid, file) ?? '')?.[1] ?? 0);
}
