import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

test('the migrations make the schema that the code says: nothing is missing', () => {
  // Inside the checkout, because drizzle-kit knows no absolute paths.
  const folder = mkdtempSync(join(ROOT, 'node_modules', '.drizzle-check-'));
  try {
    cpSync(join(ROOT, 'migrations'), join(folder, 'migrations'), { recursive: true });
    const config = join(folder, 'drizzle.config.json');
    const out = `./${folder.slice(ROOT.length + 1)}/migrations`;
    writeFileSync(config, JSON.stringify({ dialect: 'postgresql', schema: './src/store/schema.ts', out }));
    const program = join(ROOT, 'node_modules/drizzle-kit/bin.cjs');
    const said = execFileSync(process.execPath, [program, 'generate', '--config', config], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    expect(said, 'run `npm run generate:migrations`').toContain('No schema changes');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
