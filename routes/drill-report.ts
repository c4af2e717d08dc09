import { z } from 'zod';
import { languageOf } from '../src/core/messages.ts';
import { Problem } from '../src/core/problem.ts';
import { readPublicKeys } from '../src/store/read/signingKeys.ts';
import { answer } from './answers.ts';
import { drillPage } from './pages/drill-report.ts';
import { knownDrill } from './drills.ts';
import type { App, Room } from './room.ts';
import { drillParams } from './schemas/drill.ts';
import { drillReport } from './schemas/drill-report.ts';
import { jwks } from './schemas/jwks.ts';

const html = z.string().meta({ description: 'A page that prints.', examples: ['<!doctype html>…'] });

/** The report of a drill, and the keys that it is signed with. */
export function drillReportRoutes(app: App, room: Room): void {
  const { deps } = room;
  app.get(
    '/v1/drills/:id/report',
    {
      config: { may: 'drills.read' },
      schema: {
        operationId: 'getDrillReport',
        tags: ['Drills'],
        summary: 'What a drill showed',
        description:
          'As JSON, signed; or, for `Accept: text/html`, as a page to read and print, in English or Korean by `Accept-Language`. 409 until the drill is over, and for one that never began.',
        params: drillParams,
        response: {
          200: {
            description: 'The report and its evidence.',
            content: { 'application/json': { schema: drillReport }, 'text/html': { schema: html } },
          },
        },
        problems: ['not-found', 'state-conflict'],
      },
    },
    async (request, reply) => {
      const { report, evidence, state } = await knownDrill(room, request.params.id);
      if (report === null || evidence === null)
        throw new Problem('state-conflict', `There is no report: the drill is ${state}.`);
      reply.header('vary', 'accept, accept-language');
      if (!prefersHtml(request.headers.accept)) return { report, evidence } as never;
      const language = languageOf(request.headers['accept-language']);
      reply
        .header('content-language', language)
        .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
        .type('text/html; charset=utf-8')
        .serializer((page: string) => page);
      return drillPage(report, evidence, language);
    },
  );

  app.get(
    '/.well-known/jwks.json',
    {
      config: { open: true },
      schema: {
        operationId: 'jwks',
        tags: ['Operations'],
        summary: 'The keys that reports are signed with',
        description:
          'Empty until the first report. Keys are never taken away, so that old reports can be verified.',
        response: { 200: answer('The public keys.', jwks) },
      },
    },
    async () => {
      const keys = await readPublicKeys(deps.store.db);
      const rest = { kty: 'OKP', crv: 'Ed25519', use: 'sig', alg: 'EdDSA' } as const;
      return { keys: keys.map(({ kid, x }) => ({ ...rest, x, kid })) };
    },
  );
}

/** Browsers name text/html first; programs name JSON, anything or nothing. */
function prefersHtml(accept: string | undefined): boolean {
  const types = (accept ?? '').split(',').map((range) => range.split(';')[0]?.trim());
  const page = types.indexOf('text/html');
  const json = types.indexOf('application/json');
  return page >= 0 && (json < 0 || page < json);
}
