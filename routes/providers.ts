import { z } from 'zod';
import { coversVendor, vendorScope, type Actor } from '../src/core/access.ts';
import { Problem } from '../src/core/problem.ts';
import { BROKER_KINDS, type BrokerKind } from '../src/core/provider.ts';
import { attestProvider } from '../src/flows/attestProvider.ts';
import { createProvider, type ProviderSpec } from '../src/flows/createProvider.ts';
import { drainProvider, resumeProvider } from '../src/flows/drain.ts';
import { patchProvider } from '../src/flows/patchProvider.ts';
import {
  capacityOf,
  closedParts,
  findProvider,
  listProviders,
  vendorWords,
} from '../src/store/read/providers.ts';
import type { ProviderRow } from '../src/store/store.ts';
import { answer } from './answers.ts';
import { askOf, creatingHeaders, sendCreated } from './creating.ts';
import { aName, readCursor, renderPage } from './cursor.ts';
import { changingHeaders, etagOf, seenVersion } from './etag.ts';
import type { App, Room } from './room.ts';
import { page, paging } from './schemas/fields.ts';
import { newProvider, provider, providerParams, providerPatch, providerRequest } from './schemas/provider.ts';
import { renderNewProvider, renderProvider } from './views/provider.ts';

const tags = ['Providers'];
const nothing = z
  .strictObject({})
  .nullish()
  .meta({ description: 'Nothing.', examples: [{}] });

export function providerRoutes(app: App, room: Room): void {
  registration(app, room);
  reading(app, room);
  changing(app, room);
}

function registration(app: App, { deps }: Room): void {
  app.post(
    '/v1/providers',
    {
      config: { may: 'providers.write' },
      schema: {
        operationId: 'createProvider',
        tags,
        summary: 'Register a provider',
        description:
          'For kind `agent` the answer holds, this once, the key for its agent. A vendor registers its own, with kind `agent`.',
        headers: creatingHeaders,
        body: providerRequest,
        response: { 201: answer('The provider.', newProvider) },
        problems: [
          'state-conflict',
          'impossible-spec',
          'not-yet-supported',
          'request-in-progress',
          'idempotency-mismatch',
        ],
      },
    },
    async (request, reply) => {
      const spec = toSpec(request.body);
      const made = await createProvider(deps, request.actor, spec, askOf(request, renderNewProvider));
      return sendCreated(reply, made, `/v1/providers/${spec.name}`);
    },
  );
}

