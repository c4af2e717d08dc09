import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { writeJson } from './folders.ts';

/** Makes the agent's data folder and gives it an identity, kept for good. Throws where it cannot be written. */
export function openDataFolder(path: string): { dataDir: string; instanceId: string } {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const dataDir = realpathSync(path);
  const file = join(dataDir, 'instance.json');
  const known = readInstance(file);
  if (known !== null) return { dataDir, instanceId: known };
  const instanceId = randomUUID();
  writeJson(file, { instanceId });
  return { dataDir, instanceId };
}

function readInstance(file: string): string | null {
  try {
    const { instanceId } = JSON.parse(readFileSync(file, 'utf8')) as { instanceId?: unknown };
    return typeof instanceId === 'string' ? instanceId : null;
  } catch {
    return null;
  }
}
