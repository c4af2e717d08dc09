import { z } from 'zod';
import { Problem } from '../src/core/problem.ts';
import { cancelDrill, confirmDrill } from '../src/flows/controlDrill.ts';
import { createDrill } from '../src/flows/createDrill.ts';
import { findDrill, listDrills, readProgress, type DrillRow } from '../src/store/read/drills.ts';
import { readSides, readVerifications } from '../src/store/read/verifications.ts';
import { answer } from './answers.ts';
import { askOf, creatingHeaders, sendCreated } from './creating.ts';
import { aName, readCursor, renderPage } from './cursor.ts';
import { visibleProvider } from './providers.ts';
import type { App, Room } from './room.ts';
import {
  drill,
  drillParams,
  drillQuery,
  drillRequest,
  toDrillSpec,
  verificationList,
} from './schemas/drill.ts';
import { page, paging } from './schemas/fields.ts';
import { providerParams } from './schemas/provider.ts';
import { renderDrill, renderVerifications } from './views/drill.ts';

const tags = ['Drills'];
const nothing = z
  .strictObject({})
  .nullish()
  .meta({ description: 'Nothing.', examples: [{}] });

/** Planned failovers, and what they proved. */
export function drillRoutes(app: App, room: Room): void {
  planning(app, room);
  reading(app, room);
  controlling(app, room);
  proving(app, room);
}

function planning(app: App, { deps }: Room): void {
  app.post(
    '/v1/drills',
    {
      config: { may: 'drills.write' },
      schema: {
        operationId: 'createDrill',
        tags,
        summary: 'Plan a drill',
        description:
          '`full` waits, with its plan, until it is confirmed; the others begin at once. One drill at a time for each provider.',
        headers: creatingHeaders,
        body: drillRequest,
        response: { 202: answer('The drill.', drill) },
        problems: [
          'not-found',
          'state-conflict',
          'impossible-spec',
          'not-yet-supported',
          'request-in-progress',
          'idempotency-mismatch',
        ],
      },
    },
    async (request, reply) => {
      const { body } = request;
      const ask = askOf(request, (row: DrillRow) => renderDrill(row));
      const made = await createDrill(deps, request.actor, toDrillSpec(body), body.confirm, ask);
      const shown = sendCreated(reply, made, `/v1/drills/${made.body.id}`);
      reply.code(202);
      return shown;
    },
  );
}

function reading(app: App, room: Room): void {
  const { deps } = room;
  app.get(
    '/v1/drills',
    {
      config: { may: 'drills.read' },
      schema: {
        operationId: 'listDrills',
        tags,
        summary: 'List drills',
        description: 'Newest first, without their plans and progress.',
        querystring: z.strictObject({ ...drillQuery, ...paging }),
        response: { 200: answer('A page of drills.', page(drill, 'The drills.')) },
      },
    },
    async (request) => {
      const { limit, cursor, state } = request.query;
      const found = await listDrills(deps.store.db, state, readCursor('drills', cursor, aName), limit);
      return renderPage(
        'drills',
        found,
        (row) => [row.id],
        (row) => renderDrill({ ...row, plan: null }),
      );
    },
  );

  app.get(
    '/v1/drills/:id',
    {
      config: { may: 'drills.read' },
      schema: {
        operationId: 'getDrill',
        tags,
        summary: 'Read a drill',
        params: drillParams,
        response: { 200: answer('The drill.', drill) },
        problems: ['not-found'],
      },
    },
    async (request) => show(room, await knownDrill(room, request.params.id)),
  );
}

const CONTROLS = [
  {
    verb: 'confirm',
    run: confirmDrill,
    operationId: 'confirmDrill',
    summary: 'Let a planned drill begin',
    description: 'Its plan is made anew when it begins. Who planned it may confirm it; the report says so.',
  },
  {
    verb: 'cancel',
    run: cancelDrill,
    operationId: 'cancelDrill',
    summary: 'End a drill',
    description:
      'What is cut off is heard again at once; what has moved stays where it is. Ends its series. Again: nothing happens.',
  },
] as const;

function controlling(app: App, room: Room): void {
  for (const { verb, run, ...said } of CONTROLS) {
    app.post(
      `/v1/drills/:id/${verb}`,
      {
        config: { may: 'drills.write' },
        schema: {
          ...said,
          tags,
          params: drillParams,
          body: nothing,
          response: { 202: answer('The drill, as it is now.', drill) },
          problems: ['not-found', 'state-conflict'],
        },
      },
      async (request, reply) => {
        const row = await run(room.deps, request.actor, request.params.id, request.id);
        reply.code(202);
        return show(room, row);
      },
    );
  }
}

function proving(app: App, room: Room): void {
  const { deps } = room;
  app.get(
    '/v1/providers/:name/verifications',
    {
      config: { may: 'providers.read' },
      schema: {
        operationId: 'listVerifications',
        tags,
        summary: 'What drills proved of a provider',
        description:
          'A verification lapses with time, with a certificate, when a provider is given up (but for drills), and when the major version of an agent changes.',
        params: providerParams,
        response: { 200: answer('What was proved, and whether it still holds.', verificationList) },
        problems: ['not-found'],
      },
    },
    async (request) => {
      const { name } = await visibleProvider(room, request.actor, request.params.name);
      const all = await readVerifications(deps.store.db, name);
      return renderVerifications(name, all, await readSides(deps.store.db, all), deps.clock.now());
    },
  );
}

/** Throws not-found. */
export async function knownDrill({ deps }: Room, id: string): Promise<DrillRow> {
  const row = await findDrill(deps.store.db, id);
  if (row === null) throw new Problem('not-found', 'There is no such drill.');
  return row;
}

async function show({ deps }: Room, row: DrillRow) {
  return renderDrill(row, await readProgress(deps.store.db, row.id));
}
