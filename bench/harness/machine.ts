import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

/** Where and when it was measured, in one line: what a number is worth depends on it. */
export function machine(database: string): string {
  const memory = `${Math.round(totalmem() / 1024 ** 3)} GiB`;
  const cpu = cpus()[0]?.model.trim() ?? 'unknown CPU';
  const load = loadavg()[0]?.toFixed(1) ?? '?';
  const when = `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return `Measured ${when}: ${availableParallelism()} × ${cpu}, ${memory}, Linux ${release()}, Node ${process.versions.node}, ${database}; load average at the end ${load}.`;
}
