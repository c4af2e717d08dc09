import type { Clock } from '../clock.ts';
import type { CheckpointStorage } from '../checkpoints.ts';
import type { Deps } from '../deps.ts';
import type { Ids } from '../ids.ts';
import { createMetrics } from '../metrics.ts';
import type { Store } from '../store/store.ts';
import { OrdersWatch } from '../watch.ts';

/** Time that passes when it is told to. */
export class PlayedClock implements Clock {
  #ms: number;

  constructor(start: Date) {
    this.#ms = start.getTime();
  }

  now(): Date {
    return new Date(this.#ms);
  }

  advance(ms: number): void {
    this.#ms += ms;
  }

  /** Nobody waits in a rehearsal: what would, is called again when its time has come. */
  sleep(): Promise<void> {
    return Promise.resolve();
  }
}

/** The flows' surroundings on a scratch database: nothing outside of it is called, rung, counted or written. */
export function playedDeps(real: Deps, store: Store, clock: PlayedClock): Deps {
  return {
    clock,
    ids: countedIds(),
    store,
    bell: { ring() {}, listen: async () => {}, state: () => QUIET, close: async () => {} },
    watch: new OrdersWatch(async () => new Map(), clock),
    log: real.log.child({ rehearsal: true }, { level: 'silent' }),
    config: real.config,
    timing: real.timing,
    terms: real.terms,
    metrics: createMetrics({ process: false }),
    checkpoints: NOTHING_KEPT,
    post: () => Promise.resolve({ status: null, error: 'a rehearsal tells nobody' }),
    rehearse: () => Promise.reject(new Error('a rehearsal within a rehearsal')),
    broker: ({ brokerKind }) => ({ kind: brokerKind, way: 'pull' }),
  };
}

const QUIET = { backend: 'none', ok: true, detail: 'a rehearsal' } as const;

/** In the order in which they are made; the same rehearsal has the same ones. */
function countedIds(): Ids {
  let n = 0;
  const next = () => String((n += 1)).padStart(26, '0');
  return { next: (kind) => `${kind}-${next()}`, secret: next };
}

const nothing = () => Promise.reject(new Error('a rehearsal keeps no checkpoints'));
const NOTHING_KEPT: CheckpointStorage = {
  kind: 'disk',
  locationFor: (job, id) => `${job}/${id}`,
  putUrl: nothing,
  getUrl: nothing,
  write: nothing,
  stat: () => Promise.resolve(null),
  read: nothing,
  remove: () => Promise.resolve(),
};
