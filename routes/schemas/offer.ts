import { z } from 'zod';
import { FORM_FACTORS } from '../../src/core/gpu.ts';
import { REALMS } from '../../src/core/provider.ts';
import {
  amount,
  country,
  field,
  money,
  paging,
  queryBoolean,
  queryInteger,
  safeLine,
  slug,
  time,
  utcTime,
  vendorName,
  version,
} from './fields.ts';

const gpuFields = (model: z.ZodString | z.ZodType<string>) => ({
  model: field(model, 'Model; any spelling goes in, one name comes out.', 'H100'),
  count: field(z.int().min(0).max(1024), 'GPUs of one whole offer.', 8),
  memoryGiB: field(
    z.number().min(0).max(10_000).optional(),
    'Memory of one GPU, GiB; absent: as the model has.',
    80,
  ),
  formFactor: field(
    z.enum(FORM_FACTORS).nullish(),
    'How the cards are built in; absent: what the spelling of the model says, if anything.',
    'SXM',
  ),
});

const totals = {
  name: field(vendorName(), "Unique among the provider's pools.", 'host-4'),
  gpus: field(z.int().min(0).max(1_000_000), 'GPUs in all.', 8),
};
const poolTerms = z
  .strictObject({
    ...totals,
    cpus: field(
      z.number().min(0).max(100_000_000).nullish(),
      'CPU cores in all; absent: they are not the limit.',
      96,
    ),
    memoryGiB: field(
      z.number().min(0).max(1_000_000_000).nullish(),
      'Main memory in all, GiB; absent: it is not the limit.',
      1024,
    ),
  })
  .meta({
    id: 'PoolRequest',
    description:
      'What several offers draw on together: a host, a quota. Every offer that names it says the same of it. A job takes its GPUs, and its own CPU and memory where it asks for any, else those of the offer.',
  });

export const offerTerms = z
  .strictObject({
    name: field(vendorName(), "Unique among the provider's offers.", 'h100x8'),
    region: field(vendorName(), "The vendor's name for the region.", 'kr-central'),
    gpu: z
      .strictObject(gpuFields(safeLine(64)))
      .nullish()
      .meta({ description: 'Its GPUs; absent, null or a count of 0: a machine without.' }),
    cpus: field(z.number().min(0).max(100_000), 'CPU cores.', 96),
    memoryGiB: field(z.number().min(0).max(1_000_000), 'Main memory, GiB.', 1024),
    capacity: field(z.int().min(0).max(1_000_000), 'How many of it can be had, in whole offers.', 4),
    pool: poolTerms
      .nullish()
      .meta({ description: 'What it draws on together with other offers; absent: it stands for itself.' }),
    price: money
      .nullish()
      .meta({ description: 'Of one whole offer per hour, on demand; absent: sold as spot only.' }),
    spotPrice: money
      .nullish()
      .meta({ description: 'Of one whole offer per hour as spot; absent: not sold so.' }),
    effectiveFrom: field(
      time().nullish(),
      'From when it is sold, RFC 3339; absent: from now.',
      '2026-12-01T00:00:00Z',
    ),
  })
  .meta({ id: 'OfferRequest', description: 'Capacity that can be bought.' });

export const offerSet = z
  .array(offerTerms)
  .max(20_000)
  .meta({ description: 'All that the provider sells from now on.' });

export const offerPatch = z
  .strictObject({
    capacity: field(
      z.int().min(0).max(1_000_000).optional(),
      'In whole offers; may be below what is in use.',
      2,
    ),
    price: money.nullish().meta({ description: 'Of one whole offer per hour; null: spot only.' }),
    spotPrice: money.nullish().meta({ description: 'As spot; null: not sold so.' }),
    effectiveFrom: field(
      time().nullish(),
      'From when it is sold, RFC 3339; null: from now.',
      '2026-12-01T00:00:00Z',
    ),
  })
  .meta({
    id: 'OfferPatch',
    description: 'What is to be different; absent fields stay. What runs keeps its locked price.',
  });

