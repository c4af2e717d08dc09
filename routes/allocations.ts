import { z } from 'zod';
import { listAllocations, listProviderAllocations } from '../src/store/read/allocations.ts';
import { answer } from './answers.ts';
import { aName, readCursor, renderPage } from './cursor.ts';
import { visibleJob } from './jobs.ts';
import { visibleProvider } from './providers.ts';
import type { App, Room } from './room.ts';
import { page, paging } from './schemas/fields.ts';
import { allocation, jobParams } from './schemas/job.ts';
import { providerParams } from './schemas/provider.ts';
import { renderAllocation, renderVendorAllocation } from './views/job.ts';

const vendorAllocation = allocation.omit({ endDetail: true, restoredCheckpoint: true }).meta({
  id: 'ProviderAllocation',
  description: 'One attempt at one provider, as its vendor may see it: nothing of the tenant.',
});

export function allocationRoutes(app: App, room: Room): void {
  const { deps } = room;
  const { currency } = deps.config;

  app.get(
    '/v1/jobs/:id/allocations',
    {
      config: { may: 'jobs.read' },
      schema: {
        operationId: 'listJobAllocations',
        tags: ['Jobs'],
        summary: 'Every attempt of a job',
        description: 'Newest first.',
        params: jobParams,
        querystring: z.strictObject(paging),
        response: { 200: answer('A page of attempts.', page(allocation, 'The attempts.')) },
        problems: ['not-found'],
      },
    },
    async (request) => {
      const { id } = await visibleJob(room, request.actor, request.params.id);
      const { limit, cursor } = request.query;
      const found = await listAllocations(
        deps.store.db,
        id,
        readCursor(`allocations:${id}`, cursor, aName),
        limit,
      );
      return renderPage(
        `allocations:${id}`,
        found,
        (row) => [row.id],
        (row) => renderAllocation(row, currency),
      );
    },
  );

  app.get(
    '/v1/providers/:name/allocations',
    {
      config: { may: 'providers.read' },
      schema: {
        operationId: 'listProviderAllocations',
        tags: ['Providers'],
        summary: 'What ran at a provider',
        description: 'Newest first; nothing of the tenants whose jobs they were.',
        params: providerParams,
        querystring: z.strictObject(paging),
        response: { 200: answer('A page of attempts.', page(vendorAllocation, 'The attempts.')) },
        problems: ['not-found'],
      },
    },
    async (request) => {
      const { name } = await visibleProvider(room, request.actor, request.params.name);
      const { limit, cursor } = request.query;
      const list = `provider-allocations:${name}`;
      const found = await listProviderAllocations(
        deps.store.db,
        name,
        readCursor(list, cursor, aName),
        limit,
      );
      return renderPage(
        list,
        found,
        (row) => [row.id],
        (row) => renderVendorAllocation(row, currency),
      );
    },
  );
}
