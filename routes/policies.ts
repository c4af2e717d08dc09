import type { z } from 'zod';
import { POLICY_NAMES, type CapacityClass, type PolicyName, type PolicyRows } from '../src/core/policy.ts';
import { putPolicy } from '../src/flows/putPolicy.ts';
import { findPolicy, type StoredPolicy } from '../src/store/read/policies.ts';
import { answer } from './answers.ts';
import { changingHeaders, etagOf, seenVersion } from './etag.ts';
import { POLICIES, type App, type Room } from './room.ts';
import { policyList, policyOf, POLICY_ROWS, POLICY_WORDS } from './schemas/policy.ts';

const tags = ['Policies'];

/** One door for each table, because each has rows of its own. */
export function policyRoutes(app: App, room: Room): void {
  listing(app, room);
  for (const name of POLICY_NAMES) {
    reading(app, room, name);
    changing(app, room, name);
  }
}

/** The class of that name; null: there is none. */
export async function capacityClassOf(room: Room, name: string): Promise<CapacityClass | null> {
  const known = await room.policies.get(POLICIES);
  return known?.capacityClasses.find((one) => one.name === name) ?? null;
}

function listing(app: App, { deps }: Room): void {
  app.get(
    '/v1/policies',
    {
      config: { may: 'policies.read' },
      schema: {
        operationId: 'listPolicies',
        tags,
        summary: 'List the policies',
        description: 'All of them; there is never a second page.',
        response: { 200: answer('The policies.', policyList) },
      },
    },
    async () => {
      const found = await Promise.all(POLICY_NAMES.map((name) => findPolicy(deps.store.db, name)));
      const items = found.map((policy) => ({ ...render(policy), rows: policy.rows.length }));
      return { items, nextCursor: null };
    },
  );
}

function reading<Name extends PolicyName>(app: App, { deps }: Room, name: Name): void {
  const { id, what } = POLICY_WORDS[name];
  app.get(
    `/v1/policies/${name}`,
    {
      config: { may: 'policies.read' },
      schema: {
        operationId: `get${id}`,
        tags,
        summary: `Read ${what}`,
        response: { 200: answer('The table.', policyOf(name)) },
      },
    },
    async (_, reply) => {
      const policy = await findPolicy(deps.store.db, name);
      reply.header('etag', etagOf(policy));
      return render(policy);
    },
  );
}

function changing<Name extends PolicyName>(app: App, room: Room, name: Name): void {
  const { id, what } = POLICY_WORDS[name];
  app.put(
    `/v1/policies/${name}`,
    {
      config: { may: 'policies.write' },
      schema: {
        operationId: `put${id}`,
        tags,
        summary: `Replace ${what}`,
        description: 'What waits is judged by it from then on; what runs stays where it is.',
        headers: changingHeaders,
        body: POLICY_ROWS[name] as z.ZodType,
        response: { 200: answer('The table, as it is now.', policyOf(name)) },
        problems: ['precondition-failed', 'impossible-spec'],
      },
    },
    async (request, reply) => {
      const rows = request.body as PolicyRows<Name>;
      const policy = await putPolicy(room.deps, request.actor, name, seenVersion(request), rows, request.id);
      room.policies.forget(POLICIES);
      reply.header('etag', etagOf(policy));
      return render(policy);
    },
  );
}

function render({ name, rows, version, updatedAt }: StoredPolicy) {
  return { name, rows: [...rows], version, updatedAt: updatedAt?.toISOString() ?? null };
}
