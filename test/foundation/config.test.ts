import { describe, expect, test } from 'vitest';
import { ConfigError, isLoopback, readAgentEnvironment, readConfig } from '../../src/config.ts';

const read = (env: Record<string, string>) => readConfig(env, '/srv/naru');

test('nothing said: the defaults', () => {
  expect(read({})).toEqual({
    host: '127.0.0.1',
    port: 8080,
    databaseUrl: null,
    redisUrl: null,
    dataDir: '/srv/naru/.naru',
    adminKey: null,
    currency: 'KRW',
    timeZone: 'Asia/Seoul',
    vatPercent: 10,
    logLevel: 'info',
    role: 'all',
    processBroker: true,
    webhookLoopback: true,
    checkpointsUrl: null,
    logLimitBytes: 8 * 1024 * 1024,
  });
});

test('an empty value counts as absent, for every one', () => {
  const names =
    'HOST PORT DATABASE_URL REDIS_URL NARU_DATA_DIR NARU_ADMIN_KEY NARU_CURRENCY NARU_TIME_ZONE NARU_LOG_LEVEL ' +
    'NARU_VAT_PERCENT NARU_ROLE NARU_PROCESS_BROKER NARU_WEBHOOK_LOOPBACK NARU_CHECKPOINTS NARU_LOG_LIMIT_BYTES';
  expect(read(Object.fromEntries(names.split(' ').map((name) => [name, ''])))).toEqual(read({}));
});

test('everything said', () => {
  const config = read({
    HOST: '0.0.0.0',
    PORT: '0',
    DATABASE_URL: 'postgresql://naru@/naru?host=/run/postgresql',
    REDIS_URL: 'rediss://:secret@cache:6380/2',
    NARU_DATA_DIR: '/var/lib/naru',
    NARU_ADMIN_KEY: 'naru_abc-DEF_123=',
    NARU_CURRENCY: 'USD',
    NARU_TIME_ZONE: 'America/New_York',
    NARU_LOG_LEVEL: 'debug',
    NARU_ROLE: 'engine',
    NARU_CHECKPOINTS: 's3://bucket/prefix?endpoint=http://minio:9000&region=kr',
    NARU_LOG_LIMIT_BYTES: '65536',
  });
  expect(config).toMatchObject({ port: 0, dataDir: '/var/lib/naru', role: 'engine', processBroker: false });
});

describe('a wrong value: one line that names the variable', () => {
  test.each([
    ['HOST', 'two words'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '80.5'],
    ['PORT', '0x50'],
    ['PORT', ' 80'],
    ['NARU_VAT_PERCENT', '101'],
    ['NARU_VAT_PERCENT', '7.5'],
    ['DATABASE_URL', 'mysql://db/naru'],
    ['DATABASE_URL', 'postgres'],
    ['DATABASE_URL', 'postgres://'],
    ['REDIS_URL', 'http://cache'],
    ['NARU_ADMIN_KEY', 'with space'],
    ['NARU_ADMIN_KEY', 'line\nbreak'],
    ['NARU_CURRENCY', 'WON'],
    ['NARU_CURRENCY', 'krw'],
    ['NARU_TIME_ZONE', 'KST'],
    ['NARU_TIME_ZONE', 'Asia/Nowhere'],
    ['NARU_LOG_LEVEL', 'loud'],
    ['NARU_ROLE', 'boss'],
    ['NARU_PROCESS_BROKER', 'yes'],
    ['NARU_WEBHOOK_LOOPBACK', 'no'],
    ['NARU_CHECKPOINTS', '/somewhere'],
    ['NARU_LOG_LIMIT_BYTES', '10'],
  ])('%s=%j', (name, value) => {
    expect(() => read({ [name]: value })).toThrow(ConfigError);
    const message = (() => {
      try {
        return read({ [name]: value }) && '';
      } catch (error) {
        return (error as Error).message;
      }
    })();
    expect(message).toMatch(new RegExp(`^${name} [^\n]+$`));
  });

  test('a password in it is not repeated', () => {
    expect(() => read({ DATABASE_URL: 'mysql://u:hunter2@db' })).toThrow(
      /^DATABASE_URL must be(?!.*hunter2)/,
    );
    expect(() => read({ REDIS_URL: 'tcp://u:hunter2@db' })).toThrow(/^REDIS_URL must be(?!.*hunter2)/);
    expect(() => read({ NARU_ADMIN_KEY: 'hunter2 ' })).toThrow(/^NARU_ADMIN_KEY (?!.*hunter2)/);
  });
});

test('commands run on the own machine only where nobody else can ask, unless it is said otherwise', () => {
  for (const host of ['127.0.0.1', '127.8.9.10', '::1', '[::1]', 'localhost', 'LOCALHOST']) {
    expect(isLoopback(host), host).toBe(true);
    expect(read({ HOST: host }).processBroker).toBe(true);
    expect(read({ HOST: host, NARU_PROCESS_BROKER: '0' }).processBroker).toBe(false);
  }
  for (const host of [
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '128.0.0.1',
    'localhost.example.org',
    '127.0.0.1.example.org',
    '1.127.0.0.1',
  ]) {
    expect(isLoopback(host), host).toBe(false);
    expect(read({ HOST: host }).processBroker).toBe(false);
    expect(read({ HOST: host, NARU_PROCESS_BROKER: '1' }).processBroker).toBe(true);
  }
});

test('webhooks lead to the own machine only where nobody else can ask, unless it is said otherwise', () => {
  expect(read({ HOST: '::1' }).webhookLoopback).toBe(true);
  expect(read({ HOST: '::1', NARU_WEBHOOK_LOOPBACK: '0' }).webhookLoopback).toBe(false);
  expect(read({ HOST: '0.0.0.0' }).webhookLoopback).toBe(false);
  expect(read({ HOST: '0.0.0.0', NARU_WEBHOOK_LOOPBACK: '1' }).webhookLoopback).toBe(true);
});

test("an agent's environment", () => {
  expect(readAgentEnvironment({})).toEqual({ url: null, key: null, logLevel: 'info', path: undefined });
  expect(() => readAgentEnvironment({ NARU_URL: 'ftp://x' })).toThrow(/^NARU_URL must be/);
});
