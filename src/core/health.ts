import type { BrokerKind, HealthState } from './provider.ts';
import type { Timing } from './timing.ts';

/** What is known of one provider's contact with us. */
export interface Contact {
  readonly health: HealthState;
  /** Why it is in that state. */
  readonly healthReason: string;
  readonly brokerKind: BrokerKind;
  /** Last heard; null: never. */
  readonly lastContactAt: Date | null;
  /** Heard without a gap since. */
  readonly contactSince: Date | null;
  /** Of one that is down: how often it was given up within FLAPPING_MS, this time included. Else 0. */
  readonly downsLately: number;
  /** The vendor's own word that holds now; raises suspicion, never clears it. */
  readonly vendorWord: { readonly level: string; readonly note: string } | null;
  /** What the verdicts over its parts come to for all of it (scope.ts, `rollUp`); absent or null: it is open. */
  readonly parts?: { readonly state: HealthState; readonly reason: string } | null;
}

export interface Verdict {
  readonly health: HealthState;
  readonly reason: string;
}

/** What a judgement is made by, besides the contact. */
export interface Judging {
  /** Since when somebody of ours has been taking calls. */
  readonly listeningSince: Date;
  readonly now: Date;
  readonly timing: Timing;
  /** Is everybody silent at once (`isOurOwnSilence`)? Then nobody is given up for it. */
  readonly doubt: boolean;
}

/** A provider that was given up again and again within this time has to be heard longer and longer. */
export const FLAPPING_MS = 3_600_000;
const OURS = 'as is everybody who calls us: our own network is suspected, and nothing is moved';

/**
 * The verdict over a provider, or null where it stays. Silence is counted only while somebody of ours was
 * listening: after an outage of our own everybody would look dead, and nobody is given up for that.
 *
 * Hysteresis: leaving `healthy` takes degradedAfterMs of silence, `down` takes downAfterMs, and the way back from
 * `down` takes `recoveryMs` of contact without a gap; from `degraded` it takes half of recoverAfterMs.
 */
export function judgeHealth(contact: Contact, judging: Judging): Verdict | null {
  const verdict = verdictOf(contact, judging);
  const saidBefore = !verdict.reason.endsWith(OURS) || contact.healthReason.endsWith(OURS);
  return verdict.health === contact.health && saidBefore ? null : verdict;
}

/**
 * Are all agents silent that are not given up yet, two at least? Two vendors rarely fail in the same seconds, and one
 * network of our own often does; and were it not so, there would be nobody to move to. After doubtMs of that they are
 * judged like anybody else: their leases are long over, so nothing is lost by it.
 */
export function isOurOwnSilence(
  contacts: readonly Contact[],
  { listeningSince, now, timing }: Omit<Judging, 'doubt'>,
): boolean {
  const silences = contacts
    .filter(({ brokerKind, health }) => brokerKind === 'agent' && health !== 'down' && health !== 'unknown')
    .map((contact) => silentMs(contact, listeningSince, now));
  const least = Math.min(...silences);
  return silences.length >= 2 && least >= timing.degradedAfterMs && least < timing.doubtMs;
}

/** How long a provider that was down has to be heard: twice as long with each further time lately. */
export function recoveryMs({ downsLately }: Pick<Contact, 'downsLately'>, timing: Timing): number {
  return Math.min(timing.recoverMaxMs, timing.recoverAfterMs * 2 ** Math.max(0, downsLately - 1));
}

function verdictOf(contact: Contact, { listeningSince, now, timing, doubt }: Judging): Verdict {
  if (contact.lastContactAt === null) return { health: 'unknown', reason: 'never heard' };
  const silent = silentMs(contact, listeningSince, now);
  const given = contact.health === 'down';
  if (silent >= timing.downAfterMs && doubt && !given && contact.brokerKind === 'agent')
    return { health: 'degraded', reason: `silent, ${OURS}` };
  if (silent >= timing.downAfterMs) return { health: 'down', reason: `silent for ${seconds(silent)} s` };
  const recovery = recoveryMs(contact, timing);
  if (given && !heardFor(contact, recovery, now, timing)) {
    const often = contact.downsLately > 1 ? `: down ${contact.downsLately} times within an hour` : '';
    return { health: 'down', reason: `not heard for ${seconds(recovery)} s yet${often}` };
  }
  if (silent >= timing.degradedAfterMs)
    return { health: 'degraded', reason: `silent for ${seconds(silent)} s` };
  if (contact.parts) return { health: contact.parts.state, reason: contact.parts.reason };
  if (contact.vendorWord !== null) {
    const { level, note } = contact.vendorWord;
    return { health: 'degraded', reason: `the vendor says ${level}: ${note}` };
  }
  if (contact.health === 'degraded' && !heardFor(contact, timing.recoverAfterMs / 2, now, timing)) {
    return { health: 'degraded', reason: 'not heard long enough to be trusted again' };
  }
  return { health: 'healthy', reason: 'heard' };
}

function silentMs({ lastContactAt }: Contact, listeningSince: Date, now: Date): number {
  return now.getTime() - Math.max(lastContactAt?.getTime() ?? 0, listeningSince.getTime());
}

/** In contact now, and without a gap for `ms`. */
function heardFor(contact: Contact, ms: number, now: Date, timing: Timing): boolean {
  if (contact.contactSince === null || contact.lastContactAt === null) return false;
  if (now.getTime() - contact.lastContactAt.getTime() >= timing.degradedAfterMs) return false;
  return now.getTime() - contact.contactSince.getTime() >= ms;
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1);
