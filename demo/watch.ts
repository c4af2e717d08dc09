import { setTimeout as wait } from 'node:timers/promises';
import type { Api, Job, JobEvent, Page, Provider } from './api.ts';
import { readLedger, type Line } from './ledger.ts';
import { keepAsking, type Probe } from './probe.ts';
import { PROJECT, SERVICE, TRAINING } from './story.ts';

/** What is to be seen of the world at one moment. */
export interface Picture {
  /** By name, in the order of submission. */
  readonly jobs: ReadonlyMap<string, Job>;
  readonly providers: ReadonlyMap<string, Provider>;
  /** Job → provider where it is, or was last seen. */
  readonly places: ReadonlyMap<string, string>;
  readonly ledger: readonly Line[];
  readonly probes: readonly Probe[];
  /** How many checkpoints of the training the service has, complete. */
  readonly checkpointsSaved: number;
}

export interface Watch {
  picture(): Picture;
  /** Resolves when `test` holds; rejects after `withinMs`, or with what went wrong meanwhile. */
  until(what: string, withinMs: number, test: (picture: Picture) => boolean): Promise<void>;
  stop(): Promise<void>;
}

const EVERY_MS = 250;
const NOTHING = { jobs: new Map(), providers: new Map(), places: new Map(), ledger: [], checkpointsSaved: 0 };

/** Looks at the service, the ledger and the service job over and over; `changed` hears of every look. */
export function watchWorld(
  api: Api,
  ledgerFile: string,
  changed: (now: Picture, before: Picture) => void,
  signal: AbortSignal,
): Watch {
  const own = new AbortController();
  const both = AbortSignal.any([own.signal, signal]);
  const probes: Probe[] = [];
  let picture: Picture = { ...NOTHING, probes };
  let trouble: unknown = null;

  const look = async (): Promise<void> => {
    while (!both.aborted) {
      try {
        const before = picture;
        picture = await pictureOf(api, ledgerFile, probes, before);
        trouble = null;
        changed(picture, before);
      } catch (error) {
        // A look that failed is told by whoever waits in vain, and not before: the next one may see.
        trouble = error;
      }
      await wait(EVERY_MS, undefined, { signal: both }).catch(() => undefined);
    }
  };
  const endpoint = () => picture.jobs.get(SERVICE)?.endpoints[0]?.url ?? null;
  const loops = Promise.all([look(), keepAsking(endpoint, (probe) => void probes.push(probe), both)]);

  return {
    picture: () => picture,
    until: async (what, withinMs, test) => {
      for (const deadline = performance.now() + withinMs; !test(picture);) {
        signal.throwIfAborted();
        if (performance.now() > deadline) throw gaveUp(what, withinMs, trouble, picture);
        await wait(50, undefined, { signal });
      }
    },
    stop: async () => {
      own.abort();
      await loops;
    },
  };
}

async function pictureOf(
  api: Api,
  ledgerFile: string,
  probes: readonly Probe[],
  before: Picture,
): Promise<Picture> {
  const training = before.jobs.get(TRAINING);
  const [jobs, providers, events] = await Promise.all([
    api.get<Page<Job>>(`/v1/jobs?project=${PROJECT}&limit=500`),
    api.get<Page<Provider>>('/v1/providers?limit=500'),
    training ? api.get<Page<JobEvent>>(`/v1/jobs/${training.id}/events?limit=500`) : { items: [] },
  ]);
  return {
    jobs: new Map(jobs.items.toReversed().map((job) => [job.name, job])),
    providers: new Map(providers.items.map((provider) => [provider.name, provider])),
    places: new Map([...before.places, ...jobs.items.flatMap(placeOf)]),
    ledger: readLedger(ledgerFile),
    probes: [...probes],
    checkpointsSaved: events.items.filter(({ type }) => type === 'checkpoint.saved').length,
  };
}

function placeOf({ name, placement }: Job): [string, string][] {
  return placement === null ? [] : [[name, placement.provider]];
}

function gaveUp(what: string, withinMs: number, trouble: unknown, { jobs }: Picture): Error {
  const states = [...jobs.values()].map(
    ({ name, state, waiting }) =>
      `${name} ${state}${waiting ? ` (${waiting.reason}: ${waiting.detail})` : ''}`,
  );
  const cause = trouble instanceof Error ? `; the last look failed: ${trouble.message}` : '';
  return new Error(`waited ${withinMs / 1000} s in vain until ${what}${cause}\n  ${states.join('\n  ')}`);
}
