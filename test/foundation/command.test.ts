import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../harness/database.ts';
import { noteSkipped } from '../harness/skip.ts';

const ROOT = join(import.meta.dirname, '../..');
const NARU = join(ROOT, 'bin/naru');
const SHIPPED = join(ROOT, 'node_modules/node/bin/node');

interface Ended {
  code: number;
  out: string;
  err: string;
}
function run(program: string, args: string[], env: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(
      program,
      args,
      { env: { PATH: process.env['PATH'], ...env }, cwd: folder },
      (error, out, err) => {
        const code = error === null ? 0 : Number(error.code);
        resolve({ code, out, err });
      },
    );
  });
}

let folder: string;
let database: TestDatabase;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'naru-test-command-'));
  chmodSync(folder, 0o711);
  database = await createTestDatabase();
});
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true });
});

/** A Node that is older than what the program needs, as `node` or `nodejs` of the machine may be. */
const oldNode =
  ['/usr/bin/node', '/usr/local/bin/node', '/usr/bin/nodejs'].find((path) => existsSync(path)) ?? null;
if (oldNode === null) noteSkipped('bin/naru under another Node', 'install nodejs (any version from 20)');

describe('bin/naru', () => {
  test.each([[], ['serve'], ['agent'], ['migrate'], ['demo'], ['key'], ['verify-drill']])(
    'has help for "%s"',
    async (...command) => {
      const { code, out } = await run(NARU, [...command, '--help']);
      expect(code).toBe(0);
      expect(out).toMatch(/^naru/);
    },
  );

  test('help loads neither the web framework nor the database', async () => {
    const probe = join(folder, 'probe.mjs');
    writeFileSync(
      probe,
      `import { registerHooks } from 'node:module';
       const seen = [];
       registerHooks({ load(url, context, next) { seen.push(url); return next(url, context); } });
       process.on('exit', () => console.error(seen.join('\\n')));`,
    );
    const { err } = await run(SHIPPED, ['--import', probe, join(ROOT, 'src/main.ts'), '--help']);
    expect(err).toContain('src/main.ts');
    expect(err).not.toMatch(/node_modules\/(fastify|drizzle-orm|pg|bullmq|zod|pino)\//);
  });

  test.each([
    ['', 2, /a command is needed/],
    ['fly', 2, /^naru: there is no command "fly"; see naru --help\n$/],
    ['toString', 2, /there is no command/],
    ['serve --fast', 2, /^naru: Unknown option '--fast'\n$/],
    ['serve now', 2, /^naru: Unexpected argument 'now'[^\n]*\n$/],
    ['key --role king', 2, /^naru: --role must be one of [^\n]+\n$/],
    ['verify-drill --report x', 2, /^naru: --report and --jwks are needed\n$/],
    ['verify-drill --report nowhere.json --jwks x', 1, /^naru: cannot read nowhere.json: [^\n]+\n$/],
    ['agent', 2, /^naru: --url \(or NARU_URL\) is needed\n$/],
    ['agent --url http://x', 2, /^naru: --key \(or NARU_AGENT_KEY\) is needed\n$/],
    ['agent --url http://x --key k --gpus many', 2, /^naru: --gpus must look like [^\n]+\n$/],
    ['agent --url http://x --key k --name ../x', 2, /^naru: a name is made of [^\n]+\n$/],
  ])('naru %s', async (line, code, said) => {
    const ended = await run(
      NARU,
      line.split(' ').filter((word) => word !== ''),
    );
    expect(ended).toMatchObject({ code, out: '' });
    expect(ended.err).toMatch(said);
  });

  test.each([
    [{ PORT: 'abc' }, /^naru: PORT must be [^\n]+\n$/],
    [{ DATABASE_URL: 'mysql://u:hunter2@db' }, /^naru: DATABASE_URL must be (?!.*hunter2)[^\n]+\n$/],
    [
      { DATABASE_URL: 'postgres://u:hunter2@127.0.0.1:1/x' },
      /^naru: DATABASE_URL: cannot connect (?!.*hunter2)[^\n]+\n$/,
    ],
  ])('naru serve with %j', async (env, said) => {
    const ended = await run(NARU, ['serve'], env);
    expect(ended.err).toMatch(said);
    expect(ended).toMatchObject({ code: 1, out: '' });
  });

  test('becomes the shipped Node: one process, its signals and its end', async () => {
    const link = join(folder, 'linked-naru');
    symlinkSync(NARU, link);
    const child = spawn(link, ['migrate'], {
      env: { PATH: process.env['PATH'], NARU_DATA_DIR: folder },
      stdio: 'ignore',
    });
    await vi.waitFor(() => expect(readlinkSync(`/proc/${child.pid}/exe`)).toContain('node_modules/node/'), {
      interval: 2,
    });
    child.kill('SIGKILL');
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
    expect(signal).toBe('SIGKILL');
  });
});

describe.runIf(oldNode !== null)('by the Node of the machine', () => {
  const node = oldNode ?? '';

  test('`node bin/naru` runs, with the exit code of the real program', async () => {
    expect(await run(node, [NARU, '--version'])).toMatchObject({ code: 0, out: '0.1.0\n' });
    expect(await run(node, [NARU, 'fly'])).toMatchObject({ code: 2, out: '' });
  });

  test('without the shipped Node: by one that is new enough, else one clear line', async () => {
    const checkout = join(folder, 'checkout');
    mkdirSync(checkout);
    for (const name of ['bin', 'src', 'package.json'])
      cpSync(join(ROOT, name), join(checkout, name), { recursive: true });
    const version = (await run(node, ['-p', 'process.versions.node'])).out.trim();
    const [major = 0, minor = 0] = version.split('.').map(Number);
    const fine = major * 100 + minor >= 2218;
    const path = join(folder, 'only');
    mkdirSync(path);
    for (const name of ['sh', 'dirname', 'readlink']) symlinkSync(`/bin/${name}`, join(path, name));
    const none = await run(join(checkout, 'bin/naru'), ['--version'], { PATH: path });
    expect(none).toMatchObject({ code: 1, out: '' });
    expect(none.err).toMatch(/^naru: Node\.js is needed: [^\n]+\n$/);
    symlinkSync(node, join(path, 'node'));
    for (const ended of [
      await run(join(checkout, 'bin/naru'), ['--version'], { PATH: path }),
      await run(node, [join(checkout, 'bin/naru'), '--version'], { PATH: path }),
    ]) {
      if (fine) expect(ended).toMatchObject({ code: 0, out: '0.1.0\n' });
      else expect(ended).toMatchObject({ code: 1, out: '' });
      if (!fine) expect(ended.err).toMatch(/^naru: Node v?\d+\.\d+\.\d+ is too old: [^\n]+\n$/);
    }
    symlinkSync(SHIPPED, join(path, 'new-node'));
    rmSync(join(path, 'node'));
    symlinkSync(SHIPPED, join(path, 'node'));
    expect(await run(join(checkout, 'bin/naru'), ['--version'], { PATH: path })).toMatchObject({
      code: 0,
      out: '0.1.0\n',
    });
  });
});

describe('naru migrate and naru key', () => {
  test('a key for somebody who is locked out, shown once on standard output', async () => {
    const env = { DATABASE_URL: database.url };
    expect(await run(NARU, ['migrate'], env)).toMatchObject({ code: 0, out: 'nothing to migrate\n' });
    const { code, out, err } = await run(NARU, ['key', '--note', 'locked out'], env);
    expect(code).toBe(0);
    expect(out).toMatch(/^naru_[\w-]{43}\n$/);
    expect(err).toMatch(/^key key-\w{26} of role admin/);
    const refused = await run(NARU, ['key', '--role', 'member'], env);
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toMatch(/^naru: [^\n]*projects[^\n]*\n$/);
    const unknown = await run(NARU, ['key', '--role', 'member', '--project', 'nowhere'], env);
    expect(unknown).toMatchObject({ code: 1, out: '' });
  });

  test('no database to make a key in', async () => {
    const ended = await run(NARU, ['key'], { NARU_DATA_DIR: join(folder, 'nothing') });
    expect(ended).toMatchObject({ code: 1, out: '' });
    expect(ended.err).toMatch(/^naru: NARU_DATA_DIR: there is no database in [^\n]+\n$/);
    expect(existsSync(join(folder, 'nothing'))).toBe(false);
  });
});
