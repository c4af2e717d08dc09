import { tenantScope } from '../src/core/access.ts';
import { listNonCompliant } from '../src/flows/compliance.ts';
import { answer } from './answers.ts';
import { aName, readCursor, renderPage } from './cursor.ts';
import type { App, Room } from './room.ts';
import { compliance, complianceQuery } from './schemas/decision.ts';
import { page } from './schemas/fields.ts';

export function complianceRoutes(app: App, { deps }: Room): void {
  app.get(
    '/v1/compliance',
    {
      config: { may: 'jobs.read' },
      schema: {
        operationId: 'listNonCompliant',
        tags: ['Rules'],
        summary: 'What runs against the rules by now',
        description:
          'Jobs that have a place which their organization’s, their project’s or their own rules would not allow any more: a rule was changed, a certificate ran out, a policy has another row. Nothing is stopped for it by itself; the next placement keeps the rules, and an operator may move the job. Newest first.',
        querystring: complianceQuery,
        response: { 200: answer('A page of such jobs.', page(compliance, 'The jobs.')) },
      },
    },
    async (request) => {
      const { limit, cursor, project, organization } = request.query;
      const before = readCursor('compliance', cursor, aName);
      const found = await listNonCompliant(
        deps,
        tenantScope(request.actor),
        { project, organization },
        before,
        limit,
      );
      return renderPage(
        'compliance',
        found,
        ({ jobId }) => [jobId],
        ({ since, breaches, ...one }) => ({ ...one, since: since.toISOString(), breaches: [...breaches] }),
      );
    },
  );
}
