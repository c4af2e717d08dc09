import { z } from 'zod';
import { tenantScope } from '../src/core/access.ts';
import type { KeySpec } from '../src/core/key-spec.ts';
import { createKey, type MadeKey } from '../src/flows/createKey.ts';
import { createOrganization } from '../src/flows/createOrganization.ts';
import { createProject } from '../src/flows/createProject.ts';
import { revokeKey } from '../src/flows/revokeKey.ts';
import { listKeys, listOrganizations, listProjects } from '../src/store/read/people.ts';
import type { KeyRow } from '../src/store/store.ts';
import { answer } from './answers.ts';
import { askOf, creatingHeaders, sendCreated } from './creating.ts';
import { aName, readCursor, renderPage } from './cursor.ts';
import type { App, Room } from './room.ts';
import { page, paging } from './schemas/fields.ts';
import {
  key,
  keyParams,
  keyRequest,
  newKey,
  organization,
  organizationRequest,
  project,
  projectRequest,
} from './schemas/people.ts';

const tags = ['People'];

export function peopleRoutes(app: App, room: Room): void {
  organizationRoutes(app, room);
  projectRoutes(app, room);
  keyRoutes(app, room);
}

function organizationRoutes(app: App, { deps }: Room): void {
  const render = (row: { name: string; createdAt: Date }) => ({
    name: row.name,
    createdAt: row.createdAt.toISOString(),
  });

  app.post(
    '/v1/organizations',
    {
      config: { may: 'people.write' },
      schema: {
        operationId: 'createOrganization',
        tags,
        summary: 'Add an organization',
        headers: creatingHeaders,
        body: organizationRequest,
        response: { 201: answer('The organization.', organization) },
        problems: ['state-conflict', 'impossible-spec', 'request-in-progress', 'idempotency-mismatch'],
      },
    },
    async (request, reply) =>
      sendCreated(
        reply,
        await createOrganization(deps, request.actor, request.body, askOf(request, render)),
        null,
      ),
  );

  app.get(
    '/v1/organizations',
    {
      config: { may: 'people.read' },
      schema: {
        operationId: 'listOrganizations',
        tags,
        summary: 'List organizations',
        description: 'Those that the key may see, by name.',
        querystring: z.strictObject(paging),
        response: { 200: answer('A page of organizations.', page(organization, 'The organizations.')) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const after = readCursor('organizations', cursor, aName);
      const found = await listOrganizations(deps.store.db, tenantScope(request.actor), after, limit);
      return renderPage('organizations', found, (row) => [row.name], render);
    },
  );
}

function projectRoutes(app: App, { deps }: Room): void {
  const render = (row: { name: string; organization: string; createdAt: Date }) => ({
    name: row.name,
    organization: row.organization,
    createdAt: row.createdAt.toISOString(),
  });

  app.post(
    '/v1/projects',
    {
      config: { may: 'people.write' },
      schema: {
        operationId: 'createProject',
        tags,
        summary: 'Add a project',
        headers: creatingHeaders,
        body: projectRequest,
        response: { 201: answer('The project.', project) },
        problems: [
          'not-found',
          'state-conflict',
          'impossible-spec',
          'request-in-progress',
          'idempotency-mismatch',
        ],
      },
    },
    async (request, reply) =>
      sendCreated(
        reply,
        await createProject(deps, request.actor, request.body, askOf(request, render)),
        null,
      ),
  );

  app.get(
    '/v1/projects',
    {
      config: { may: 'people.read' },
      schema: {
        operationId: 'listProjects',
        tags,
        summary: 'List projects',
        description: 'Those that the key may see, by name.',
        querystring: z.strictObject(paging),
        response: { 200: answer('A page of projects.', page(project, 'The projects.')) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const after = readCursor('projects', cursor, aName);
      const found = await listProjects(deps.store.db, tenantScope(request.actor), after, limit);
      return renderPage('projects', found, (row) => [row.name], render);
    },
  );
}

function keyRoutes(app: App, { deps, auth }: Room): void {
  app.post(
    '/v1/keys',
    {
      config: { may: 'people.write' },
      schema: {
        operationId: 'createKey',
        tags,
        summary: 'Make a key',
        description:
          'The secret is in this answer, and in no other but its repetition by the same `Idempotency-Key`.',
        headers: creatingHeaders,
        body: keyRequest,
        response: { 201: answer('The key and its secret.', newKey) },
        problems: ['not-found', 'impossible-spec', 'request-in-progress', 'idempotency-mismatch'],
      },
    },
    async (request, reply) =>
      sendCreated(
        reply,
        await createKey(deps, request.actor, toSpec(request.body), askOf(request, renderNewKey)),
        null,
      ),
  );

  app.get(
    '/v1/keys',
    {
      config: { may: 'keys.read' },
      schema: {
        operationId: 'listKeys',
        tags,
        summary: 'List keys',
        description: 'Newest first, the revoked ones too; never a secret.',
        querystring: z.strictObject(paging),
        response: { 200: answer('A page of keys.', page(key, 'The keys.')) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const found = await listKeys(deps.store.db, readCursor('keys', cursor, aName), limit);
      return renderPage('keys', found, (row) => [row.id], renderKey);
    },
  );

  app.delete(
    '/v1/keys/:id',
    {
      config: { may: 'people.write' },
      schema: {
        operationId: 'revokeKey',
        tags,
        summary: 'Revoke a key',
        description:
          'It ends at once in this process, and within a second in every other. Again: nothing happens.',
        params: keyParams,
        response: { 204: { description: 'It is revoked.' } },
        problems: ['not-found', 'state-conflict'],
      },
    },
    async (request, reply) => {
      const { secretHash } = await revokeKey(deps, request.actor, request.params.id, request.id);
      auth.forget(secretHash);
      return reply.code(204).send();
    },
  );
}

function toSpec(body: z.output<typeof keyRequest>): KeySpec {
  const {
    role,
    projects = null,
    organization: of = null,
    vendor = null,
    provider = null,
    expiresAt,
    note = null,
  } = body;
  return {
    role,
    projects,
    organization: of,
    vendor,
    provider,
    note,
    expiresAt: expiresAt == null ? null : new Date(expiresAt),
  };
}

export function renderKey(row: KeyRow) {
  return {
    id: row.id,
    role: row.role,
    projects: row.projects,
    organization: row.organization,
    vendor: row.vendor,
    provider: row.provider,
    note: row.note,
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdBy,
    expiresAt: row.expiresAt?.toISOString() ?? null,
    revokedAt: row.revokedAt?.toISOString() ?? null,
  };
}

const renderNewKey = ({ row, secret }: MadeKey) => ({ ...renderKey(row), secret });
