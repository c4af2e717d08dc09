import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The full path of the first of these programs that the machine has, or null. */
export function programOf(names: readonly string[]): string | null {
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/bin',
    '/usr/local/bin',
    '/opt/homebrew/bin',
  ];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram) ?? null;
}

/** May the tests install Debian's packages? Only where that was said (NARU_TEST_INSTALL=1), as root. */
export function mayInstall(): boolean {
  return (
    process.env['NARU_TEST_INSTALL'] === '1' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
  );
}

/** Installs them; what went wrong is said and shows in what is missing afterwards. */
export function install(packages: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    execFileSync('apt-get', ['update', '-qq'], { env, stdio: 'ignore' });
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], {
      env,
      stdio: 'ignore',
    });
  } catch (error) {
    console.error(
      `NARU_TEST_INSTALL: apt-get could not install ${packages.join(' ')}: ${(error as Error).message}`,
    );
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
