import { expect, test } from 'vitest';
import { textOf } from './sources.ts';

interface Locked {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const lock = JSON.parse(textOf('package-lock.json')) as { packages: Record<string, Locked> };
const manifest = JSON.parse(textOf('package.json')) as Record<string, Record<string, string> | undefined>;

/** Is there an entry where npm would look for `name` from the folder `from`: there, and in every folder above? */
function found(packages: Readonly<Record<string, Locked>>, from: string, name: string): boolean {
  const above = from
    .split(/(?:^|\/)node_modules\//)
    .map((_, depth, parts) => parts.slice(0, depth + 1).join('/node_modules/'));
  return above.some(
    (folder) => `${folder === '' ? '' : `${folder}/`}node_modules/${name}`.replace(/^\//, '') in packages,
  );
}

function missing(packages: Readonly<Record<string, Locked>>): string[] {
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !found(packages, path, name))
      .map((name) => `${path || 'the project'} → ${name}`),
  );
}

/**
 * A lock that was written while the registry lacked some platform's binary installs a broken tool there, and
 * `npm ci` of npm 12 refuses it altogether.
 */
test('the lock file has an entry for every optional dependency', () => {
  expect(missing(lock.packages)).toEqual([]);
});

test('and a missing one is found', () => {
  const complete: Record<string, Locked> = {
    'node_modules/tool': { optionalDependencies: { '@tool/linux': '1.0.0', '@tool/darwin': '1.0.0' } },
    'node_modules/@tool/linux': { version: '1.0.0' },
    'node_modules/tool/node_modules/@tool/darwin': { version: '1.0.0' },
  };
  expect(missing(complete)).toEqual([]);
  const { 'node_modules/@tool/linux': _, ...lacking } = complete;
  expect(missing(lacking)).toEqual(['node_modules/tool → @tool/linux']);
});

test('every version is pinned exactly, in the manifest and in the lock', () => {
  const named = { ...manifest['dependencies'], ...manifest['devDependencies'] };
  for (const [name, version] of Object.entries(named)) {
    expect(`${name} ${version}`).toMatch(/^\S+ \d+\.\d+\.\d+(-[\w.]+)?$/);
    expect(`${name} ${lock.packages[`node_modules/${name}`]?.version}`).toBe(`${name} ${version}`);
  }
});
