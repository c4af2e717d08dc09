import { readConfig, type Config } from '../config.ts';
import { ROLES, SYSTEM, type Role } from '../core/access.ts';
import type { KeySpec } from '../core/key-spec.ts';
import { Problem } from '../core/problem.ts';
import { StartError } from '../core/start-error.ts';
import { readOptions, UsageError, type Command } from './command.ts';
import { commandLog } from './log.ts';

const OPTIONS = {
  role: { type: 'string', default: 'admin' },
  project: { type: 'string', multiple: true },
  organization: { type: 'string' },
  vendor: { type: 'string' },
  provider: { type: 'string' },
  'expires-in-days': { type: 'string' },
  note: { type: 'string' },
} as const;

export const command: Command = {
  help: `naru key: makes a key directly in the database and prints it, once, on standard output.

For an operator who is locked out; whoever may open the database may do this. Works beside a running service, with
DATABASE_URL (or NARU_DATA_DIR) as for serve.

  --role ROLE             ${ROLES.join(', ')} (admin)
  --project NAME          member: a project that it may use; may be given several times
  --organization NAME     budgetOfficer: its organization
  --vendor NAME           vendor: whose providers
  --provider NAME         agent: which provider it serves
  --expires-in-days N     absent: it does not expire
  --note TEXT             what it is for`,
  async run(args) {
    const options = readOptions(args, OPTIONS);
    const role = ROLES.find((one) => one === options.role);
    if (role === undefined) throw new UsageError(`--role must be one of ${ROLES.join(', ')}`);
    const days = readDays(options['expires-in-days']);
    const config = readConfig(process.env, process.cwd());
    const made = await makeKey(config, (now) => specOf(role, options, days, now));
    console.error(`key ${made.id} of role ${role}; its secret is shown this once:`);
    console.log(made.secret);
    return 0;
  },
};

type Given = ReturnType<typeof readOptions<typeof OPTIONS>>;

function specOf(role: Role, given: Given, days: number | null, now: Date): KeySpec {
  return {
    role,
    projects: given.project ?? null,
    organization: given.organization ?? null,
    vendor: given.vendor ?? null,
    provider: given.provider ?? null,
    expiresAt: days === null ? null : new Date(now.getTime() + days * 86_400_000),
    note: given.note ?? 'made by naru key',
  };
}

function readDays(given: string | undefined): number | null {
  if (given === undefined) return null;
  if (!/^[1-9]\d{0,4}$/.test(given)) throw new UsageError('--expires-in-days must be a whole number of days');
  return Number(given);
}

async function makeKey(
  config: Config,
  specAt: (now: Date) => KeySpec,
): Promise<{ id: string; secret: string }> {
  const { openDatabase } = await import('../store/database.ts');
  const database = await openDatabase(config, commandLog(config.logLevel), { join: true, mustExist: true });
  try {
    return await insertKey(database.url, specAt);
  } catch (error) {
    throw error instanceof Problem ? new StartError(sentenceOf(error)) : error;
  } finally {
    await database.close();
  }
}

async function insertKey(
  url: string,
  specAt: (now: Date) => KeySpec,
): Promise<{ id: string; secret: string }> {
  const { openStore, readDatabaseTime } = await import('../store/store.ts');
  const { createKey } = await import('../flows/createKey.ts');
  const { createClock } = await import('../clock.ts');
  const { createIds } = await import('../ids.ts');
  const store = openStore(url, { max: 2 });
  try {
    await store.check();
    const clock = await createClock(() => readDatabaseTime(store));
    const ids = createIds();
    const now = clock.now();
    clock.stop();
    const { body } = await createKey({ clock, ids, store }, SYSTEM, specAt(now), {
      requestId: ids.next('req', now),
      idempotency: null,
      render: ({ row, secret }) => ({ id: row.id, secret }),
    });
    return body;
  } finally {
    await store.close();
  }
}

/** `impossible-spec` and `not-found` in the words of this command's options. */
function sentenceOf(problem: Problem): string {
  const details = problem.errors.map(
    ({ pointer, detail }) => `${pointer.replace(/^\/(\w+).*$/, '$1')}: ${detail}`,
  );
  return [problem.message, ...details].join(' ');
}
