import { z } from 'zod';
import { vendorScope } from '../src/core/access.ts';
import { acceptedGpus } from '../src/core/gpu.ts';
import { parseMicros } from '../src/core/money.ts';
import { Problem } from '../src/core/problem.ts';
import { patchOffer } from '../src/flows/patchOffer.ts';
import { replaceOffers } from '../src/flows/replaceOffers.ts';
import { findOffer, searchOffers, type OfferMark, type WantedGpu } from '../src/store/read/offers.ts';
import { answer } from './answers.ts';
import { readCursor, renderPage, type Mark } from './cursor.ts';
import { changingHeaders, etagOf, seenVersion } from './etag.ts';
import { offerImportRoutes } from './offer-import.ts';
import { toOfferSet, toPatch } from './offer-terms.ts';
import { capacityClassOf } from './policies.ts';
import { visibleProvider } from './providers.ts';
import type { App, Room } from './room.ts';
import { page, paging } from './schemas/fields.ts';
import { offer, offerParams, offerPatch, offerQuery, offerSet, replaced } from './schemas/offer.ts';
import { providerParams } from './schemas/provider.ts';
import { renderOffer } from './views/offer.ts';

const tags = ['Offers'];
const MIB = 1024 * 1024;
/** A whole market of offers in one set. */
const SET_LIMIT = 16 * MIB;

export function offerRoutes(app: App, room: Room): void {
  search(app, room);
  ofProvider(app, room);
  changing(app, room);
  // In a scope of its own, so that text/csv is taken here and nowhere else.
  app.register(async (inside) => offerImportRoutes(inside as unknown as App, room));
}

const acceptMark = ([price, provider, name]: Mark): OfferMark | undefined => {
  if (typeof provider !== 'string' || typeof name !== 'string') return undefined;
  if (price !== null && (typeof price !== 'string' || !/^(Infinity|\d{1,40})$/.test(price))) return undefined;
  return { price: price ?? null, provider, name };
};
const markOf = ({ mark }: { mark: OfferMark }): Mark => [mark.price, mark.provider, mark.name];

function search(app: App, room: Room): void {
  const { deps } = room;
  const { currency } = deps.config;
  app.get(
    '/v1/offers',
    {
      config: { may: 'offers.read' },
      schema: {
        operationId: 'searchOffers',
        tags,
        summary: 'Search the market',
        description: 'What is sold now, by provider and name, or cheapest first. A vendor sees its own.',
        querystring: offerQuery,
        response: { 200: answer('A page of offers.', page(offer, 'The offers.')) },
      },
    },
    async (request) => {
      const { limit, cursor, gpu, class: className, maxPricePerHour, ...filters } = request.query;
      const wanted = {
        ...filters,
        now: deps.clock.now(),
        accountingCurrency: currency,
        scope: vendorScope(request.actor),
        gpus: [...spelled(gpu), ...(await membersOf(room, className))],
        maxPriceMicrosPerHour: maxPricePerHour === undefined ? undefined : parseMicros(maxPricePerHour),
      };
      const list = `offers:${filters.sort}`;
      const found = await searchOffers(deps.store.db, wanted, readCursor(list, cursor, acceptMark), limit);
      return renderPage(list, found, markOf, (view) => renderOffer(view, currency));
    },
  );
}

/** What a spelling accepts, as one demand. */
function spelled(gpu: string | undefined): (readonly WantedGpu[])[] {
  if (gpu === undefined) return [];
  const { gpus, problem } = acceptedGpus(gpu);
  if (problem !== null) throw nothingFoundBy('?gpu', problem);
  return [gpus];
}

/** The members of a capacity class, as one demand. */
async function membersOf(room: Room, name: string | undefined): Promise<(readonly WantedGpu[])[]> {
  if (name === undefined) return [];
  const found = await capacityClassOf(room, name);
  if (found === null) throw nothingFoundBy('?class', 'There is no such capacity class.');
  return [found.members];
}

