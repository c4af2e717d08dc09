export type ServiceRole = 'api' | 'engine' | 'all';

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
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  readonly role: ServiceRole;
  /** May commands run on the service's own machine? Only where HOST is loopback, or NARU_PROCESS_BROKER=1. */
  readonly processBroker: boolean;
  /** Null: a folder in `dataDir`. Else `s3://bucket/prefix?endpoint=…&region=…`. */
  readonly checkpointsUrl: string | null;
  /** Newest bytes of log kept per job. */
  readonly logLimitBytes: number;
}