function reading(app: App, room: Room): void {
  const { deps } = room;

  app.get(
    '/v1/providers',
    {
      config: { may: 'providers.read' },
      schema: {
        operationId: 'listProviders',
        tags,
        summary: 'List providers',
        description: 'Those that the key may see, by name.',
        querystring: z.strictObject(paging),
        response: { 200: answer('A page of providers.', page(provider, 'The providers.')) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const after = readCursor('providers', cursor, aName);
      const found = await listProviders(deps.store.db, vendorScope(request.actor), after, limit);
      const show = await shower(room, found.items);
      return renderPage('providers', found, (row) => [row.name], show);
    },
  );

  app.get(
    '/v1/providers/:name',
    {
      config: { may: 'providers.read' },
      schema: {
        operationId: 'getProvider',
        tags,
        summary: 'Read a provider',
        params: providerParams,
        response: { 200: answer('The provider.', provider) },
        problems: ['not-found'],
      },
    },
    async (request, reply) => {
      const row = await visibleProvider(room, request.actor, request.params.name);
      reply.header('etag', etagOf(row));
      return (await shower(room, [row]))(row);
    },
  );
}

function changing(app: App, room: Room): void {
  const { deps } = room;

  app.patch(
    '/v1/providers/:name',
    {
      config: { may: 'providers.write' },
      schema: {
        operationId: 'changeProvider',
        tags,
        summary: 'Change a provider',
        headers: changingHeaders,
        params: providerParams,
        body: providerPatch,
        response: { 200: answer('The provider, as it is now.', provider) },
        problems: ['not-found', 'precondition-failed', 'impossible-spec'],
      },
    },
    async (request, reply) => {
      const { name } = await visibleProvider(room, request.actor, request.params.name);
      refuseBackwards(request.body.certifications ?? []);
      const row = await patchProvider(
        deps,
        request.actor,
        name,
        seenVersion(request),
        request.body,
        request.id,
      );
      reply.header('etag', etagOf(row));
      return (await shower(room, [row]))(row);
    },
  );

  app.post(
    '/v1/providers/:name/attest',
    {
      config: { may: 'providers.attest' },
      schema: {
        operationId: 'attestProvider',
        tags,
        summary: 'Vouch for its realm and certifications',
        description:
          "For both as they are now. Certificates, and realms that are not public, count for nothing before that; a vendor's own change of either takes it back. With `If-Match`, for what was read and nothing else.",
        headers: changingHeaders,
        params: providerParams,
        body: nothing,
        response: { 200: answer('The provider, as it is now.', provider) },
        problems: ['not-found', 'precondition-failed'],
      },
    },
    async (request, reply) => {
      const { name } = await visibleProvider(room, request.actor, request.params.name);
      const row = await attestProvider(deps, request.actor, name, seenVersion(request), request.id);
      reply.header('etag', etagOf(row));
      return (await shower(room, [row]))(row);
    },
  );

  for (const verb of ['drain', 'resume'] as const) {
    app.post(
      `/v1/providers/:name/${verb}`,
      {
        config: { may: 'providers.write' },
        schema: {
          operationId: `${verb}Provider`,
          tags,
          summary: verb === 'drain' ? 'Place nothing new there' : 'Place there again',
          description:
            verb === 'drain'
              ? 'What runs there goes on. Again: nothing happens.'
              : 'Ends a drain. Again: nothing happens.',
          params: providerParams,
          body: nothing,
          response: { 200: answer('The provider, as it is now.', provider) },
          problems: ['not-found'],
        },
      },
      async (request) => {
        const { name } = await visibleProvider(room, request.actor, request.params.name);
        await (verb === 'drain' ? drainProvider : resumeProvider)(deps, request.actor, name, request.id);
        const row = await visibleProvider(room, request.actor, name);
        return (await shower(room, [row]))(row);
      },
    );
  }
}

/** A provider that the actor may see; the same not-found for one that is hidden and one that is not there. */
export async function visibleProvider({ deps }: Room, actor: Actor, name: string): Promise<ProviderRow> {
  const row = await findProvider(deps.store.db, name);
  if (row !== null && coversVendor(vendorScope(actor), row.vendor)) return row;
  throw new Problem('not-found', 'There is no such provider.');
}

/** Renders any of these rows, with two queries for all of them. */
async function shower({ deps }: Room, rows: readonly ProviderRow[]) {
  const names = rows.map((row) => row.name);
  const capacity = await capacityOf(deps.store.db, names);
  const parts = await closedParts(deps.store.db, names);
  const words = await vendorWords(deps.store.db, names, deps.clock.now());
  return (row: ProviderRow) =>
    renderProvider(row, capacity.get(row.name), words.get(row.name) ?? null, parts.get(row.name));
}

function toSpec(body: z.output<typeof providerRequest>): ProviderSpec {
  const { kind, ...settings } = body.broker;
  if (!isBrokerKind(kind)) {
    const errors = [{ pointer: '/broker/kind', detail: 'This version cannot work with this kind yet.' }];
    throw new Problem('not-yet-supported', `Providers of kind ${kind} are not supported yet.`, { errors });
  }
  refuseBackwards(body.certifications);
  return { ...body, broker: { kind, settings } };
}

const isBrokerKind = (kind: string): kind is BrokerKind => (BROKER_KINDS as readonly string[]).includes(kind);

function refuseBackwards(
  certifications: readonly { readonly validFrom: string; readonly validUntil: string }[],
): void {
  const errors = certifications.flatMap(({ validFrom, validUntil }, index) =>
    validUntil > validFrom
      ? []
      : [{ pointer: `/certifications/${index}/validUntil`, detail: 'It has to be after `validFrom`.' }],
  );
  if (errors.length > 0)
    throw new Problem('impossible-spec', 'A certification ends before it begins.', { errors });
}
