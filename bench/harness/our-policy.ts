import { judgeFault, judgeProviderDown, type Held } from '../../src/core/failover.ts';
import { FLAPPING_MS, isOurOwnSilence, judgeHealth, type Contact } from '../../src/core/health.ts';
import { DEFAULT_TIMING, type Timing } from '../../src/core/timing.ts';
import type { Change } from '../../src/core/change.ts';
import { PROVIDERS, type Copy, type Hands, type Policy, type Work } from './outage-world.ts';

/** A sync is made again at once; what fails is noticed after so long (src/agent/syncLoop.ts). */
const CALL_SECONDS = 3;
/** A process that is told by its lease (src/agent/lease.ts). */
const WARNING_SECONDS = 0.5;

/** An agent as it talks with the service: a call is held for a heartbeat, the next one follows at once. */
interface Talk {
  sentAt: number;
  /** When the service got it; null: it did not. */
  gotAt: number | null;
  answeredAt: number | null;
  /** After one that failed the next is answered at once. */
  urgent: boolean;
  /** Until when its jobs may run without another answer. */
  deadline: number;
}

interface Place {
  contact: Contact;
  readonly downs: number[];
  readonly talk: Talk;
}

interface Queued {
  notBefore: number;
  /** The old place has certainly ended it by then. */
  fencedUntil: number;
  readonly avoid: Map<string, number>;
}

/** The real decisions: judgeHealth, isOurOwnSilence, judgeProviderDown, judgeFault, with the timing as it is. */
export const OURS: Policy = {
  name: 'ours',
  from: 'the functions of src/core with the timing as it is',
  open: () => {
    const service = new Service(DEFAULT_TIMING);
    return (hands) => service.act(hands);
  },
};

class Service {
  readonly #timing: Timing;
  readonly #places: readonly Place[];
  readonly #queue = new Map<Work, Queued>();
  readonly #fenced = new Set<Copy>();

