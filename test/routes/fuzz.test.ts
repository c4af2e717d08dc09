import { sql } from 'drizzle-orm';
import fc, { type Arbitrary } from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mutated, nasty, valuesOf, type Hints } from './arbitrary.ts';
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
let webhookId: string;
let budgetId: string;
let transferId: string;
const good = new Set<string>();
beforeAll(async () => {
  door = await openDoor();
  town = await populate(door);
  const { body } = await door.post('/v1/jobs', smallJob()).expect(201);
  jobId = body.id as string;
  // Ended, so that whoever follows it is not kept waiting.
  await door.post(`/v1/jobs/${jobId}/cancel`).expect(202);
  const hook = await door.post('/v1/webhooks', { url: 'https://hooks.example.org/' }).expect(201);
  webhookId = hook.body.id as string;
  ({ budgetId, transferId } = await makeMoney());
  document = door.app.swagger() as unknown as Json;
  checker = makeChecker(document);
});
afterAll(() => door.close());

/** Two budgets, and what one is to give to the other. The first has an entry, so that it stays whatever is called. */
async function makeMoney(): Promise<{ budgetId: string; transferId: string }> {
  const cap = { amount: '1000', currency: 'KRW' };
  const budgetOf = async (kind: string) => {
    const body = { name: kind, scope: { project: 'kogpt' }, period: { kind }, cap };
    return (await door.post('/v1/budgets', body).expect(201)).body.id as string;
  };
  const [from, to] = [await budgetOf('fiscal-year'), await budgetOf('quarter')];
  const transfer = await door
    .call('POST', `/v1/budgets/${from}/transfers`, town.keys.officer)
    .send({ to, amount: { amount: '1', currency: 'KRW' }, reason: 'why not' })
    .expect(201);
  await door.deps.store.db.execute(sql`
    insert into ledger (at, kind, debit, credit, account_id, amount_micros, reason, actor)
    select now(), 'reserve', 'available', 'reserved', id, 1, 'fuzz', 'system' from accounts where budget_id = ${from} limit 1`);
  return { budgetId: from, transferId: transfer.body.id as string };
}

/** Names that exist come often, or every call would end with a 404. */
const known = (name: string, route: string): Arbitrary<string> => {
  const owners: Json = { organizations: 'acme', projects: 'kogpt' };
  const ids: Json = { webhooks: webhookId, budgets: budgetId };
  const existing: Json = {
    name: owners[route.split('/')[2] ?? ''] ?? 'pangyo',
    offer: 'h100x8',
    id: ids[route.split('/')[2] ?? ''] ?? jobId,
    transfer: transferId,
    project: 'kogpt',
    provider: 'pangyo',
    currency: 'USD',
    month: '2026-10',
  };
  return typeof existing[name] === 'string'
    ? fc.constant(existing[name])
    : fc.string({ minLength: 1, maxLength: 20, unit: 'binary' });
};

/** Absent members are undefined, which JSON leaves out. */
const absent = fc.constant(undefined);
const HINTS: Hints = {
  project: fc.constant('kogpt'),
  organization: fc.constant('acme'),
  projects: fc.constant(['kogpt']),
  vendor: fc.constant('nhn'),
  provider: fc.constant('pangyo'),
  to: fc.constant('gwangju'),
  role: fc.constantFrom('admin', 'operator', 'auditor'),
  cursor: absent,
  limit: fc.constantFrom('1', '50', '500'),
  'idempotency-key': fc.uuid(),
  follow: fc.constant('false'),
  'if-match': fc.constant('*'),
  'last-event-id': absent,
  gpu: fc.oneof(
    fc.constant('H100'),
    fc.record({ count: fc.integer({ min: 1, max: 8 }), model: fc.constant('H100') }),
    fc.record({ count: fc.integer({ min: 1, max: 8 }) }),
  ),
  currency: fc.constantFrom('KRW', 'USD'),
  deadline: absent,
  from: absent,
  fromJob: fc.constant(null),
  replicas: fc.constant(1),
  maxCost: fc.constantFrom(undefined, { amount: '5', currency: 'KRW' }),
  period: fc.constantFrom({ kind: 'month' }, { kind: 'quarter' }, { kind: 'once', until: '2099-01-01' }),
  until: absent,
  thresholds: fc.constantFrom([50, 100], [], undefined),
  allotments: absent,
  reason: fc.constant('because'),
  maxPricePerJob: absent,
  quoteId: fc.constant(null),
  class: fc.constantFrom('inference-24gb', 'trainer-80gb', undefined),
  spot: fc.constantFrom('never', 'allowed'),
  pool: fc.constantFrom(undefined, { name: 'host', gpus: 1024 }),
  members: fc.constant([{ model: 'L4' }]),
  speed: fc.double({ min: 0.001, max: 1_000, noNaN: true }),
  validUntil: fc.constant(null),
  mode: fc.constantFrom('none', 'restart'),
  providers: absent,
  regions: absent,
  serve: fc.constant(null),
  broker: fc.constantFrom({ kind: 'agent' }, { kind: 'process' }),
  certifications: fc.constant([]),
  name: fc.stringMatching(/^[a-z][a-z0-9]{3,20}$/),
  kind: fc.constant('training'),
  url: fc.constantFrom('https://hooks.example.org/?a=b', 'http://127.0.0.1:9/', 'https://[fd00::1]/'),
};

