import { tenantScope } from '../src/core/access.ts';
import { standingReadiness, within } from '../src/flows/readiness.ts';
import { toPage } from '../src/store/read/page.ts';
import { answer } from './answers.ts';
import { aName, readCursor, renderPage } from './cursor.ts';
import { shownTo } from './language.ts';
import type { App, Room } from './room.ts';
import { readinessPage, readinessQuery } from './schemas/readiness.ts';
import { renderReadiness, renderSummary } from './views/readiness.ts';

export function readinessRoutes(app: App, { deps }: Room): void {
  app.get(
    '/v1/readiness',
    {
      config: { may: 'jobs.read' },
      schema: {
        operationId: 'getReadiness',
        tags: ['Drills'],
        summary: 'What the loss of a provider would mean',
        description:
          'For every job that runs: where it would go if its provider fell silent now, how fast, at what price, or why nowhere. Each provider is lost by itself, with all of its jobs at once: two never count on the same last place. It is what placement would decide with what is free now; jobs that wait already, and what others do meanwhile, are not foreseen. Newest job first.',
        querystring: readinessQuery,
        response: { 200: answer('A page of jobs, and a summary of all of them.', readinessPage) },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query;
      const shown = shownTo(request, deps);
      const before = readCursor('readiness', cursor, aName);
      const { items, asOf } = await standingReadiness(deps);
      const seen = within(items, tenantScope(request.actor), filter);
      const rest = before === null ? seen : seen.filter(({ jobId }) => jobId < before);
      const body = renderPage(
        'readiness',
        toPage(rest, limit),
        ({ jobId }) => [jobId],
        (one) => renderReadiness(one, shown),
      );
      return { ...body, summary: renderSummary(seen), asOf: asOf.toISOString() };
    },
  );
}