const nothingFoundBy = (pointer: string, detail: string) =>
  new Problem('invalid-request', 'No offer can be found by that.', { errors: [{ pointer, detail }] });

function ofProvider(app: App, room: Room): void {
  const { deps } = room;
  const { currency } = deps.config;

  app.get(
    '/v1/providers/:name/offers',
    {
      config: { may: 'providers.read' },
      schema: {
        operationId: 'listProviderOffers',
        tags,
        summary: 'What a provider sells',
        description: 'Also what is not sold yet, by name.',
        params: providerParams,
        querystring: z.strictObject(paging),
        response: { 200: answer('A page of offers.', page(offer, 'The offers.')) },
        problems: ['not-found'],
      },
    },
    async (request) => {
      const { name: provider } = await visibleProvider(room, request.actor, request.params.name);
      const { limit, cursor } = request.query;
      const wanted = {
        now: deps.clock.now(),
        accountingCurrency: currency,
        scope: { kind: 'all' },
        provider,
        sort: 'name',
        upcoming: true,
      } as const;
      const list = `offers-of:${provider}`;
      const found = await searchOffers(deps.store.db, wanted, readCursor(list, cursor, acceptMark), limit);
      return renderPage(list, found, markOf, (view) => renderOffer(view, currency));
    },
  );

  app.get(
    '/v1/providers/:name/offers/:offer',
    {
      config: { may: 'providers.read' },
      schema: {
        operationId: 'getOffer',
        tags,
        summary: 'Read an offer',
        params: offerParams,
        response: { 200: answer('The offer.', offer) },
        problems: ['not-found'],
      },
    },
    async (request, reply) => {
      const { name } = await visibleProvider(room, request.actor, request.params.name);
      const view = await findOffer(
        deps.store.db,
        { now: deps.clock.now(), accountingCurrency: currency },
        name,
        request.params.offer,
      );
      if (view === null) throw new Problem('not-found', 'There is no such offer.');
      reply.header('etag', etagOf(view.offer));
      return renderOffer(view, currency);
    },
  );
}

function changing(app: App, room: Room): void {
  const { deps } = room;

  app.put(
    '/v1/providers/:name/offers',
    {
      config: { may: 'providers.write' },
      bodyLimit: SET_LIMIT,
      schema: {
        operationId: 'replaceOffers',
        tags,
        summary: 'Replace what a provider sells',
        description:
          'What is missing is withdrawn: nothing new is placed there, what runs goes on. Offers keep their names and their use. All offers that name a pool say the same of it, and fit into it.',
        params: providerParams,
        body: offerSet,
        response: { 200: answer('What changed.', replaced) },
        problems: ['not-found', 'impossible-spec'],
      },
    },
    async (request) => {
      const { name } = await visibleProvider(room, request.actor, request.params.name);
      const { offers, pools } = toOfferSet(request.body);
      const change = await replaceOffers(deps, request.actor, name, offers, request.id, pools);
      const { added, updated, unchanged, withdrawn } = change;
      return { added: added.length, updated: updated.length, unchanged, withdrawn: withdrawn.length };
    },
  );

  app.patch(
    '/v1/providers/:name/offers/:offer',
    {
      config: { may: 'providers.write' },
      schema: {
        operationId: 'changeOffer',
        tags,
        summary: 'Change an offer',
        description:
          'Its capacity, its prices, or from when it is sold. What runs keeps its locked price; its pool stays as it is.',
        headers: changingHeaders,
        params: offerParams,
        body: offerPatch,
        response: { 200: answer('The offer, as it is now.', offer) },
        problems: ['not-found', 'precondition-failed', 'impossible-spec'],
      },
    },
    async (request, reply) => {
      const { name } = await visibleProvider(room, request.actor, request.params.name);
      const target = { provider: name, offer: request.params.offer };
      const view = await patchOffer(
        deps,
        request.actor,
        target,
        seenVersion(request),
        toPatch(request.body),
        request.id,
      );
      reply.header('etag', etagOf(view.offer));
      return renderOffer(view, deps.config.currency);
    },
  );
}
