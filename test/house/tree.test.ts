import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT, textOf } from './sources.ts';

/**
 * The fenced block behind the marker, as paths: two spaces a level, a name that ends in "/" is a folder, and what
 * stands behind two spaces or more is a remark. Several names on a line are parted by single spaces.
 */
export function treeOf(readme: string): string[] | null {
  const block = /<!-- tree -->\s*```[a-z]*\n([\s\S]*?)\n```/.exec(readme)?.[1];
  if (block === undefined) return null;
  const folders: string[] = [];
  return block.split('\n').flatMap((line) => {
    const [, indent = '', names = ''] = /^( *)(\S+(?: \S+)*)/.exec(line) ?? [];
    if (names === '') return [];
    const level = indent.length / 2;
    const paths = names.split(' ').map((name) => [...folders.slice(0, level), name].join(''));
    if (names.endsWith('/')) folders[level] = names;
    return paths;
  });
}

describe('the tree in the README', () => {
  const tree = treeOf(textOf('README.md'));

  test('is there', () => expect(tree).not.toBeNull());

  test('names nothing that does not exist', () => {
    expect((tree ?? []).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test('names every folder of the program', () => {
    const folders = ['.', 'src'].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && !/^(\.|node_modules$|coverage$)/.test(entry.name))
        .map((entry) => join(folder, `${entry.name}/`)),
    );
    expect(folders.filter((folder) => !tree?.includes(folder))).toEqual([]);
  });
});

test('a tree is read as it is drawn', () => {
  const readme =
    'x\n<!-- tree -->\n\n```text\na.md  remark\nsrc/   the program\n  b.ts c.ts   two\n  core/\n    d.ts\nend/\n```\n';
  expect(treeOf(readme)).toEqual([
    'a.md',
    'src/',
    'src/b.ts',
    'src/c.ts',
    'src/core/',
    'src/core/d.ts',
    'end/',
  ]);
  expect(treeOf('no tree')).toBeNull();
});