  constructor(timing: Timing) {
    this.#timing = timing;
    this.#places = PROVIDERS.map(() => ({
      contact: {
        health: 'healthy',
        healthReason: 'heard',
        brokerKind: 'agent',
        lastContactAt: new Date(0),
        contactSince: new Date(0),
        downsLately: 0,
        vendorWord: null,
      },
      downs: [],
      talk: { sentAt: 0, gotAt: 0, answeredAt: null, urgent: false, deadline: timing.leaseSeconds },
    }));
  }

  act(hands: Hands): void {
    this.#places.forEach((place, provider) => this.#converse(place, provider, hands));
    for (const job of hands.jobs) this.#watch(job, hands);
    // What decides comes with the sweep.
    if ((hands.now * 1_000) % this.#timing.sweepMs > 0) return;
    this.#judge(hands);
    for (const [job, queued] of this.#queue) this.#place(job, queued, hands);
  }

  /** The agent's side and the line. */
  #converse({ talk, contact }: Place, provider: number, hands: Hands): void {
    const { now } = hands;
    const heard = hands.heard(provider);
    if (talk.gotAt === null && heard && now >= talk.sentAt + hands.lateSeconds(provider) / 2) {
      talk.gotAt = now;
      this.#hear(provider, now);
      const held = talk.urgent ? 0 : this.#timing.heartbeatMs / 1_000;
      talk.answeredAt = now + held + hands.lateSeconds(provider) / 2;
    }
    const answered = talk.answeredAt !== null && now >= talk.answeredAt && heard;
    const failed = now >= talk.sentAt + CALL_SECONDS;
    if (!answered && !failed) return;
    if (answered && contact !== null) {
      talk.deadline = talk.sentAt + this.#timing.leaseSeconds;
      for (const copy of this.#fenced)
        if (copy.provider === provider && hands.stop(copy)) this.#fenced.delete(copy);
    }
    Object.assign(talk, { sentAt: now, gotAt: null, answeredAt: null, urgent: !answered });
  }

  #hear(provider: number, now: number): void {
    const place = this.#places[provider] as Place;
    const { lastContactAt, contactSince } = place.contact;
    const gap =
      lastContactAt === null || now * 1_000 - lastContactAt.getTime() > this.#timing.degradedAfterMs;
    const at = new Date(now * 1_000);
    place.contact = { ...place.contact, lastContactAt: at, contactSince: gap ? at : contactSince };
  }

  /** A process ends by itself when its lease does, whoever is reached; and one that ended is reported and queued again. */
  #watch(job: Work, hands: Hands): void {
    for (const copy of job.copies) {
      const { talk } = this.#places[copy.provider] as Place;
      if (hands.isLive(copy) && hands.now >= talk.deadline - WARNING_SECONDS) hands.end(copy);
    }
    const copy = job.copies.at(-1);
    if (copy === undefined || this.#queue.has(job) || hands.isLive(copy) || !hands.heard(copy.provider))
      return;
    this.#queue.set(job, this.#queued(hands.now, hands.now));
  }

  #judge(hands: Hands): void {
    const now = new Date(hands.now * 1_000);
    const judging = { listeningSince: new Date(0), now, timing: this.#timing };
    const doubt = isOurOwnSilence(
      this.#places.map(({ contact }) => contact),
      judging,
    );
    this.#places.forEach((place, provider) => {
      const lately = place.downs.filter((at) => now.getTime() - at < FLAPPING_MS).length;
      place.contact = { ...place.contact, downsLately: place.contact.health === 'down' ? lately : 0 };
      const verdict = judgeHealth(place.contact, { ...judging, doubt });
      if (verdict === null) return;
      const fell = verdict.health === 'down' && place.contact.health !== 'down';
      place.contact = { ...place.contact, health: verdict.health, healthReason: verdict.reason };
      if (!fell) return;
      place.downs.push(now.getTime());
      for (const job of hands.jobs) this.#giveUp(job, provider, hands, now);
    });
  }

  #giveUp(job: Work, provider: number, hands: Hands, now: Date): void {
    const copy = job.copies.at(-1);
    if (copy === undefined || copy.provider !== provider || this.#queue.has(job)) return;
    const changes = judgeProviderDown(heldOf(copy), now, this.#timing);
    this.#fenced.add(copy);
    const { lastContactAt } = (this.#places[provider] as Place).contact;
    const { leaseSeconds, leaseMarginMs } = this.#timing;
    const fencedUntil = (lastContactAt?.getTime() ?? 0) / 1_000 + leaseSeconds + leaseMarginMs / 1_000;
    this.#requeue(job, changes, hands.now, fencedUntil);
  }

  #requeue(job: Work, changes: readonly Change[] | null, now: number, fencedUntil: number): void {
    const queued = this.#queue.get(job) ?? this.#queued(now, fencedUntil);
    for (const change of changes ?? []) {
      if (change.kind !== 'job' || change.to !== 'queued') continue;
      queued.notBefore = (change.requeue?.notBefore?.getTime() ?? 0) / 1_000;
      if (change.requeue?.avoid)
        queued.avoid.set(change.requeue.avoid.provider, change.requeue.avoid.until.getTime() / 1_000);
    }
    this.#queue.set(job, queued);
  }

  #queued(notBefore: number, fencedUntil: number): Queued {
    return { notBefore, fencedUntil, avoid: new Map() };
  }

  /** The cheapest that is healthy; one that the job avoids only where there is no other. */
  #place(job: Work, queued: Queued, hands: Hands): void {
    if (hands.now < Math.max(queued.notBefore, queued.fencedUntil)) return;
    const healthy = PROVIDERS.map((_, index) => index).filter(
      (index) => this.#places[index]?.contact.health === 'healthy',
    );
    const avoided = (index: number) => (queued.avoid.get(PROVIDERS[index]?.name ?? '') ?? 0) > hands.now;
    const chosen = healthy.find((index) => !avoided(index)) ?? healthy[0];
    if (chosen === undefined) return;
    if (hands.start(job, chosen) !== null) return void this.#queue.delete(job);
    const refused = {
      ...heldOf({ job, provider: chosen }),
      state: 'submitting',
      jobState: 'provisioning',
    } as const;
    const now = new Date(hands.now * 1_000);
    this.#requeue(
      job,
      judgeFault(refused, 'no_capacity', 'refused', now, this.#timing),
      hands.now,
      hands.now,
    );
  }
}

function heldOf({ job, provider }: Pick<Copy, 'job' | 'provider'>): Held {
  return {
    allocationId: `alc-${job.index}-${job.copies.length}`,
    provider: PROVIDERS[provider]?.name ?? '',
    state: 'active',
    startedAt: new Date(0),
    serving: null,
    endpoint: null,
    jobId: `job-${job.index}`,
    jobState: 'running',
    jobStoppingTo: null,
    jobReason: 'started',
    jobReasonDetail: null,
    current: true,
    continuity: 'restart',
    failedStarts: 0,
  };
}
