import { Problem } from '../src/core/problem.ts';
import type { Page } from '../src/store/read/page.ts';

/** Where a page ended: a few strings and numbers that the list itself understands. */
export type Mark = readonly (string | number | null)[];

const NO_CURSOR = () =>
  new Problem('invalid-request', 'This cursor is none of this list.', {
    errors: [{ pointer: '?cursor', detail: 'Take the `nextCursor` of the page before, as it is.' }],
  });

/** Opaque outside; inside the list's name and the mark, so that another list's cursor is noticed. */
export function encodeCursor(list: string, mark: Mark): string {
  return Buffer.from(JSON.stringify([list, ...mark]), 'utf8').toString('base64url');
}

/** Null without a cursor. `accept` makes the list's own mark of it, or undefined when it is none. */
export function readCursor<Read>(
  list: string,
  cursor: string | undefined,
  accept: (mark: Mark) => Read | undefined,
): Read | null {
  if (cursor === undefined) return null;
  const mark = decode(list, cursor);
  const read = mark === null ? undefined : accept(mark);
  if (read === undefined) throw NO_CURSOR();
  return read;
}

function decode(list: string, cursor: string): Mark | null {
  if (!/^[A-Za-z0-9_-]+$/.test(cursor)) return null;
  try {
    const read: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(read) && read[0] === list ? read.slice(1).filter(isMarkPart) : null;
  } catch {
    return null;
  }
}

const isMarkPart = (part: unknown): part is string | number | null =>
  part === null ||
  Number.isSafeInteger(part) ||
  (typeof part === 'string' && !/\u0000/.test(part) && part.isWellFormed());

/** Marks of one string (a name or an id), and of one number (a seq). */
export const aName = ([name]: Mark): string | undefined => (typeof name === 'string' ? name : undefined);
export const aSeq = ([seq]: Mark): number | undefined =>
  typeof seq === 'number' && seq >= 0 ? seq : undefined;

/** A page as it is answered. */
export function renderPage<Item, Body>(
  list: string,
  page: Page<Item>,
  markOf: (item: Item) => Mark,
  render: (item: Item) => Body,
): { items: Body[]; nextCursor: string | null } {
  const last = page.items.at(-1);
  const nextCursor = page.more && last !== undefined ? encodeCursor(list, markOf(last)) : null;
  return { items: page.items.map(render), nextCursor };
}
