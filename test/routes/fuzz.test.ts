import fc, { type Arbitrary } from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mutated, nasty, valuesOf } from './arbitrary.ts';
import { makeChecker, type Checker } from './checker.ts';
import { ADMIN, openDoor, populate, smallJob, type Door, type Town } from './door.ts';

/**
 * Calls made from the document: half as it allows, half spoilt in one place. Whatever is sent, the answer is one
 * that the document declares, and never a failure of ours. A seed that found something is kept below for ever.
 */
const SEEDS = [20261122];
const CALLS_PER_OPERATION = Number(process.env['NARU_FUZZ_CALLS'] ?? 24);

type Json = Record<string, unknown>;
interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly schema: Json;
}
interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: Json }> };
  readonly responses: Json;
}

let door: Door;
let town: Town;
let checker: Checker;
let document: Json;
let jobId: string;
beforeAll(async () => {
  door = await openDoor();
  town = await populate(door);
  const { body } = await door.post('/v1/jobs', smallJob()).expect(201);
  jobId = body.id as string;
  // Ended, so that whoever follows it is not kept waiting.
  await door.post(`/v1/jobs/${jobId}/cancel`).expect(202);
  document = door.app.swagger() as unknown as Json;
  checker = makeChecker(document);
});
afterAll(() => door.close());

/** Names that exist come often, or every call would end with a 404. */
const known = (name: string): Arbitrary<string> => {
  const existing: Json = { name: 'pangyo', offer: 'h100x8', id: jobId, project: 'kogpt', provider: 'pangyo', currency: 'USD' };
  return typeof existing[name] === 'string' ? fc.constant(existing[name]) : fc.string({ minLength: 1, maxLength: 20, unit: 'binary' });
};

const orSpoilt = (value: Arbitrary<unknown>): Arbitrary<unknown> => fc.oneof({ weight: 3, arbitrary: value }, { weight: 1, arbitrary: nasty });
const asText = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).toWellFormed();

interface Call {
  readonly path: Record<string, unknown>;
  readonly query: Record<string, unknown>;
  readonly headers: Record<string, unknown>;
  readonly body: unknown;
}

function callsOf(operation: Operation): Arbitrary<Call> {
  const parameters = (where: Parameter['in']) => (operation.parameters ?? []).filter((parameter) => parameter.in === where);
  const record = (where: Parameter['in'], value: (parameter: Parameter) => Arbitrary<unknown>, requiredKeys: string[] = []) =>
    fc.record(Object.fromEntries(parameters(where).map((parameter) => [parameter.name, value(parameter)])), { requiredKeys });
  const schema = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
  const bodies = schema === undefined ? fc.constant(undefined) : valuesOf(schema, document);
  return fc.record({
    path: record('path', ({ name }) => fc.oneof({ weight: 3, arbitrary: known(name) }, { weight: 1, arbitrary: nasty }), parameters('path').map(({ name }) => name)),
    query: record('query', (parameter) => orSpoilt(valuesOf(parameter.schema, document))),
    headers: record('header', (parameter) => fc.oneof(valuesOf(parameter.schema, document), fc.stringMatching(/^[\x20-\x7e]{0,300}$/))),
    body: schema === undefined ? bodies : fc.oneof(bodies, bodies.chain(mutated)),
  });
}

async function make(method: string, route: string, operation: Operation, call: Call): Promise<void> {
  const path = route.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(asText(call.path[name])) || '%20');
  const query = new URLSearchParams(Object.entries(call.query).map(([name, value]) => [name, asText(value)]));
  const key = route.includes('/v1/agent/') ? town.keys.agent : ADMIN;
  const type = Object.keys(operation.requestBody?.content ?? {})[0];
  const answer = await door.app.inject({
    method: method.toUpperCase() as 'GET',
    url: query.size === 0 ? path : `${path}?${query}`,
    headers: {
      authorization: `Bearer ${key}`,
      ...(type !== undefined && call.body !== undefined && { 'content-type': type }),
      ...Object.fromEntries(Object.entries(call.headers).map(([name, value]) => [name, asText(value).replaceAll(/[^\x20-\x7e]/g, '')])),
    },
    ...(call.body !== undefined && { payload: type === 'application/json' ? JSON.stringify(call.body) : asText(call.body) }),
  });
  if (answer.statusCode >= 500) throw new Error(`${method} ${path} → ${answer.statusCode} ${answer.body}\n${JSON.stringify(call).slice(0, 2_000)}`);
  checker.check(method, route, answer.statusCode, answer.headers['content-type'] as string | undefined, answer.body);
}

describe.each(SEEDS)('calls from the document, seed %d', (seed) => {
  it('are all answered as it declares, never by a failure of ours', { timeout: 240_000 }, async () => {
    let calls = 0;
    for (const [route, operations] of Object.entries(document['paths'] as Record<string, Record<string, Operation>>)) {
      for (const [method, operation] of Object.entries(operations)) {
        await fc.assert(
          fc.asyncProperty(callsOf(operation), (call) => make(method, route, operation, call)),
          { seed, numRuns: CALLS_PER_OPERATION, endOnFailure: true },
        );
        calls += CALLS_PER_OPERATION;
      }
    }
    expect(calls).toBeGreaterThan(500);
  });
});
