import { resolve } from 'node:path';
import { isCurrency } from './core/currencies.ts';
import { Calendar } from './core/ledger/calendar.ts';
import { StartError } from './core/start-error.ts';

export const SERVICE_ROLES = ['api', 'engine', 'all'] as const;
export type ServiceRole = (typeof SERVICE_ROLES)[number];

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The settings, read once from the environment. */
export interface Config {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** Null: the embedded PostgreSQL under `dataDir`. */
  readonly databaseUrl: string | null;
  /** Null: the queue lives in PostgreSQL too. */
  readonly redisUrl: string | null;
  /** Absolute. */
  readonly dataDir: string;
  readonly adminKey: string | null;
  /** ISO 4217; of the whole installation. */
  readonly currency: string;
  /** IANA name; of the whole installation: where its days, months and fiscal years begin. */
  readonly timeZone: string;
  /** On the invoices of months that are closed from now on; 0: none. */
  readonly vatPercent: number;
  readonly logLevel: LogLevel;
  readonly role: ServiceRole;
  /** May commands run on the service's own machine? Only where HOST is loopback, or NARU_PROCESS_BROKER=1. */
  readonly processBroker: boolean;
  /** May webhooks lead to the service's own machine? Only where HOST is loopback, or NARU_WEBHOOK_LOOPBACK=1. */
  readonly webhookLoopback: boolean;
  /** Null: a folder in `dataDir`. Else `s3://KEY:SECRET@bucket/prefix?endpoint=…&region=…`. */
  readonly checkpointsUrl: string | null;
  /** Newest bytes of log kept per job. */
  readonly logLimitBytes: number;
}

/** What `naru agent` may be told by its environment instead of by its command line. */
export interface AgentEnvironment {
  readonly url: string | null;
  readonly key: string | null;
  readonly logLevel: LogLevel;
  /** The machine's PATH, for jobs. */
  readonly path: string | undefined;
}

/** A setting that is wrong; its message names the variable and never repeats a value that may hold a secret. */
export class ConfigError extends StartError {
  override readonly name: string = 'ConfigError';
}

export type Environment = Readonly<Record<string, string | undefined>>;

const MEBIBYTE = 1024 * 1024;

/**
 * The environment as settings; relative paths are relative to `cwd`. An empty value counts as absent.
 * Throws ConfigError, one line that names the variable.
 */
export function readConfig(env: Environment, cwd: string): Config {
  const host = readHost(env);
  const where = isLoopback(host) ? '1' : '0';
  return {
    host,
    port: readInteger(env, 'PORT', { default: 8080, min: 0, max: 65_535 }),
    databaseUrl: readUrl(env, 'DATABASE_URL', ['postgres:', 'postgresql:']),
    redisUrl: readUrl(env, 'REDIS_URL', ['redis:', 'rediss:']),
    dataDir: resolve(cwd, value(env, 'NARU_DATA_DIR') ?? '.naru'),
    adminKey: readKey(env, 'NARU_ADMIN_KEY'),
    currency: readCurrency(env),
    timeZone: readTimeZone(env),
    vatPercent: readInteger(env, 'NARU_VAT_PERCENT', { default: 10, min: 0, max: 100 }),
    logLevel: readOneOf(env, 'NARU_LOG_LEVEL', LOG_LEVELS, 'info'),
    role: readOneOf(env, 'NARU_ROLE', SERVICE_ROLES, 'all'),
    processBroker: readOneOf(env, 'NARU_PROCESS_BROKER', ['0', '1'], where) === '1',
    webhookLoopback: readOneOf(env, 'NARU_WEBHOOK_LOOPBACK', ['0', '1'], where) === '1',
    checkpointsUrl: readUrl(env, 'NARU_CHECKPOINTS', ['s3:']),
    logLimitBytes: readInteger(env, 'NARU_LOG_LIMIT_BYTES', {
      default: 8 * MEBIBYTE,
      min: 4096,
      max: 1024 * MEBIBYTE,
    }),
  };
}

/** `NARU_URL`, `NARU_AGENT_KEY`, the log level and PATH. Throws ConfigError. */
export function readAgentEnvironment(env: Environment): AgentEnvironment {
  return {
    url: readUrl(env, 'NARU_URL', ['http:', 'https:']),
    key: readKey(env, 'NARU_AGENT_KEY'),
    logLevel: readOneOf(env, 'NARU_LOG_LEVEL', LOG_LEVELS, 'info'),
    path: env['PATH'],
  };
}

/** Does this host name or address reach this machine only? */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '');
  return name === 'localhost' || name === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(name);
}

function value(env: Environment, name: string): string | null {
  const found = env[name];
  return found === undefined || found === '' ? null : found;
}

/** For values without secrets: what was given, short enough for one line. */
const quoted = (given: string) => JSON.stringify(given.length > 60 ? `${given.slice(0, 60)}…` : given);

function readHost(env: Environment): string {
  const host = value(env, 'HOST') ?? '127.0.0.1';
  if (/^[\w.:[\]%-]+$/.test(host)) return host;
  throw new ConfigError(`HOST must be a host name or an address, not ${quoted(host)}`);
}

function readInteger(
  env: Environment,
  name: string,
  o: { default: number; min: number; max: number },
): number {
  const given = value(env, name);
  if (given === null) return o.default;
  const number = Number(given);
  if (/^\d{1,15}$/.test(given) && number >= o.min && number <= o.max) return number;
  throw new ConfigError(`${name} must be a whole number from ${o.min} to ${o.max}, not ${quoted(given)}`);
}

function readOneOf<T extends string>(env: Environment, name: string, allowed: readonly T[], fallback: T): T {
  const given = value(env, name) ?? fallback;
  const found = allowed.find((one) => one === given);
  if (found !== undefined) return found;
  throw new ConfigError(`${name} must be one of ${allowed.join(', ')}, not ${quoted(given)}`);
}

function readUrl(env: Environment, name: string, protocols: readonly string[]): string | null {
  const given = value(env, name);
  if (given === null || isUrl(given, protocols)) return given;
  // The value is not repeated: such URLs carry passwords.
  throw new ConfigError(
    `${name} must be a URL that starts with ${protocols.map((p) => `${p}//`).join(' or ')}`,
  );
}

function isUrl(given: string, protocols: readonly string[]): boolean {
  // `postgres://user@/name?host=/socket` is good for libpq and pg, and has no host for the URL parser.
  const parsed = URL.parse(given.replace('@/', '@localhost/'));
  return parsed !== null && protocols.includes(parsed.protocol) && /^[a-z\d]+:\/\/[^\s]+$/i.test(given);
}

/** Anything that can stand after `Bearer `. */
function readKey(env: Environment, name: string): string | null {
  const given = value(env, name);
  if (given === null || /^[\w.~+/-]+=*$/.test(given)) return given;
  throw new ConfigError(
    `${name} may hold only letters, digits and . _ ~ + / - (it is sent as a bearer token)`,
  );
}

function readCurrency(env: Environment): string {
  const given = value(env, 'NARU_CURRENCY') ?? 'KRW';
  if (isCurrency(given)) return given;
  throw new ConfigError(`NARU_CURRENCY must be an ISO 4217 code such as KRW or USD, not ${quoted(given)}`);
}

function readTimeZone(env: Environment): string {
  const given = value(env, 'NARU_TIME_ZONE') ?? 'Asia/Seoul';
  try {
    return new Calendar(given).zone;
  } catch {
    throw new ConfigError(
      `NARU_TIME_ZONE must be an IANA time zone such as Asia/Seoul, not ${quoted(given)}`,
    );
  }
}
