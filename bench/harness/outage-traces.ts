import { dice } from './dice.ts';
import type { Trace, Weather } from './outage-world.ts';

const WELL: Weather = { heard: true, works: true, takes: true, lateSeconds: 0 };
const DEAD: Weather = { heard: false, works: false, takes: false, lateSeconds: 0 };
/** Cut off, and alive over there. */
const CUT: Weather = { ...WELL, heard: false };

const stricken =
  (weather: (second: number) => Weather) =>
  (provider: number, second: number): Weather =>
    provider === 0 && second >= 0 ? weather(second) : WELL;

export const TRACES: readonly Trace[] = [
  { kind: 'silent', name: 'silent: its machines stop, for good', weather: stricken(() => DEAD) },
  {
    kind: 'back',
    name: 'coming back: cut off for 20 minutes while its machines run on',
    weather: stricken((second) => (second < 1_200 ? CUT : WELL)),
  },
  {
    kind: 'flapping',
    name: 'flapping: 25 s cut off in every two minutes, for half an hour, machines run on',
    weather: stricken((second) => (second < 1_800 && second % 120 < 25 ? CUT : WELL)),
  },
  {
    kind: 'blip',
    name: 'a blip: 3 s cut off in every 30 s, for half an hour, machines run on',
    weather: stricken((second) => (second < 1_800 && second % 30 < 3 ? CUT : WELL)),
  },
  {
    kind: 'slow',
    name: 'slow: every answer 0.5 to 1.5 s late, for half an hour',
    weather: stricken((second) => (second < 1_800 ? { ...WELL, lateSeconds: late(second) } : WELL)),
  },
  {
    kind: 'lying',
    name: 'lying: its machines stop, and the next cheapest has room by its word and refuses everybody',
    weather: (provider, second) => {
      if (second < 0) return WELL;
      return provider === 0 ? DEAD : provider === 1 ? { ...WELL, takes: false } : WELL;
    },
  },
];

/** Another one every second, always the same. */
function late(second: number): number {
  return dice(Math.floor(second)).between(0.5, 1.5);
}
