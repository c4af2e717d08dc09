import type { HealthState } from './provider.ts';
import type { Timing } from './timing.ts';

/** What is known of one provider's contact with us. */
export interface Contact {
  readonly health: HealthState;
  /** Last heard; null: never. */
  readonly lastContactAt: Date | null;
  /** Heard without a gap since. */
  readonly contactSince: Date | null;
  /** The vendor's own word that holds now; raises suspicion, never clears it. */
  readonly vendorWord: { readonly level: string; readonly note: string } | null;
}

export interface Verdict {
  readonly health: HealthState;
  readonly reason: string;
}

/**
 * The verdict over a provider, or null where it stays. Silence is counted only while somebody of ours was
 * listening: after an outage of our own everybody would look dead, and nobody is given up for that.
 *
 * Hysteresis: leaving `healthy` takes degradedAfterMs of silence, `down` takes downAfterMs, and the way back from
 * `down` takes recoverAfterMs of contact without a gap; from `degraded` it takes half of that.
 */
export function judgeHealth(
  contact: Contact,
  listeningSince: Date,
  now: Date,
  timing: Timing,
): Verdict | null {
  const verdict = verdictOf(contact, listeningSince, now, timing);
  return verdict.health === contact.health ? null : verdict;
}

function verdictOf(contact: Contact, listeningSince: Date, now: Date, timing: Timing): Verdict {
  if (contact.lastContactAt === null) return { health: 'unknown', reason: 'never heard' };
  const heardAt = Math.max(contact.lastContactAt.getTime(), listeningSince.getTime());
  const silentMs = now.getTime() - heardAt;
  if (silentMs >= timing.downAfterMs) return { health: 'down', reason: `silent for ${seconds(silentMs)} s` };
  if (contact.health === 'down' && !heardFor(contact, timing.recoverAfterMs, now, timing)) {
    return { health: 'down', reason: 'not heard long enough to be trusted again' };
  }
  if (silentMs >= timing.degradedAfterMs)
    return { health: 'degraded', reason: `silent for ${seconds(silentMs)} s` };
  if (contact.vendorWord !== null) {
    const { level, note } = contact.vendorWord;
    return { health: 'degraded', reason: `the vendor says ${level}: ${note}` };
  }
  if (contact.health === 'degraded' && !heardFor(contact, timing.recoverAfterMs / 2, now, timing)) {
    return { health: 'degraded', reason: 'not heard long enough to be trusted again' };
  }
  return { health: 'healthy', reason: 'heard' };
}

/** In contact now, and without a gap for `ms`. */
function heardFor(contact: Contact, ms: number, now: Date, timing: Timing): boolean {
  if (contact.contactSince === null || contact.lastContactAt === null) return false;
  if (now.getTime() - contact.lastContactAt.getTime() >= timing.degradedAfterMs) return false;
  return now.getTime() - contact.contactSince.getTime() >= ms;
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1);
