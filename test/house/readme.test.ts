import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ALLOCATION_STATES, ALLOCATION_TRANSITIONS } from '../../src/core/allocation.ts';
import { JOB_STATES, JOB_TRANSITIONS } from '../../src/core/job.ts';

const ROOT = join(import.meta.dirname, '../..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** A state machine as GitHub draws it: what README must show, to the letter. */
export function diagramOf(
  states: readonly string[],
  next: Readonly<Record<string, readonly string[]>>,
): string {
  const arrows = states.flatMap((from) => (next[from] ?? []).map((to) => `  ${from} --> ${to}`));
  const ends = states
    .filter((state) => (next[state] ?? []).length === 0)
    .map((state) => `  ${state} --> [*]`);
  return ['```mermaid', 'stateDiagram-v2', `  [*] --> ${states[0]}`, ...arrows, ...ends, '```'].join('\n');
}

describe('the README tells the truth about', () => {
  it.each([
    ['job', JOB_STATES, JOB_TRANSITIONS],
    ['allocation', ALLOCATION_STATES, ALLOCATION_TRANSITIONS],
  ] as const)('the states of a %s', (name, states, transitions) => {
    expect(README).toContain(`<!-- states: ${name} -->\n\n${diagramOf(states, transitions)}`);
  });

  it('every setting that the program reads, and no other', () => {
    const config = readFileSync(join(ROOT, 'src/config.ts'), 'utf8');
    const read = [...config.matchAll(/\(env, '([A-Z_]+)'/g)].map(([, name]) => name ?? '');
    const table = /<!-- settings -->\n\n([\s\S]*?)\n\n/.exec(README)?.[1] ?? '';
    const told = [...table.matchAll(/^\| `([A-Z_]+)`/gm)].map(([, name]) => name ?? '');
    // The agent's two are told where the agent is.
    const agents = ['NARU_URL', 'NARU_AGENT_KEY'];
    expect(new Set([...told, ...agents, 'PATH'])).toEqual(new Set([...read, 'PATH']));
    for (const name of agents) expect(README).toContain(name);
  });

  it('every dependency, with what it earns its place by', () => {
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const table = README.slice(README.search(/\| dependency +\|/));
    const missing = Object.keys(dependencies).filter((name) => {
      const last = name.replace(/^@fastify\//, '');
      return (
        !table.includes(name) &&
        !table.includes(`-${last.replace(/^swagger-/, '')}`) &&
        name !== 'openapi-types'
      );
    });
    expect(missing).toEqual([]);
  });

  it('every script that it names', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const named = [README, readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8')].flatMap((text) =>
      [...text.matchAll(/npm run ([a-z:]+)/g)].map(([, name]) => name ?? ''),
    );
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});
