import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** `server`: a program to start our own with. `url`: one that was given. `none`: what to do about it. */
export type RedisChoice =
  | { readonly kind: 'server'; readonly program: string }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'none'; readonly remedy: string };

/** A server of the machine's own comes first: only such a one may be flushed and stopped by a test. */
export function findRedis(): RedisChoice {
  const program = redisProgram() ?? (mayInstall() ? install() : null);
  if (program !== null) return { kind: 'server', program };
  const url = process.env['REDIS_URL'];
  if (url !== undefined && url !== '') return { kind: 'url', url };
  return {
    kind: 'none',
    remedy: 'install redis-server or valkey-server (apt-get install redis-server), or set REDIS_URL',
  };
}

function redisProgram(): string | null {
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/bin',
    '/usr/local/bin',
    '/opt/homebrew/bin',
  ];
  const paths = ['redis-server', 'valkey-server'].flatMap((name) =>
    folders.map((folder) => join(folder, name)),
  );
  return paths.find(isProgram) ?? null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function mayInstall(): boolean {
  return (
    process.env['NARU_TEST_INSTALL'] === '1' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
  );
}

function install(): string | null {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    execFileSync('apt-get', ['update', '-qq'], { env, stdio: 'ignore' });
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'redis-server'], {
      env,
      stdio: 'ignore',
    });
  } catch (error) {
    console.error(`NARU_TEST_INSTALL: apt-get could not install redis-server: ${(error as Error).message}`);
  }
  return redisProgram();
}
