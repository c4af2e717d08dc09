import { parseMicros } from '../money.ts';

/** A number as catalogs write them ("8", "8.0", " 0.5 "), 0 where the cell is empty, null where it is none. */
export function readNumber(cell: string): number | null {
  const text = cell.trim();
  if (text === '') return 0;
  return /^\d+(\.\d*)?$/.test(text) || /^\.\d+$/.test(text) ? Number(text) : null;
}

/**
 * A price in micros, half up, without going through a float: "4.760000000100001" is 4760000. Empty and 0 are
 * `none`: catalogs write both for what is not sold. Null: not a price.
 */
export function readPrice(cell: string): bigint | 'none' | null {
  const text = plainDecimal(cell.trim());
  if (text === '') return 'none';
  const parts = /^(\d{1,12})(?:\.(\d*))?$/.exec(text);
  if (!parts) return null;
  const [, whole = '0', fraction = ''] = parts;
  const digits = fraction.padEnd(7, '0');
  const kept = parseMicros(`${BigInt(whole)}.${digits.slice(0, 6)}`);
  const micros = kept + ((digits[6] ?? '0') >= '5' ? 1n : 0n);
  return micros === 0n ? 'none' : micros;
}

/** Spreadsheets write small prices as 5e-05. */
function plainDecimal(text: string): string {
  return /^\d+(\.\d+)?e[+-]?\d{1,2}$/i.test(text) ? Number(text).toFixed(12) : text;
}

/** MiB of the first device that GpuInfo describes, in whichever dialect; null where it does not say (or says 0). */
export function readSizeMiB(gpuInfo: string): number | null {
  const found = /["']?SizeInMiB["']?\s*:\s*["']?(\d+(?:\.\d+)?)/.exec(gpuInfo);
  const size = Number(found?.[1] ?? 0);
  return size > 0 ? size : null;
}
