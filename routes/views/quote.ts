import type { z } from 'zod';
import { isExpired } from '../../src/core/quote.ts';
import type { QuoteRow } from '../../src/store/read/quotes.ts';
import type { quote } from '../schemas/quote.ts';

type WireQuote = z.output<typeof quote>;

/** As it was answered, and is answered for ever. */
export function renderQuote({ id, createdAt, expiresAt, body }: QuoteRow): WireQuote {
  const when = { createdAt: createdAt.toISOString(), expiresAt: expiresAt.toISOString() };
  return { id, ...when, ...body } as WireQuote;
}

export function renderQuoteRead(row: QuoteRow, now: Date) {
  return { ...renderQuote(row), expired: isExpired(row, now) };
}