export const offer = z
  .object({
    provider: field(z.string(), 'Whose it is.', 'pangyo'),
    name: field(z.string(), "Unique among the provider's offers.", 'h100x8'),
    region: field(z.string(), "The vendor's name for the region.", 'kr-central'),
    country: field(z.string(), "Of the provider's site, ISO 3166-1 alpha-2.", 'KR'),
    gpu: z
      .object({
        model: field(z.string(), 'Canonical model.', 'H100'),
        count: field(z.int(), 'GPUs of one whole offer.', 8),
        memoryGiB: field(z.number(), 'Memory of one GPU, GiB; 0: not known.', 80),
        formFactor: field(
          z.enum(FORM_FACTORS).nullable(),
          'How the cards are built in; null: the vendor does not say.',
          'SXM',
        ),
      })
      .nullable()
      .meta({ description: 'Its GPUs; null: a machine without.' }),
    cpus: field(z.number(), 'CPU cores; 0: not known.', 96),
    memoryGiB: field(z.number(), 'Main memory, GiB; 0: not known.', 1024),
    capacity: field(z.int(), 'How many of it there are, in whole offers.', 4),
    used: field(z.int(), 'Of them in use.', 1),
    pool: z
      .object({
        ...totals,
        cpus: field(z.number().nullable(), 'CPU cores in all; null: they are not the limit.', 96),
        memoryGiB: field(z.number().nullable(), 'Main memory in all, GiB; null: it is not the limit.', 1024),
        used: z
          .object({
            gpus: field(z.int(), 'GPUs in use.', 4),
            cpus: field(z.number(), 'CPU cores in use.', 32),
            memoryGiB: field(z.number(), 'Main memory in use, GiB.', 256),
          })
          .meta({ description: 'What is in use of it, by all offers together.' }),
      })
      .nullable()
      .meta({ description: 'What it draws on together with other offers; null: it stands for itself.' }),
    price: money.nullable().meta({ description: 'Of one whole offer per hour, on demand; null: spot only.' }),
    spotPrice: money.nullable().meta({ description: 'The same as spot; null: not sold so.' }),
    accountingPrice: money
      .nullable()
      .meta({ description: '`price` in the accounting currency; null: none, or no exchange rate.' }),
    accountingSpotPrice: money
      .nullable()
      .meta({ description: '`spotPrice` in the accounting currency; null: none, or no exchange rate.' }),
    notPlaceable: field(
      z.string().nullable(),
      'Why nothing is ever placed on it as things are; null: it can be.',
      null,
    ),
    effectiveFrom: field(utcTime().nullable(), 'From when it is sold, RFC 3339; null: it is.', null),
    listed: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta({
        description: "What the vendor's list said, word for word, where it differs.",
        examples: [null],
      }),
    version: version(),
    updatedAt: field(utcTime(), 'When its terms last changed, RFC 3339.', '2026-11-22T10:00:00.000Z'),
  })
  .meta({
    id: 'Offer',
    description: 'Capacity that can be bought, at the price of one whole offer per hour.',
  });

export const replaced = z
  .object({
    added: field(z.int(), 'New, or back again.', 3),
    updated: field(z.int(), 'There already, with other terms.', 1),
    unchanged: field(z.int(), 'As they were.', 0),
    withdrawn: field(z.int(), 'No longer sold; what runs there goes on.', 0),
  })
  .meta({ id: 'OffersReplaced', description: "What replacing a provider's offers changed." });

export const offerQuery = z.strictObject({
  gpu: field(
    safeLine(64).optional(),
    'Model, however spelled; `A100` finds both sizes, `H100-SXM` only what states that form factor.',
    'H100',
  ),
  formFactor: field(z.enum(FORM_FACTORS).optional(), 'Only what states that form factor.', 'SXM'),
  class: field(slug().optional(), 'A capacity class: any of its members.', 'trainer-80gb'),
  minMemoryGiB: field(
    z
      .string()
      .regex(/^\d{1,5}(\.\d{1,3})?$/, 'must be a number')
      .transform(Number)
      .optional(),
    'Memory of one GPU at least, GiB.',
    '40',
  ),
  gpuCount: field(queryInteger(0, 1024).optional(), 'GPUs of one whole offer, exactly.', '8'),
  region: field(vendorName().optional(), "The vendor's name for the region.", 'kr-central'),
  country: field(country().optional(), "Of the provider's site, ISO 3166-1 alpha-2.", 'KR'),
  realm: field(z.enum(REALMS).optional(), 'Of the provider: whose cloud it is.', 'government'),
  provider: field(slug().optional(), 'Only of this provider.', 'pangyo'),
  spot: field(
    queryBoolean().optional(),
    '`true`: sold as spot, and spot prices count; `false`: sold on demand.',
    'false',
  ),
  maxPricePerHour: field(
    amount().optional(),
    'Price of one whole offer per hour at most, in the accounting currency.',
    '60000',
  ),
  sort: field(
    z.enum(['name', 'price']).default('name'),
    '`price`: cheapest first, in the accounting currency; what has no exchange rate last.',
    'price',
  ),
  ...paging,
});

export const offerParams = z.object({
  name: field(slug(), 'Name of the provider.', 'pangyo'),
  offer: field(vendorName(), 'Name of the offer.', 'h100x8'),
});
