import type { z } from 'zod';
import { tenantScope } from '../src/core/access.ts';
import { NO_RULES } from '../src/core/rules.ts';
import { Problem } from '../src/core/problem.ts';
import { putRules } from '../src/flows/putRules.ts';
import type { RulesOwner, StoredRules } from '../src/store/apply/rules.ts';
import { findOrganizationIn, findProjectIn } from '../src/store/read/people.ts';
import { answer } from './answers.ts';
import { changingHeaders, etagOf, seenVersion } from './etag.ts';
import type { App, Room } from './room.ts';
import { organizationParams, projectParams, rules, ruleSet } from './schemas/rules.ts';

const tags = ['Rules'];
/** A body of every list at its longest. */
const BODY_LIMIT = 512 * 1024;

interface Owner {
  readonly owner: RulesOwner;
  readonly id: 'Organization' | 'Project';
  readonly path: string;
  readonly params: typeof organizationParams;
  readonly find: typeof findOrganizationIn | typeof findProjectIn;
}
const OWNERS: readonly Owner[] = [
  {
    owner: 'organization',
    id: 'Organization',
    path: '/v1/organizations/:name/rules',
    params: organizationParams,
    find: findOrganizationIn,
  },
  {
    owner: 'project',
    id: 'Project',
    path: '/v1/projects/:name/rules',
    params: projectParams,
    find: findProjectIn,
  },
];

/** Where the work of an organization or a project may run: the same two doors for both. */
export function ruleRoutes(app: App, room: Room): void {
  for (const owner of OWNERS) {
    reading(app, room, owner);
    changing(app, room, owner);
  }
}

function reading(app: App, { deps }: Room, { owner, id, path, params, find }: Owner): void {
  app.get(
    path,
    {
      config: { may: 'rules.read' },
      schema: {
        operationId: `get${id}Rules`,
        tags,
        summary: `Read the rules of ${withArticle(owner)}`,
        description: 'Version 0 where none were ever set: then they forbid nothing.',
        params,
        response: { 200: answer('The rules.', rules) },
        problems: ['not-found'],
      },
    },
    async (request, reply) => {
      const row = await find(deps.store.db, tenantScope(request.actor), request.params.name);
      if (row === null) throw new Problem('not-found', `There is no such ${owner}.`);
      const body = renderRules(row);
      reply.header('etag', etagOf(body));
      return body;
    },
  );
}

function changing(app: App, room: Room, { owner, id, path, params }: Owner): void {
  app.put(
    path,
    {
      config: { may: 'rules.write' },
      bodyLimit: BODY_LIMIT,
      schema: {
        operationId: `put${id}Rules`,
        tags,
        summary: `Set the rules of ${withArticle(owner)}`,
        description:
          'The same words as in the `placement` of a job. What waits is judged by them from then on; what runs stays where it is.',
        headers: changingHeaders,
        params,
        body: ruleSet,
        response: { 200: answer('The rules, as they are now.', rules) },
        problems: ['not-found', 'precondition-failed', 'impossible-spec'],
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const of = { owner, name };
      const row = await putRules(
        room.deps,
        request.actor,
        of,
        seenVersion(request),
        request.body,
        request.id,
      );
      // The objective that its jobs inherit; an organization's projects are found to have another within a second.
      if (owner === 'project') room.projects.forget(name);
      const body = renderRules(row);
      reply.header('etag', etagOf(body));
      return body;
    },
  );
}

const withArticle = (owner: RulesOwner) => (owner === 'organization' ? 'an organization' : 'a project');

function renderRules({ rules: stored, rulesVersion, rulesUpdatedAt }: StoredRules) {
  return {
    // In our order, whatever the database's is.
    rules: { ...NO_RULES, preemptible: null, ...stored } as z.output<typeof ruleSet>,
    version: rulesVersion,
    updatedAt: rulesUpdatedAt?.toISOString() ?? null,
  };
}
