import { stripVTControlCharacters } from 'node:util';

/** Colours and widths. Pure: whether there are colours is decided once, by who prints. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  blue(text: string): string;
  cyan(text: string): string;
}

export function createPaint(colours: boolean): Paint {
  const with_ = (code: number, off: number) => (text: string) =>
    colours ? `\u001b[${code}m${text}\u001b[${off}m` : text;
  return {
    bold: with_(1, 22),
    dim: with_(2, 22),
    red: with_(31, 39),
    green: with_(32, 39),
    yellow: with_(33, 39),
    blue: with_(34, 39),
    cyan: with_(36, 39),
  };
}

/** Columns that a terminal needs: Hangul and other wide letters take two, colour codes none. */
export function widthOf(text: string): number {
  let width = 0;
  for (const letter of stripVTControlCharacters(text)) width += isWide(letter.codePointAt(0) ?? 0) ? 2 : 1;
  return width;
}

function isWide(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xff00 && code <= 0xff60)
  );
}

export function pad(text: string, width: number, side: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return side === 'left' ? text + space : space + text;
}

/** At most `width` columns; what is cut off ends in `…`. Colours are closed. */
export function clip(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let used = 0;
  // Colour codes are kept whole and count nothing, so that a cut line cannot leave the terminal coloured.
  for (const part of text.split(/(\u001b\[[\d;]*m)/)) {
    if (part.startsWith('\u001b')) {
      kept += part;
      continue;
    }
    for (const letter of part) {
      const columns = widthOf(letter);
      if (used + columns > width - 1) {
        used = width;
        break;
      }
      kept += letter;
      used += columns;
    }
  }
  return `${kept}…`;
}

/** Columns as wide as their widest cell. `right`: indexes of the columns that hold numbers. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(0, ...rows.map((row) => widthOf(row[i] ?? ''))),
  );
  const cell = (text: string, i: number) => pad(text, widths[i] ?? 0, right.includes(i) ? 'right' : 'left');
  return rows.map((row) => row.map(cell).join('  ').trimEnd());
}

const BARS = '▁▂▃▄▅▆▇█';

/** The values as bars, the largest full; at most `width`, evenly picked, the newest always there. */
export function sparkline(values: readonly number[], width: number): string {
  if (values.length === 0) return '';
  const count = Math.min(width, values.length);
  const top = Math.max(...values);
  return Array.from({ length: count }, (_, i) => {
    const value =
      values[count === 1 ? values.length - 1 : Math.round((i * (values.length - 1)) / (count - 1))] ?? 0;
    return BARS[top <= 0 ? 0 : Math.min(7, Math.max(0, Math.round((value / top) * 7)))];
  }).join('');
}

/** `7.3 s` */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** `00:17` */
export function clockOf(ms: number): string {
  const whole = Math.max(0, Math.floor(ms / 1000));
  return `${String(Math.floor(whole / 60)).padStart(2, '0')}:${String(whole % 60).padStart(2, '0')}`;
}

/** `3,900 KRW`, decimals as they came. */
export function money({ amount, currency }: { readonly amount: string; readonly currency: string }): string {
  const [whole = '0', decimals] = amount.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return `${grouped}${decimals === undefined ? '' : `.${decimals}`} ${currency}`;
}

/** Great-circle distance, whole kilometres. */
export function distanceKm(a: Place, b: Place): number {
  const rad = Math.PI / 180;
  const dLat = (b.latitude - a.latitude) * rad;
  const dLon = (b.longitude - a.longitude) * rad;
  const h =
    Math.sin(dLat / 2) ** 2 +
    Math.cos(a.latitude * rad) * Math.cos(b.latitude * rad) * Math.sin(dLon / 2) ** 2;
  return Math.round(2 * 6371 * Math.asin(Math.sqrt(h)));
}

interface Place {
  readonly latitude: number;
  readonly longitude: number;
}
