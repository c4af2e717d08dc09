import { readConfig } from '../config.ts';
import { readOptions, type Command } from './command.ts';

export const command: Command = {
  help: `naru serve: runs the service (the HTTP interface, the engine, or both).

Settings are read from the environment; an empty value counts as absent:

  HOST                  where to listen (127.0.0.1)
  PORT                  0 picks a free one (8080)
  DATABASE_URL          postgres://…, version 15 or newer (absent: an embedded PostgreSQL in the data folder)
  REDIS_URL             redis://… (absent: the queue lives in PostgreSQL too)
  NARU_DATA_DIR         the embedded database, checkpoints, the admin key (.naru)
  NARU_ADMIN_KEY        the administrator's key (absent: made at the first start, printed once, kept in the data folder)
  NARU_CURRENCY         the accounting currency, ISO 4217, for good (KRW)
  NARU_TIME_ZONE        whose days, months and years money is of, for good (Asia/Seoul)
  NARU_LOG_LEVEL        trace, debug, info, warn, error, fatal or silent (info)
  NARU_ROLE             api, engine or all (all)
  NARU_PROCESS_BROKER   1: commands may run on this machine (1 where HOST is loopback, else 0)
  NARU_CHECKPOINTS      s3://KEY:SECRET@bucket/prefix?endpoint=…&region=… (absent: the data folder)
  NARU_LOG_LIMIT_BYTES  newest bytes of log kept per job (8388608)

Prints one line on standard output when it is ready; SIGTERM ends it within 10 s.`,
  async run(args) {
    readOptions(args, {});
    const config = readConfig(process.env, process.cwd());
    const { serve } = await import('../serve.ts');
    await serve(config);
    return 0;
  },
};
