import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { api, type Api } from './api.ts';
import type { Bench } from './bench.ts';
import { start } from './processes.ts';

export const naru = fileURLToPath(new URL('../../bin/naru', import.meta.url));

export interface Service {
  readonly url: string;
  readonly key: string;
  readonly pid: number;
  readonly databaseUrl: string;
  readonly api: Api;
  stop(): Promise<void>;
}

/** A whole service as an operator runs it, on a database of its own unless one is given. */
export async function startService(
  bench: Bench,
  options: {
    readonly role?: 'all' | 'api' | 'engine';
    readonly databaseUrl?: string;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<Service> {
  const databaseUrl = options.databaseUrl ?? (await bench.database.create());
  const key = `bench-${randomBytes(16).toString('hex')}`;
  const dataDir = join(bench.folder, `service-${randomBytes(4).toString('hex')}`);
  mkdirSync(dataDir, { mode: 0o711 });
  const running = await start({
    command: [process.execPath, ...profiled(), naru, 'serve'],
    env: {
      HOST: '127.0.0.1',
      PORT: '0',
      DATABASE_URL: databaseUrl,
      REDIS_URL: '',
      NARU_DATA_DIR: dataDir,
      NARU_ADMIN_KEY: key,
      NARU_CURRENCY: 'KRW',
      NARU_CHECKPOINTS: '',
      NARU_LOG_LEVEL: 'info',
      NARU_ROLE: options.role ?? 'all',
      NARU_PROCESS_BROKER: '1',
      ...options.env,
    },
    announces: /naru is listening on (http:\S+)/,
    log: join(dataDir, 'log'),
  });
  const url = running.announced;
  return {
    url,
    key,
    pid: running.child.pid as number,
    databaseUrl,
    api: api(url, key),
    stop: () => running.stop(),
  };
}

/** NARU_BENCH_PROFILE=folder: each service leaves a CPU profile there when it stops. */
function profiled(): string[] {
  const folder = process.env['NARU_BENCH_PROFILE'];
  return folder === undefined || folder === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}
