import { z } from 'zod';
import { importCatalog } from '../src/flows/importCatalog.ts';
import { answer } from './answers.ts';
import { askOf, creatingHeaders, sendCreated } from './creating.ts';
import { visibleProvider } from './providers.ts';
import type { App, Room } from './room.ts';
import { imported, importQuery } from './schemas/catalog.ts';
import { providerParams } from './schemas/provider.ts';
import { renderImport } from './views/offer.ts';

const tags = ['Offers'];
const MIB = 1024 * 1024;
const CATALOG_LIMIT = 16 * MIB;

/** A price list as it is published. To be registered in a scope of its own: its body is CSV and nothing else. */
export function offerImportRoutes(app: App, room: Room): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('text/csv', { parseAs: 'string', bodyLimit: CATALOG_LIMIT }, (_, body, done) =>
    done(null, body),
  );

  app.post(
    '/v1/providers/:name/offers/import',
    {
      config: { may: 'providers.write' },
      bodyLimit: CATALOG_LIMIT,
      schema: {
        operationId: 'importOffers',
        tags,
        summary: 'Import a catalog',
        description:
          'Makes a public price list all that a provider sells: at most 16 MiB. Names are made of what identifies the machine, so the same file twice changes nothing. Offers that were there keep their capacity.',
        headers: creatingHeaders,
        consumes: ['text/csv'],
        params: providerParams,
        querystring: importQuery,
        body: z
          .string()
          .min(1)
          .meta({
            description: 'The catalog: CSV with a header line.',
            examples: [
              'InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,Price,SpotPrice,Region\nh100x8,H100,8,96,1024,19.6,9.8,kr-central\n',
            ],
          }),
        response: { 200: answer('What changed.', imported) },
        problems: ['not-found', 'request-in-progress', 'idempotency-mismatch'],
      },
    },
    async (request, reply) => {
      const { name } = await visibleProvider(room, request.actor, request.params.name);
      const input = { csv: request.body, capacity: request.query.capacity };
      const body = sendCreated(
        reply,
        await importCatalog(room.deps, request.actor, name, input, askOf(request, renderImport)),
        null,
      );
      reply.code(200);
      return body;
    },
  );
}
