import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { start, type Running } from './processes.ts';
import { naru, type Service } from './service.ts';

/** Registers a provider and starts the real agent program for it; resolves when it may be placed on. */
export async function startAgent(
  bench: Bench,
  service: Service,
  name: string,
  capacity: number,
): Promise<Running> {
  const key = await service.api.makeProvider(name, 'agent', capacity);
  const dataDir = join(bench.folder, `agent-${randomBytes(4).toString('hex')}`);
  const running = await start({
    command: [process.execPath, naru, 'agent', '--name', name, '--data-dir', dataDir, '--gpus', '0'],
    env: { NARU_URL: service.url, NARU_AGENT_KEY: key, NARU_LOG_LEVEL: 'warn' },
    log: join(bench.folder, `${name}.log`),
  });
  await service.api.untilHealthy(name);
  return running;
}
