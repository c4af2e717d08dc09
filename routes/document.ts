import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { tidy } from './openapi/tidy.ts';
import { INFO } from './openapi/info.ts';
import { addCommon, withEmptyAnswers } from './openapi/common.ts';
import { override } from './openapi/override.ts';
import type { App, Room } from './room.ts';

/** The document of the whole door at /openapi.json, and a page to read it on at /docs. */
export function documentRoutes(app: App, _room: Room): void {
  const zodToJsonConfig = { override, unrepresentable: 'any' } as const;
  const toJson = createJsonSchemaTransform({ zodToJsonConfig });
  const withComponents = createJsonSchemaTransformObject({ zodToJsonConfig });
  app.register(swagger, {
    openapi: INFO,
    transform: (route) => addCommon(toJson({ ...route, schema: withEmptyAnswers(route.schema) }), route),
    transformObject: (document) => tidy(withComponents(document)),
  });
  app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { docExpansion: 'list', deepLinking: true },
    staticCSP: true,
  });
  app.after(() => {
    app.get('/openapi.json', { config: { open: true }, schema: { hide: true } }, async (_, reply) => {
      reply.header('content-type', 'application/json; charset=utf-8');
      return app.swagger();
    });
  });
}
