import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** From the call until the operating system has started it, milliseconds. The process is waited for. */
export async function spawnMs(
  command: readonly string[],
): Promise<{ readonly ms: number; readonly ended: Promise<unknown> }> {
  const [program = '', ...args] = command;
  const started = performance.now();
  const child = spawn(program, args, { stdio: 'ignore', detached: true });
  const ended = once(child, 'exit');
  await once(child, 'spawn');
  return { ms: performance.now() - started, ended };
}

/** Runs `count` of these to their ends, so many at a time: the machine's own limit. Per second. */
export async function spawnRate(command: readonly string[], count: number, atOnce: number): Promise<number> {
  let left = count;
  const started = performance.now();
  const caller = async () => {
    while (left > 0) {
      left -= 1;
      await (
        await spawnMs(command)
      ).ended;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, caller));
  return count / ((performance.now() - started) / 1000);
}
