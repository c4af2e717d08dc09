import type { Columns } from './market.ts';

/** By cell, in the order of shapes: cells of shape s are from[s] … from[s + 1] - 1, and its lots likewise. */
export interface Cells {
  readonly from: Int32Array;
  readonly provider: Int32Array;
  readonly region: Int32Array;
  readonly lotsFrom: Int32Array;
  /** By shape: EXAMPLES of its positions, the first by name; -1: it has fewer. */
  readonly examples: Int32Array;
  /** Positions, rising within a cell. */
  readonly lots: Int32Array;
}

/** How many offers an explanation names of each kind. */
export const EXAMPLES = 3;

/** Positions by shape, provider, region and position: what is asked of a cell is then asked once. */
export function cellsOf({ shape, provider, region }: Columns, shapes: number): Cells {
  const at = (column: Int32Array, position: number) => column[position] ?? 0;
  const lots = Int32Array.from(shape, (_, position) => position).sort(
    (a, b) =>
      at(shape, a) - at(shape, b) ||
      at(provider, a) - at(provider, b) ||
      at(region, a) - at(region, b) ||
      a - b,
  );
  const from = new Int32Array(shapes + 1);
  const cells: { provider: number; region: number; first: number }[] = [];
  lots.forEach((position, index) => {
    const before = lots[index - 1] ?? -1;
    const fresh = before < 0 || at(shape, before) !== at(shape, position);
    const same =
      !fresh &&
      at(provider, before) === at(provider, position) &&
      at(region, before) === at(region, position);
    if (fresh) from[at(shape, position)] = cells.length;
    if (!same) cells.push({ provider: at(provider, position), region: at(region, position), first: index });
  });
  from[shapes] = cells.length;
  return {
    from,
    provider: Int32Array.from(cells, (cell) => cell.provider),
    region: Int32Array.from(cells, (cell) => cell.region),
    lotsFrom: Int32Array.from([...cells.map((cell) => cell.first), lots.length]),
    examples: examplesOf(shape, shapes),
    lots,
  };
}

function examplesOf(shape: Int32Array, shapes: number): Int32Array {
  const examples = new Int32Array(EXAMPLES * shapes).fill(-1);
  const counted = new Int32Array(shapes);
  shape.forEach((of, position) => {
    const count = counted[of] ?? 0;
    if (count < EXAMPLES) examples[EXAMPLES * of + count] = position;
    counted[of] = count + 1;
  });
  return examples;
}
