import { z } from 'zod';
import { recordVendorStatus } from '../src/flows/vendorStatus.ts';
import { listHealth } from '../src/store/read/providers.ts';
import { answer } from './answers.ts';
import { askOf, creatingHeaders, sendCreated } from './creating.ts';
import { aSeq, readCursor, renderPage } from './cursor.ts';
import { visibleProvider } from './providers.ts';
import type { App, Room } from './room.ts';
import { page, paging } from './schemas/fields.ts';
import { healthRecord, statusRequest, vendorStatus } from './schemas/health.ts';
import { providerParams } from './schemas/provider.ts';
import { renderHealth, renderWord } from './views/provider.ts';

const tags = ['Providers'];

/** How a provider has been, by our verdict and by its vendor's own word. */
export function providerHealthRoutes(app: App, room: Room): void {
  const { deps } = room;

  app.post(
    '/v1/providers/:name/status',
    {
      config: { may: 'providers.write' },
      schema: {
        operationId: 'sayProviderStatus',
        tags,
        summary: "Give the vendor's own word",
        description: 'It stands beside our verdict, in the history of its health, and does not replace it.',
        headers: creatingHeaders,
        params: providerParams,
        body: statusRequest,
        response: { 201: answer('The word, as it was recorded.', vendorStatus) },
        problems: ['not-found', 'impossible-spec', 'request-in-progress', 'idempotency-mismatch'],
      },
    },
    async (request, reply) => {
      const { name } = await visibleProvider(room, request.actor, request.params.name);
      const { level, from, until, note } = request.body;
      const word = {
        level,
        note,
        from: from == null ? null : new Date(from),
        until: until == null ? null : new Date(until),
      };
      return sendCreated(
        reply,
        await recordVendorStatus(deps, request.actor, name, word, askOf(request, renderWord)),
        null,
      );
    },
  );

  app.get(
    '/v1/providers/:name/health',
    {
      config: { may: 'providers.read' },
      schema: {
        operationId: 'listProviderHealth',
        tags,
        summary: 'How a provider has been',
        description:
          'Every change of our verdict over it or a part of it, with what it was made from, and every word of the vendor; newest first.',
        params: providerParams,
        querystring: z.strictObject(paging),
        response: { 200: answer('A page of its history.', page(healthRecord, 'The records.')) },
        problems: ['not-found'],
      },
    },
    async (request) => {
      const { name } = await visibleProvider(room, request.actor, request.params.name);
      const { limit, cursor } = request.query;
      const list = `health:${name}`;
      const found = await listHealth(deps.store.db, name, readCursor(list, cursor, aSeq), limit);
      return renderPage(list, found, (row) => [row.seq], renderHealth);
    },
  );
}
