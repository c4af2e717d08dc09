import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Problem } from '../src/core/problem.ts';
import type { Deps } from '../src/deps.ts';
import {
  beginCheckpoint,
  finishCheckpoint,
  openCheckpoint,
  placeOfCheckpoint,
  receiveCheckpoint,
} from '../src/flows/checkpoint.ts';
import { appendLog } from '../src/flows/logs.ts';
import { syncAgent } from '../src/flows/sync.ts';
import { answer } from './answers.ts';
import type { App } from './room.ts';
import { allocationParams, logQuery, syncRequest, syncResponse } from './schemas/agent.ts';
import { begun, checkpointParams, completed, completion, found } from './schemas/agent-checkpoints.ts';

const tags = ['Agents'];
const MIB = 2 ** 20;
/** Thousands of allocations in one report. */
const SYNC_LIMIT = 16 * MIB;
const LOG_LIMIT = MIB;
/** Bytes of checkpoints are never held: what bounds them is the disk. */
const CONTENT_LIMIT = 2 ** 46;
const TAR = 'application/x-tar';
const octets = z.string().meta({ description: 'A tar archive.', format: 'binary', examples: ['…'] });

/** The door of vendors' agents. To be registered in a scope of its own: its bodies are not all JSON. */
export function agentRoutes(app: App, deps: Deps, stopping: AbortSignal): void {
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
  app.addContentTypeParser(TAR, (_request, payload, done) => done(null, payload));
  conversation(app, deps, stopping);
  output(app, deps);
  saving(app, deps);
  restoring(app, deps);
}

function conversation(app: App, deps: Deps, stopping: AbortSignal): void {
  app.post(
    '/v1/agent/sync',
    {
      config: { may: 'agent' },
      bodyLimit: SYNC_LIMIT,
      schema: {
        operationId: 'syncAgent',
        tags,
        summary: 'Say what is here, hear what is to be done',
        description:
          'Held up to a second while there is nothing new. The one call by which an agent lives: it renews the leases of its work.',
        body: syncRequest,
        response: { 200: answer('The orders.', syncResponse) },
        problems: ['not-found', 'state-conflict'],
      },
    },
    async (request, reply) => {
      return (await syncAgent(
        deps,
        providerOf(request),
        request.body,
        AbortSignal.any([goneSignal(reply), stopping]),
      )) as never;
    },
  );
}

function output(app: App, deps: Deps): void {
  app.post(
    '/v1/agent/allocations/:id/logs',
    {
      config: { may: 'agent' },
      bodyLimit: LOG_LIMIT,
      schema: {
        operationId: 'appendLogs',
        tags,
        summary: "Send a piece of a job's output",
        description:
          'Body: `application/octet-stream`, at most 1 MiB, which begins at byte `startByte` of the output. The same bytes again are stored once; a gap is shown to readers as a cut.',
        params: allocationParams,
        querystring: logQuery,
        response: { 204: { description: 'It is stored.' } },
        problems: ['not-found'],
      },
    },
    async (request, reply) => {
      if (!Buffer.isBuffer(request.body))
        throw new Problem('unsupported-media-type', 'The body must be application/octet-stream.');
      await appendLog(deps, providerOf(request), request.params.id, request.query.startByte, request.body);
      return reply.code(204).send();
    },
  );
}

function saving(app: App, deps: Deps): void {
  app.post(
    '/v1/agent/allocations/:id/checkpoints',
    {
      config: { may: 'agent' },
      schema: {
        operationId: 'beginCheckpoint',
        tags,
        summary: 'Ask for a place to save a checkpoint',
        params: allocationParams,
        body: z.strictObject({}).nullish(),
        response: { 201: answer('Where to put it.', begun) },
        problems: ['not-found', 'state-conflict'],
      },
    },
    async (request, reply) => {
      reply.code(201);
      return beginCheckpoint(deps, providerOf(request), request.params.id);
    },
  );

  app.put(
    '/v1/agent/checkpoints/:id/content',
    {
      config: { may: 'agent' },
      bodyLimit: CONTENT_LIMIT,
      schema: {
        operationId: 'putCheckpoint',
        tags,
        summary: 'Send the bytes of a checkpoint',
        description:
          "Body: `application/x-tar`, streamed. Only where checkpoints are kept on the service's own disk.",
        params: checkpointParams,
        response: { 204: { description: 'They are received; the checkpoint counts once it is completed.' } },
        problems: ['not-found', 'state-conflict', 'unavailable'],
      },
    },
    async (request, reply) => {
      const body = request.body as Readable | undefined;
      if (typeof body?.pipe !== 'function')
        throw new Problem('unsupported-media-type', `The body must be ${TAR}.`);
      await receiveCheckpoint(deps, providerOf(request), request.params.id, body);
      return reply.code(204).send();
    },
  );

  app.post(
    '/v1/agent/checkpoints/:id/complete',
    {
      config: { may: 'agent' },
      schema: {
        operationId: 'completeCheckpoint',
        tags,
        summary: 'Make a checkpoint count',
        description:
          "Only while its allocation is the job's current one (409 else, for good). 412: what is stored is not what was sent; send it again.",
        params: checkpointParams,
        body: completion,
        response: { 200: answer('It counts.', completed) },
        problems: ['not-found', 'state-conflict', 'precondition-failed'],
      },
    },
    async (request) => {
      const { id } = request.params;
      await finishCheckpoint(deps, providerOf(request), id, request.body);
      return { id };
    },
  );
}

function restoring(app: App, deps: Deps): void {
  app.get(
    '/v1/agent/checkpoints/:id',
    {
      config: { may: 'agent' },
      schema: {
        operationId: 'locateCheckpoint',
        tags,
        summary: 'Ask where a checkpoint is',
        description: 'Only for an agent with a live allocation that may start from it.',
        params: checkpointParams,
        response: { 200: answer('Where to get it.', found) },
        problems: ['not-found'],
      },
    },
    (request) => placeOfCheckpoint(deps, providerOf(request), request.params.id),
  );

  app.get(
    '/v1/agent/checkpoints/:id/content',
    {
      config: { may: 'agent' },
      schema: {
        operationId: 'getCheckpoint',
        tags,
        summary: 'Read the bytes of a checkpoint',
        description:
          "Only where checkpoints are kept on the service's own disk, and under the same condition.",
        params: checkpointParams,
        response: { 200: { description: 'The archive.', content: { [TAR]: { schema: octets } } } },
        problems: ['not-found'],
      },
    },
    async (request, reply) => {
      const { row, body } = await openCheckpoint(deps, providerOf(request), request.params.id);
      reply
        .header('content-type', TAR)
        .header('content-length', String(row.sizeBytes))
        .header('etag', `"${row.sha256}"`);
      return reply.send(body as never) as never;
    },
  );
}

/** An agent's key names the one provider that it serves; nothing else is taken from the caller. */
function providerOf(request: FastifyRequest): string {
  const { provider } = request.actor;
  if (provider === null) throw new Problem('forbidden', 'Only the key of an agent opens this door.');
  return provider;
}

function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}
