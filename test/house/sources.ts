import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Paths below the checkout of every source file in these folders, with forward slashes. */
export function sourcesIn(...folders: string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.(ts|mts|mjs|tsx)$/.test(path) && !path.includes('node_modules'))
      .map((path) => `${folder}/${path}`)
      .sort(),
  );
}

export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

export interface Import {
  /** As written: `fastify`, `node:fs`, `../core/job.ts`. */
  readonly specifier: string;
  /** `import type` or `export type`: gone when the program runs. */
  readonly typeOnly: boolean;
}

/** Every import of a source: static, dynamic, re-exported and by require. */
export function importsOf(source: string): Import[] {
  const text = strip(source, true);
  const found = [
    ...text.matchAll(/\b(?:import|export)\s+(type\s+)?(?:[\w$*{}\s,]+?\s+from\s+)?['"]([^'"\n]+)['"]/g),
    ...text.matchAll(
      /\b(?:import|require(?:\.resolve)?|createRequire\([^)]*\))(\s*)\(\s*['"]([^'"\n]+)['"]/g,
    ),
  ];
  return found.map(([, type, specifier = '']) => ({ specifier, typeOnly: (type ?? '').startsWith('type') }));
}

/** Where a relative import of this file leads, as a path below the checkout; null for a package. */
export function resolveImport(from: string, specifier: string): string | null {
  return specifier.startsWith('.') ? normalize(join(dirname(from), specifier)).replaceAll('\\', '/') : null;
}

/**
 * The source without comments, and without what stands in strings, templates and regular expressions (unless
 * `keepStrings`), so that a word in a sentence is not taken for a call.
 */
export function strip(source: string, keepStrings = false): string {
  const token =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|\$\{(?:[^{}`]|`[^`]*`|\{[^{}]*\})*\}|[^`\\])*`|(?<=[(,=:[!&|?{};>]\s*|\breturn\s+)\/(?![*/\s])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g;
  return source.replace(token, (found) => {
    if (found.startsWith('//') || found.startsWith('/*')) return ' ';
    if (keepStrings) return found;
    if (found.startsWith('`')) return insideTemplate(found);
    return found.startsWith('/') ? '/./' : "''";
  });
}

/** What a template computes is code, the rest of it is text. */
function insideTemplate(template: string): string {
  const parts = [...template.matchAll(/\$\{((?:[^{}`]|`[^`]*`|\{[^{}]*\})*)\}/g)].map(
    ([, code = '']) => `(${strip(code)})`,
  );
  return `\`\`${parts.join('')}`;
}
