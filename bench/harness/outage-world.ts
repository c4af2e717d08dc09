import { dice } from './dice.ts';

/** The world that outages happen in, on a clock of its own: providers as a trace has them, and jobs that make progress. */
export const TICK_SECONDS = 0.125;
export const JOBS = 20;
/** Work that each has to do, and how often it saves, as far as its provider is reached. */
export const WORK_SECONDS = 3_600;
export const CHECKPOINT_SECONDS = 600;
/** From an order until it runs, everywhere alike: the peers' teardown and provisioning, which take minutes, are left out. */
export const START_SECONDS = 1;
/** When the fault happens; and when watching ends. */
export const FAULT_AT = 600;
export const UNTIL = 9_000;

/** Price per hour; the first is the cheapest and has the fault. */
export const PROVIDERS = [
  { name: 'stricken', price: 1 },
  { name: 'second', price: 1.2 },
  { name: 'third', price: 1.5 },
] as const;

/** How a provider is at a moment. */
export interface Weather {
  /** Is it reached, in both directions? */
  readonly heard: boolean;
  /** Do machines run? What ran when they stopped is gone. */
  readonly works: boolean;
  /** Does it take new work? One that lies has room by its word, and refuses whoever comes. */
  readonly takes: boolean;
  /** How many seconds every answer is late. */
  readonly lateSeconds: number;
}

export interface Trace {
  readonly kind: 'silent' | 'back' | 'flapping' | 'blip' | 'slow' | 'lying';
  readonly name: string;
  /** `second`s since the fault; negative: before it. */
  weather(provider: number, second: number): Weather;
}

/** One running of one job at one provider. */
export interface Copy {
  readonly job: Work;
  readonly provider: number;
  /** Runs from then on. */
  readonly startsAt: number;
  /** Done in it and before it. */
  progress: number;
  ended: boolean;
}

export interface Work {
  readonly index: number;
  /** Done before the first copy that is looked at. */
  readonly head: number;
  saved: number;
  copies: Copy[];
  finishedAt: number | null;
  /** Nobody will run it any more. */
  failed: boolean;
}

/** What a policy sees and does. It knows the weather only by what is heard. */
export interface Hands {
  readonly now: number;
  readonly jobs: readonly Work[];
  heard(provider: number): boolean;
  lateSeconds(provider: number): number;
  /** Null: it was refused, or is not reached. */
  start(job: Work, provider: number): Copy | null;
  /** Takes effect only where the provider is reached; true: it did. */
  stop(copy: Copy): boolean;
  /** Stops by itself, over there, whoever is reached. */
  end(copy: Copy): void;
  isLive(copy: Copy): boolean;
}

export interface Policy {
  readonly name: string;
  readonly from: string;
  /** What it has no published default for. */
  readonly unknown?: readonly Trace['kind'][];
  /** Called every TICK_SECONDS. */
  open(seed: number): (hands: Hands) => void;
}

/** What came of a trace under a policy, over all jobs. */
export interface Outcome {
  /** Of each finished job that ever stood still: the longest time that it did. */
  readonly gaps: readonly number[];
  /** Seconds of running that are in no result: done again, done twice, or of a job that was never finished. */
  readonly lostSeconds: number;
  /** Seconds in which a job ran twice. */
  readonly doubledSeconds: number;
  readonly paid: number;
  /** What the same work costs without a fault. */
  readonly leastPaid: number;
  readonly starts: number;
  readonly unfinished: number;
}

export function runTrace(trace: Trace, policy: Policy, seed: number): Outcome {
  const chance = dice(seed);
  const jobs: Work[] = Array.from({ length: JOBS }, (_, index) => {
    // They save at different moments.
    const head = chance.between(0, CHECKPOINT_SECONDS);
    const job: Work = { index, head, saved: 0, copies: [], finishedAt: null, failed: false };
    job.copies.push({ job, provider: 0, startsAt: 0, progress: head, ended: false });
    return job;
  });
  const book = new Book(jobs);
  const act = policy.open(seed);
  for (let now = 0; now < UNTIL; now += TICK_SECONDS) {
    const weather = PROVIDERS.map((_, provider) => trace.weather(provider, now - FAULT_AT));
    for (const job of jobs) if (job.finishedAt === null) run(job, weather, now, book);
    act(handsOf(jobs, weather, now, book));
    if (jobs.every(({ finishedAt, failed }) => finishedAt !== null || failed)) break;
  }
  return book.close();
}

