import { install, mayInstall, programOf } from './apt.ts';

/** `server`: a program to start our own with. `url`: one that was given. `none`: what to do about it. */
export type RedisChoice =
  | { readonly kind: 'server'; readonly program: string }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'none'; readonly remedy: string };

/** A server of the machine's own comes first: only such a one may be flushed and stopped by a test. */
export function findRedis(): RedisChoice {
  const program = redisProgram() ?? (mayInstall() ? installed() : null);
  if (program !== null) return { kind: 'server', program };
  const url = process.env['REDIS_URL'];
  if (url !== undefined && url !== '') return { kind: 'url', url };
  return {
    kind: 'none',
    remedy: 'install redis-server or valkey-server (apt-get install redis-server), or set REDIS_URL',
  };
}

const redisProgram = () => programOf(['redis-server', 'valkey-server']);

function installed(): string | null {
  install(['redis-server']);
  return redisProgram();
}
