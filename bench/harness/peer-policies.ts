import { dice, type Dice } from './dice.ts';
import { PROVIDERS, TICK_SECONDS, type Copy, type Hands, type Policy, type Work } from './outage-world.ts';

/** Published constants of a peer, seconds. */
interface Constants {
  readonly name: string;
  readonly from: string;
  /** After so much silence of its provider the job is taken for lost; of one job, drawn anew for each loss. */
  lostAfter(chance: Dice): number;
  /** From there until it is started elsewhere; `nth`: how many of the same loss came before it. */
  delay(nth: number, chance: Dice): number;
  /** What a refusal costs before the next place is tried; null: no default is published. */
  readonly refusedSeconds: number | null;
  /** Lost jobs end for good. */
  readonly terminal?: boolean;
}

/**
 * Re-implementations of published defaults, not the peers' programs. Where a feature is off by default it counts as on;
 * teardown and provisioning take no time; what is cut off is stopped as soon as it is reached again. All in their favour.
 */
const PEERS: readonly Constants[] = [
  {
    name: 'Nomad',
    from: 'heartbeat TTL 10 s with up to as much again at random, grace 10 s, lost ones are rescheduled at once',
    lostAfter: (chance) => 20 + chance.between(0, 10),
    delay: () => 0,
    refusedSeconds: 0,
  },
  {
    name: 'SkyPilot jobs',
    from: 'polls every 15 s, a status fetch times out after 30 s (its further 60 s while the cloud says “up” are left out), then launches, the old region blocked once',
    lostAfter: (chance) => chance.between(0, 15) + 30,
    delay: () => 0,
    refusedSeconds: 0,
  },
  {
    name: 'Karmada',
    from: 'failure threshold 30 s, lease 40 s, monitored every 5 s; evicts one object in 2 s (failover is off by default)',
    lostAfter: (chance) => 40 + chance.between(0, 5),
    delay: (nth) => nth * 2,
    refusedSeconds: null,
  },
  {
    name: 'dstack',
    from: 'unreachable for 2 min, first retry after 15 s (`retry` is off by default)',
    lostAfter: () => 120,
    delay: () => 15,
    refusedSeconds: 0,
  },
  {
    name: 'SkyServe',
    from: 'probes every 10 s, replaces after 180 s of failures',
    lostAfter: (chance) => 180 + chance.between(0, 10),
    delay: () => 0,
    refusedSeconds: 0,
  },
  {
    name: 'Kueue (MultiKueue)',
    from: '`workerLostTimeout` 15 min',
    lostAfter: () => 900,
    delay: () => 0,
    refusedSeconds: 0,
  },
  {
    name: 'Armada',
    from: 'an executor is lost after 60 min, and its jobs fail',
    lostAfter: () => 3_600,
    delay: () => 0,
    refusedSeconds: 0,
    terminal: true,
  },
];

export const PEER_POLICIES: readonly Policy[] = PEERS.map((peer) => ({
  name: `${peer.name}*`,
  from: peer.from,
  unknown: peer.refusedSeconds === null ? ['lying'] : [],
  open: (seed) => {
    const peering = new Peer(peer, dice(seed));
    return (hands) => peering.act(hands);
  },
}));

interface Waiting {
  at: number;
  readonly not: Set<number>;
}

class Peer {
  readonly #peer: Constants;
  readonly #chance: Dice;
  readonly #silentSince = PROVIDERS.map((): number | null => null);
  readonly #patience = new Map<Copy, number>();
  readonly #waiting = new Map<Work, Waiting>();
  /** Given up while it was cut off: to be stopped. */
  readonly #orphans = new Set<Copy>();

  constructor(peer: Constants, chance: Dice) {
    this.#peer = peer;
    this.#chance = chance;
  }

  act(hands: Hands): void {
    PROVIDERS.forEach((_, provider) => {
      const since = this.#silentSince[provider] ?? null;
      this.#silentSince[provider] = hands.heard(provider) ? null : (since ?? hands.now);
    });
    for (const orphan of this.#orphans) if (hands.stop(orphan)) this.#orphans.delete(orphan);
    const lost = hands.jobs.filter((job) => !this.#waiting.has(job) && this.#isLost(job, hands));
    lost.forEach((job, nth) => this.#giveUp(job, nth, hands));
    for (const [job, waiting] of this.#waiting) if (hands.now >= waiting.at) this.#start(job, waiting, hands);
  }

  #isLost(job: Work, hands: Hands): boolean {
    const copy = job.copies.at(-1);
    if (copy === undefined) return false;
    const since = this.#silentSince[copy.provider] ?? null;
    // Reached, and it says itself that it runs no more.
    if (since === null) {
      this.#patience.delete(copy);
      return !hands.isLive(copy);
    }
    const patience = this.#patience.get(copy) ?? this.#peer.lostAfter(this.#chance);
    this.#patience.set(copy, patience);
    return hands.now - since + TICK_SECONDS > patience;
  }

  #giveUp(job: Work, nth: number, hands: Hands): void {
    const copy = job.copies.at(-1) as Copy;
    this.#patience.delete(copy);
    if (hands.isLive(copy)) this.#orphans.add(copy);
    if (this.#peer.terminal === true) job.failed = true;
    else
      this.#waiting.set(job, {
        at: hands.now + this.#peer.delay(nth, this.#chance),
        not: new Set([copy.provider]),
      });
  }

  /** The cheapest that is reached and has not just lost or refused it. */
  #start(job: Work, waiting: Waiting, hands: Hands): void {
    const next = PROVIDERS.findIndex((_, index) => hands.heard(index) && !waiting.not.has(index));
    if (next < 0) return waiting.not.clear();
    if (hands.start(job, next) !== null) return void this.#waiting.delete(job);
    if (this.#peer.refusedSeconds === null) return;
    waiting.not.add(next);
    waiting.at = hands.now + this.#peer.refusedSeconds;
  }
}