const orSpoilt = (value: Arbitrary<unknown>): Arbitrary<unknown> =>
  fc.oneof({ weight: 9, arbitrary: value }, { weight: 1, arbitrary: nasty });
const asSent = (value: unknown): unknown =>
  value === undefined ? undefined : JSON.parse(JSON.stringify(value));
const asText = (value: unknown): string =>
  (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).toWellFormed();

const valueOf = ({ name, schema }: Parameter): Arbitrary<unknown> =>
  fc.oneof(
    { weight: 9, arbitrary: HINTS[name] ?? valuesOf(schema, document, HINTS) },
    { weight: 1, arbitrary: valuesOf(schema, document, HINTS) },
  );

interface Call {
  readonly path: Record<string, unknown>;
  readonly query: Record<string, unknown>;
  readonly headers: Record<string, unknown>;
  readonly body: unknown;
}

function callsOf(route: string, operation: Operation): Arbitrary<Call> {
  const parameters = (where: Parameter['in']) =>
    (operation.parameters ?? []).filter((parameter) => parameter.in === where);
  const record = (
    where: Parameter['in'],
    value: (parameter: Parameter) => Arbitrary<unknown>,
    requiredKeys: string[] = [],
  ) =>
    fc.record(Object.fromEntries(parameters(where).map((parameter) => [parameter.name, value(parameter)])), {
      requiredKeys,
    });
  const schema = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
  const bodies = schema === undefined ? fc.constant(undefined) : valuesOf(schema, document, HINTS);
  return fc.record({
    path: record(
      'path',
      ({ name }) => fc.oneof({ weight: 3, arbitrary: known(name, route) }, { weight: 1, arbitrary: nasty }),
      parameters('path').map(({ name }) => name),
    ),
    query: record('query', (parameter) => orSpoilt(valueOf(parameter))),
    headers: record('header', (parameter) =>
      fc.oneof(
        { weight: 9, arbitrary: valueOf(parameter) },
        { weight: 1, arbitrary: fc.stringMatching(/^[\x20-\x7e]{0,300}$/) },
      ),
    ),
    body: schema === undefined ? bodies : fc.oneof(bodies, bodies.map(asSent).chain(mutated)),
  });
}

const given = (values: Record<string, unknown>) =>
  Object.entries(values).filter(([, value]) => value !== undefined);

async function make(method: string, route: string, operation: Operation, call: Call): Promise<void> {
  const path = route.replaceAll(
    /\{(\w+)\}/g,
    (_, name: string) => encodeURIComponent(asText(call.path[name])) || '%20',
  );
  const query = new URLSearchParams(
    given(call.query).map(([name, value]): [string, string] => [name, asText(value)]),
  );
  const key = route.includes('/v1/agent/') ? town.keys.agent : ADMIN;
  const type = Object.keys(operation.requestBody?.content ?? {})[0];
  const answer = await door.app.inject({
    method: method.toUpperCase() as 'GET',
    url: query.size === 0 ? path : `${path}?${query.toString()}`,
    headers: {
      authorization: `Bearer ${key}`,
      ...(type !== undefined && call.body !== undefined && { 'content-type': type }),
      ...Object.fromEntries(
        given(call.headers).map(([name, value]) => [name, asText(value).replaceAll(/[^\x20-\x7e]/g, '')]),
      ),
    },
    ...(call.body !== undefined && {
      payload: type === 'application/json' ? JSON.stringify(call.body) : asText(call.body),
    }),
  });
  if (answer.statusCode >= 500)
    throw new Error(
      `${method} ${path} → ${answer.statusCode} ${answer.body}\n${JSON.stringify(call).slice(0, 2_000)}`,
    );
  if (answer.statusCode < 400) good.add(`${method} ${route}`);
  checker.check(method, route, answer.statusCode, answer.headers['content-type'], answer.body);
}

describe.each(SEEDS)('calls from the document, seed %d', (seed) => {
  it('are all answered as it declares, never by a failure of ours', { timeout: 240_000 }, async () => {
    good.clear();
    for (const [route, operations] of Object.entries(
      document['paths'] as Record<string, Record<string, Operation>>,
    )) {
      for (const [method, operation] of Object.entries(operations)) {
        await fc.assert(
          fc.asyncProperty(callsOf(route, operation), (call) => make(method, route, operation, call)),
          { seed, numRuns: CALLS_PER_OPERATION, endOnFailure: true },
        );
      }
    }
    // A fuzzer whose calls all bounce at the first check tries nothing: most doors have to have been gone through.
    expect(good.size).toBeGreaterThan(40);
  });
});
