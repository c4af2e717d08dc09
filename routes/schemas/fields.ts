import { z } from 'zod';
import { isCurrency } from '../../src/core/currencies.ts';
import { AMOUNT_PATTERN } from '../../src/core/money.ts';

/**
 * The words that every body is made of. A field says what it is, in which unit, and shows one value:
 * the document is generated from here and nowhere else.
 */
export function field<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
  example: unknown,
): Schema {
  return schema.meta({ description, examples: [example] });
}

const CONTROL = /[\p{Cc}\u2028\u2029]/u;
const hasNul = (text: string) => text.includes('\u0000');

/** Text that PostgreSQL and UTF-8 can hold: no NUL, no lone surrogates. Line breaks are allowed. */
export const safeText = (max: number, min = 0) =>
  z
    .string()
    .min(min)
    .max(max)
    .refine((text) => !hasNul(text) && text.isWellFormed(), 'must be valid Unicode without NUL');

/** One line of it: no control characters at all. */
export const safeLine = (max: number, min = 1) =>
  z
    .string()
    .min(min)
    .max(max)
    .refine(
      (text) => !CONTROL.test(text) && text.isWellFormed(),
      'must be valid Unicode without control characters',
    );

/** A name that people choose and programs use: in URLs, as a Kubernetes name, in other resources. */
export const SLUG = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
export const slug = () =>
  z.string().regex(SLUG, 'must be 1 to 63 of a-z, 0-9 and -, not beginning or ending with -');

/** Opaque: only what could never be an id is refused, what merely is none is not found. */
export const ID = /^[A-Za-z0-9_-]{1,128}$/;
export const id = () => z.string().regex(ID, 'is no id');

/** Names of offers and regions are the vendors' own. */
export const vendorName = () =>
  z
    .string()
    .regex(
      /^[A-Za-z0-9](?:[A-Za-z0-9._:+-]{0,198}[A-Za-z0-9])?$/,
      'must be 1 to 200 of A-Z, a-z, 0-9 and ._:+-',
    );

export const currency = () =>
  z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code, upper case')
    .refine(isCurrency, 'is the code of no currency (ISO 4217)');
export const country = () => z.string().regex(/^[A-Z]{2}$/, 'must be an ISO 3166-1 alpha-2 code, upper case');
export const amount = () =>
  z.string().regex(AMOUNT_PATTERN, 'must be a decimal of at most 12 digits before and 6 after the point');

const EPOCH = '1970';
/** RFC 3339 in, any offset. */
export const time = () =>
  z.iso
    .datetime({ offset: true, error: 'must be an RFC 3339 time' })
    .refine((text) => text >= EPOCH && !Number.isNaN(Date.parse(text)), 'must be a time since 1970');
/** The same, kept as UTC. An overwrite runs on refused values too, so it must not throw on them. */
export const normalTime = () =>
  time().overwrite((text) => (Number.isNaN(Date.parse(text)) ? text : new Date(text).toISOString()));
/** RFC 3339 in UTC out. */
export const utcTime = () => z.iso.datetime();

export const money = z
  .strictObject({
    amount: field(amount(), 'Decimal, in units of the currency (never in its smallest coin).', '1234.5'),
    currency: field(currency(), 'ISO 4217 code.', 'KRW'),
  })
  .meta({
    id: 'Money',
    description: 'An amount of money: a decimal string and its currency.',
    examples: [{ amount: '1234.5', currency: 'KRW' }],
  });

/** Numbers in a query string. */
export const queryInteger = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(min).max(max));
export const queryBoolean = () => z.enum(['true', 'false']).transform((text) => text === 'true');

/** `?limit=` and `?cursor=` of every list. */
export const paging = {
  limit: field(queryInteger(1, 500).default(50), 'How many items to answer with at most.', '50'),
  cursor: field(
    z.string().min(1).max(600).optional(),
    'The `nextCursor` of the page before; opaque.',
    'eyJrIjoiam9icyJ9',
  ),
};

/** One page of a list. */
export const page = <Item extends z.ZodType>(item: Item, what: string) =>
  z.object({
    items: z.array(item).meta({ description: what }),
    nextCursor: field(
      z.string().nullable(),
      'Pass it as `cursor` for the next page; null on the last one.',
      null,
    ),
  });

export const version = () => field(z.int(), 'Counts the changes; the `ETag` to send as `If-Match`.', 1);
