import { readConfig } from '../config.ts';
import { readOptions, type Command } from './command.ts';
import { commandLog } from './log.ts';

export const command: Command = {
  help: `naru migrate: brings the database to what this program needs, and ends.

\`naru serve\` does this by itself; this is for doing it before, with DATABASE_URL (or NARU_DATA_DIR) as for serve.
Safe to run at any time, by any number at once.`,
  async run(args) {
    readOptions(args, {});
    const config = readConfig(process.env, process.cwd());
    const { openDatabase } = await import('../store/database.ts');
    const { migrate } = await import('../store/migrate.ts');
    const database = await openDatabase(config, commandLog(config.logLevel), { join: true });
    try {
      const applied = await migrate(database.url);
      console.log(
        applied === 0 ? 'nothing to migrate' : `applied ${applied} migration${applied === 1 ? '' : 's'}`,
      );
      return 0;
    } finally {
      await database.close();
    }
  },
};
