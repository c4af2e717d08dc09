import { z } from 'zod';
import { parseMicros } from '../src/core/money.ts';
import { AMOUNT_PATTERN } from '../src/core/money.ts';
import { Problem } from '../src/core/problem.ts';
import { putRate } from '../src/flows/putRate.ts';
import { findRate, listRates } from '../src/store/read/rates.ts';
import { answer } from './answers.ts';
import { aName, readCursor, renderPage } from './cursor.ts';
import type { App, Room } from './room.ts';
import { page, paging } from './schemas/fields.ts';
import { rate, rateParams, rateRequest } from './schemas/rate.ts';
import { renderRate } from './views/offer.ts';

const tags = ['Exchange rates'];

export function rateRoutes(app: App, { deps }: Room): void {
  const accounting = deps.config.currency;

  app.put(
    '/v1/exchange-rates/:currency',
    {
      config: { may: 'rates.write' },
      schema: {
        operationId: 'putExchangeRate',
        tags,
        summary: 'Set an exchange rate',
        description:
          'Dated: the newest one that is not in the future counts for what is placed from then on; what runs keeps the rate that it was placed at.',
        params: rateParams,
        body: rateRequest,
        response: { 200: answer('The rate.', rate) },
        problems: ['impossible-spec'],
      },
    },
    async (request) => {
      const { asOf } = request.body;
      const wanted = {
        currency: request.params.currency,
        rateMicros: toMicros(request.body.rate),
        asOf: asOf == null ? null : new Date(asOf),
      };
      return renderRate(await putRate(deps, request.actor, wanted, request.id), accounting);
    },
  );

  app.get(
    '/v1/exchange-rates',
    {
      config: { may: 'rates.read' },
      schema: {
        operationId: 'listExchangeRates',
        tags,
        summary: 'List exchange rates',
        description: 'The one that counts now for each currency, by currency.',
        querystring: z.strictObject(paging),
        response: { 200: answer('A page of rates.', page(rate, 'The rates.')) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const found = await listRates(
        deps.store.db,
        deps.clock.now(),
        readCursor('rates', cursor, aName),
        limit,
      );
      return renderPage(
        'rates',
        found,
        (row) => [row.currency],
        (row) => renderRate(row, accounting),
      );
    },
  );

  app.get(
    '/v1/exchange-rates/:currency',
    {
      config: { may: 'rates.read' },
      schema: {
        operationId: 'getExchangeRate',
        tags,
        summary: 'Read an exchange rate',
        params: rateParams,
        response: { 200: answer('The rate that counts now.', rate) },
        problems: ['not-found'],
      },
    },
    async (request) => {
      const row = await findRate(deps.store.db, request.params.currency, deps.clock.now());
      if (row === null) throw new Problem('not-found', 'This currency has no exchange rate.');
      return renderRate(row, accounting);
    },
  );
}

/** A JSON number is taken where it is a decimal of six digits after the point, as it is written. */
function toMicros(written: string | number): bigint {
  const text = String(written);
  if (AMOUNT_PATTERN.test(text)) return parseMicros(text);
  const errors = [{ pointer: '/rate', detail: 'At most 6 digits after the point; write it as a string.' }];
  throw new Problem('invalid-request', 'The rate is no decimal of six digits.', { errors });
}
