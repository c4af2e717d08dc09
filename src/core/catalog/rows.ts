import { readCsv } from './csv.ts';
import type { Skips } from './skips.ts';
import { NotACatalog } from './types.ts';

/** A row read by header name: the order of columns differs by catalog. */
export interface CatalogRow {
  readonly line: number;
  /** Trimmed; empty where the catalog has no such column. */
  cell(column: Column): string;
  /** Every column, extra ones too, word for word. */
  all(): Record<string, string>;
}

export const REQUIRED = ['InstanceType', 'AcceleratorName', 'AcceleratorCount', 'Price', 'Region'] as const;
const OPTIONAL = ['vCPUs', 'MemoryGiB', 'GpuInfo', 'SpotPrice', 'AvailabilityZone'] as const;
export type Column = (typeof REQUIRED)[number] | (typeof OPTIONAL)[number];

const CELL_MAX = 4_000;

/** Throws NotACatalog where the header is not one; rows that do not fit it are skipped. */
export function readRows(text: string, skips: Skips): CatalogRow[] {
  if (text.includes('\u0000')) throw new NotACatalog('the text contains NUL characters');
  const [header, ...rows] = readCsv(text);
  if (!header) throw new NotACatalog('the text is empty');
  const names = header.cells.map((name) => name.trim());
  const missing = REQUIRED.filter((name) => !names.includes(name));
  if (missing.length > 0) throw new NotACatalog(`the header has no column ${missing.join(', ')}`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new NotACatalog(`the header has two columns ${JSON.stringify(twice.slice(0, 40))}`);
  const columns = new Map(names.map((name, index) => [name, index]));
  return rows.flatMap(({ line, cells }) => {
    if (cells.length !== names.length) {
      skips.add(
        'another number of cells than the header',
        line,
        `has ${cells.length} cells, the header has ${names.length}`,
      );
      return [];
    }
    if (cells.some((cell) => cell.length > CELL_MAX)) {
      skips.add(`a cell is longer than ${CELL_MAX} characters`, line);
      return [];
    }
    return rowOf(line, cells, columns);
  });
}

function rowOf(line: number, cells: readonly string[], columns: ReadonlyMap<string, number>): CatalogRow {
  return {
    line,
    cell: (column) => cells[columns.get(column) ?? -1]?.trim() ?? '',
    all: () => Object.fromEntries([...columns].map(([name, index]) => [name, cells[index] ?? ''])),
  };
}