function run(job: Work, weather: readonly Weather[], now: number, book: Book): void {
  let running = 0;
  const newest = job.copies.at(-1);
  for (const copy of job.copies) {
    const there = weather[copy.provider];
    if (copy.ended || there === undefined) continue;
    if (!there.works) copy.ended = true;
    if (copy.ended || copy.startsAt > now) continue;
    running += 1;
    copy.progress += TICK_SECONDS;
    book.ran(copy);
    // Only the newest may save: with a peer, too, though nothing there sees to it.
    if (there.heard && copy === newest && copy.progress >= job.saved + CHECKPOINT_SECONDS)
      job.saved = Math.floor(copy.progress / CHECKPOINT_SECONDS) * CHECKPOINT_SECONDS;
    if (copy.progress >= WORK_SECONDS && there.heard) finish(job, now);
  }
  book.counted(job, running);
}

function finish(job: Work, now: number): void {
  job.finishedAt = now;
  for (const copy of job.copies) copy.ended = true;
}

function handsOf(jobs: readonly Work[], weather: readonly Weather[], now: number, book: Book): Hands {
  const at = (provider: number) => weather[provider] as Weather;
  return {
    now,
    jobs: jobs.filter(({ finishedAt, failed }) => finishedAt === null && !failed),
    heard: (provider) => at(provider).heard,
    lateSeconds: (provider) => at(provider).lateSeconds,
    start(job, provider) {
      if (!at(provider).heard || !at(provider).takes || !at(provider).works) return null;
      const copy = { job, provider, startsAt: now + START_SECONDS, progress: job.saved, ended: false };
      job.copies.push(copy);
      book.started();
      return copy;
    },
    stop(copy) {
      if (!at(copy.provider).heard) return false;
      copy.ended = true;
      return true;
    },
    end: (copy) => void (copy.ended = true),
    isLive: (copy) => !copy.ended,
  };
}

/** Counts. */
class Book {
  readonly #jobs: readonly Work[];
  readonly #gap = new Map<Work, { now: number; longest: number }>();
  #ran = 0;
  #doubled = 0;
  #paid = 0;
  #starts = 0;

  constructor(jobs: readonly Work[]) {
    this.#jobs = jobs;
  }

  ran(copy: Copy): void {
    this.#ran += TICK_SECONDS;
    this.#paid += ((PROVIDERS[copy.provider]?.price ?? 0) * TICK_SECONDS) / 3_600;
  }

  started(): void {
    this.#starts += 1;
  }

  counted(job: Work, running: number): void {
    this.#doubled += Math.max(0, running - 1) * TICK_SECONDS;
    const gap = this.#gap.get(job) ?? { now: 0, longest: 0 };
    gap.now = running > 0 ? 0 : gap.now + TICK_SECONDS;
    gap.longest = Math.max(gap.longest, gap.now);
    this.#gap.set(job, gap);
  }

  close(): Outcome {
    const finished = this.#jobs.filter(({ finishedAt }) => finishedAt !== null);
    const useful = sumOf(finished.map(({ head }) => WORK_SECONDS - head));
    return {
      gaps: finished.map((job) => this.#gap.get(job)?.longest ?? 0).filter((gap) => gap > 0),
      lostSeconds: this.#ran - useful,
      doubledSeconds: this.#doubled,
      paid: this.#paid,
      leastPaid: (sumOf(this.#jobs.map(({ head }) => WORK_SECONDS - head)) * PROVIDERS[0].price) / 3_600,
      starts: this.#starts,
      unfinished: this.#jobs.length - finished.length,
    };
  }
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
