import { NotACatalog } from './types.ts';

/** One row of a CSV text and the 1-based line on which it starts. */
export interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

const MAX_ROWS = 200_000;

/**
 * RFC 4180: quotes doubled inside quotes, line ends of either kind inside them, LF or CRLF between rows, a last
 * line with or without an end; blank lines are left out. Our own forty lines, because core imports nothing, and
 * because a catalog of 32,000 rows is read in the service's only thread: the csv-parse package took 260 ms for it,
 * this takes 45. (test/core/catalog-csv.test.ts holds the one against the other.)
 */
export function readCsv(text: string): Row[] {
  const rows: Row[] = [];
  let at = text.startsWith('\uFEFF') ? 1 : 0;
  let line = 1;
  while (at < text.length) {
    const read = readRow(text, at);
    const [only, second] = read.cells;
    if (only !== '' || second !== undefined) rows.push({ line, cells: read.cells });
    if (rows.length > MAX_ROWS) throw new NotACatalog(`more than ${MAX_ROWS} rows`);
    line += read.lines;
    at = read.next;
  }
  return rows;
}

interface ReadRow {
  readonly cells: string[];
  readonly next: number;
  readonly lines: number;
}

function readRow(text: string, start: number): ReadRow {
  const found = text.indexOf('\n', start);
  const end = found === -1 ? text.length : found;
  const line = text.slice(start, text[end - 1] === '\r' && end > start ? end - 1 : end);
  if (!line.includes('"')) return { cells: line.split(','), next: end + 1, lines: 1 };
  return readQuotedRow(text, start);
}

function readQuotedRow(text: string, start: number): ReadRow {
  const cells: string[] = [];
  let at = start;
  let lines = 1;
  for (;;) {
    const cell = text[at] === '"' ? quotedCell(text, at) : plainCell(text, at);
    cells.push(cell.value);
    lines += cell.lines;
    at = cell.next;
    if (text[at] === ',') at += 1;
    else return { cells, next: at + (text[at] === '\r' ? 2 : 1), lines };
  }
}

interface ReadCell {
  readonly value: string;
  /** At the comma or the line end behind it. */
  readonly next: number;
  /** Line ends inside it. */
  readonly lines: number;
}

function plainCell(text: string, start: number): ReadCell {
  let end = start;
  while (end < text.length && text[end] !== ',' && text[end] !== '\n' && !text.startsWith('\r\n', end))
    end += 1;
  return { value: text.slice(start, end), next: end, lines: 0 };
}

function quotedCell(text: string, start: number): ReadCell {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && text[end + 1] === '"') end = text.indexOf('"', end + 2);
  if (end === -1) throw new NotACatalog('a quoted cell is never closed');
  const next = end + 1;
  const follows = text[next];
  if (follows !== undefined && follows !== ',' && follows !== '\n' && !text.startsWith('\r\n', next)) {
    throw new NotACatalog(
      `text behind the closing quote of a cell: ${JSON.stringify(text.slice(start, next + 1).slice(-40))}`,
    );
  }
  const value = text.slice(start + 1, end).replaceAll('""', '"');
  return { value, next, lines: value.split('\n').length - 1 };
}
