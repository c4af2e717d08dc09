import { clip, clockOf, createPaint, type Paint } from './text.ts';

/**
 * Where people look. Lines of the story scroll; below them a terminal shows a panel that is drawn again and again.
 * Without a terminal there is no panel, and one plain line every few seconds instead.
 */
export interface Screen {
  readonly paint: Paint;
  /** A new part of the story, in English and Korean. */
  act(title: string, korean: string): void;
  say(text: string): void;
  /** Without a time before it. */
  plain(lines: readonly string[]): void;
  /** What is going on now. `brief`: the same in one line; empty: nothing to say yet. */
  show(panel: readonly string[], brief: string): void;
  /** Takes the panel away. */
  end(): void;
}

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

const BRIEF_EVERY_MS = 5_000;

export function createScreen(out: Output, colours: boolean, sinceStart: () => number): Screen {
  const tty = out.isTTY === true;
  const paint = createPaint(colours);
  let drawn = 0;
  let panel: readonly string[] = [];
  let briefAt = 0;

  const erase = (): string => (drawn === 0 ? '' : `\u001b[${drawn}A\u001b[J`);
  const redraw = (above: readonly string[]): void => {
    const columns = Math.max(20, (out.columns ?? 100) - 1);
    const below = tty ? panel.map((line) => clip(line, columns)) : [];
    // One write: a terminal never shows the moment in which the panel is gone.
    out.write(erase() + [...above, ...below].map((line) => `${line}\n`).join(''));
    drawn = below.length;
  };

  return {
    paint,
    act: (title, korean) => redraw(['', `${paint.bold(paint.cyan(`━━ ${title}`))}  ${paint.dim(korean)}`]),
    say: (text) => redraw([`${paint.dim(clockOf(sinceStart()))}  ${text}`]),
    plain: (lines) => redraw(lines),
    show: (lines, brief) => {
      panel = lines;
      if (tty) return redraw([]);
      if (brief === '' || sinceStart() - briefAt < BRIEF_EVERY_MS) return;
      briefAt = sinceStart();
      redraw([`${clockOf(briefAt)}  … ${brief}`]);
    },
    end: () => {
      panel = [];
      redraw([]);
    },
  };
}
