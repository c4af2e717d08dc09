import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeDocument } from '../../routes/openapi/generate.ts';
import { readExamples } from '../../routes/openapi/examples.ts';
import { openDoor, type Door } from './door.ts';
import { makeChecker, type Checker } from './checker.ts';

let door: Door;
let checker: Checker;
beforeAll(async () => {
  door = await openDoor();
  checker = makeChecker(door.app.swagger());
});
afterAll(() => door.close());

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every schema of a field, with where it is. */
function* fields(node: unknown, path: string): Generator<[string, Json]> {
  if (Array.isArray(node))
    for (const [index, item] of node.entries()) yield* fields(item, `${path}/${index}`);
  if (!isObject(node)) return;
  if (isObject(node['properties']) && !path.endsWith('/properties')) {
    for (const [name, schema] of Object.entries(node['properties']))
      yield [`${path}/properties/${name}`, schema as Json];
  }
  for (const [name, member] of Object.entries(node)) {
    if (name !== 'examples' && name !== 'example' && name !== 'default')
      yield* fields(member, `${path}/${name}`);
  }
}

describe('the document', () => {
  it('is the one that is committed', async () => {
    expect(await makeDocument()).toBe(
      readFileSync(new URL('../../openapi/openapi.json', import.meta.url), 'utf8'),
    );
  });

  it('describes every field, and shows one', () => {
    const document = door.app.swagger() as unknown as Json;
    const bare = [
      ...fields(document['paths'], 'paths'),
      ...fields((document['components'] as Json)['schemas'], 'schemas'),
    ]
      .filter(([, schema]) => schema['$ref'] === undefined || schema['description'] === undefined)
      .filter(([, schema]) => typeof schema['description'] !== 'string' || !shows(schema))
      .filter(([, schema]) => schema['$ref'] === undefined)
      .map(([path]) => path);
    expect(bare).toEqual([]);
  });

  it('says of every operation what it is, who may, and what it may be refused with', () => {
    const { paths } = door.app.swagger() as unknown as { paths: Record<string, Record<string, Json>> };
    for (const [path, operations] of Object.entries(paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const what = `${method} ${path}`;
        expect([what, operation['operationId'], operation['summary'], operation['tags']]).toEqual([
          what,
          expect.any(String),
          expect.any(String),
          [expect.any(String)],
        ]);
        const statuses = Object.keys(operation['responses'] as Json);
        expect(statuses).toContain('500');
        if ((operation['security'] as unknown[]).length > 0)
          expect(statuses).toEqual(expect.arrayContaining(['401', '403', '429']));
        if (operation['requestBody'] !== undefined)
          expect(statuses).toEqual(expect.arrayContaining(['400', '413', '415']));
        if (path.includes('{') && !path.includes('exchange-rates') && method !== 'put')
          expect(statuses).toContain('404');
      }
    }
  });
});

/** An object shows itself by its members, a list of things by its things. */
function shows(schema: Json): boolean {
  if (
    Array.isArray(schema['examples']) ||
    schema['properties'] !== undefined ||
    schema['const'] !== undefined
  )
    return true;
  const parts = [
    schema['items'],
    ...((schema['oneOf'] ?? schema['anyOf'] ?? schema['allOf'] ?? []) as unknown[]),
  ].filter(isObject);
  return parts.some((part) => part['$ref'] !== undefined || shows(part));
}

describe('the examples', () => {
  it('are answered as they say, one after the other', async () => {
    const examples = readExamples();
    expect(examples.size).toBeGreaterThan(10);
    const made = new Map<string, string>();
    for (const [name, example] of examples) {
      const path = example.path.replaceAll(/\{(\w+)\}/g, (_, kind: string) => made.get(kind) ?? `{${kind}}`);
      const test = door
        .call(example.method, path)
        .set('content-type', example.contentType ?? 'application/json');
      const answer = await (example.request === undefined ? test : test.send(example.request as object));
      expect([name, answer.status]).toEqual([name, example.status]);
      checker.check(
        example.method,
        example.route,
        answer.status,
        answer.headers['content-type'],
        answer.text,
      );
      if (isObject(answer.body) && typeof answer.body['id'] === 'string')
        made.set(example.route.split('/')[2] ?? '', answer.body['id']);
      if (isObject(example.response))
        expect([name, Object.keys(answer.body as Json).sort()]).toEqual([
          name,
          Object.keys(example.response).sort(),
        ]);
    }
  });
});
