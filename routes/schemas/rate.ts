import { z } from 'zod';
import { amount, currency, field, time, utcTime } from './fields.ts';

export const rateRequest = z
  .strictObject({
    rate: field(
      z.union([amount(), z.number().positive().max(1e12)]),
      'Price of one unit of the currency in the accounting currency, at most 6 digits after the point.',
      '1386.5',
    ),
    asOf: field(time().nullish(), 'From when it counts, RFC 3339; absent: from now.', '2026-11-22T00:00:00Z'),
  })
  .meta({ id: 'RateRequest', description: 'An exchange rate.' });

export const rate = z
  .object({
    currency: field(z.string(), 'ISO 4217.', 'USD'),
    accountingCurrency: field(z.string(), 'ISO 4217; of the installation.', 'KRW'),
    rate: field(z.string(), 'Price of one unit of the currency in the accounting currency.', '1386.5'),
    asOf: field(utcTime(), 'From when it counts, RFC 3339.', '2026-11-22T00:00:00.000Z'),
  })
  .meta({ id: 'Rate', description: 'An exchange rate.' });

export const rateParams = z.object({ currency: field(currency(), 'ISO 4217.', 'USD') });
