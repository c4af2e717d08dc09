/**
 * The clockwork of losing a provider. What bounds "running elsewhere":
 *
 *   last contact ──(lease)──▶ the old place has certainly stopped ──(margin + pass + start)──▶ running elsewhere
 *
 * A silence shorter than `downAfterMs` moves nothing; the lease is a little longer than that, so waiting for the
 * verdict never adds to waiting for the lease. 6 s + 0.5 s + a pass and a process start stay under 10 s.
 */
export interface Timing {
  /** How long a sync is held when there is nothing new; so also how often an idle agent is heard. */
  readonly heartbeatMs: number;
  /** The vendor's side stops the work when it has heard nothing for this long. */
  readonly leaseSeconds: number;
  /** Added to a lease's end before anybody else may run the job: clock rates differ, SIGKILL takes a moment. */
  readonly leaseMarginMs: number;
  /** Silence after which nothing new is placed there. */
  readonly degradedAfterMs: number;
  /** Silence after which what runs there is given up. */
  readonly downAfterMs: number;
  /** A provider that was down is heard without a gap for this long before it is trusted again. */
  readonly recoverAfterMs: number;
  /** Twice as long with every further time that it was down within FLAPPING_MS (health.ts), and at most this long. */
  readonly recoverMaxMs: number;
  /** So long nobody is given up because everybody is silent at once: that is more likely our own network. */
  readonly doubtMs: number;
  /** So many starts a provider is about at once; the others are ordered as those have begun. A disaster moves thousands. */
  readonly startsAtOnce: number;
  /** A provider that was down is well for this long before work goes back to it by itself. */
  readonly failbackAfterMs: number;
  /** Period of the repair pass. */
  readonly sweepMs: number;
  /** Between the first two meterings of an allocation, whole seconds; doubles with each, up to meterMaxMs, while there is money. */
  readonly meterMs: number;
  readonly meterMaxMs: number;
  /** First wait after a failed placement or a lost allocation; doubles up to backoffMaxMs. */
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  /** How long a provider that refused or lost a job is avoided by that job, where there is another. */
  readonly avoidMs: number;
  /** A job whose allocations were refused or lost without running this many times in a row is failed. */
  readonly attemptsMax: number;
  /** A start that takes longer counts against whoever took the order (SkyPilot gives a job 10 checks of 5 s). */
  readonly launchMs: number;
  /** How far back launches, losses and faults count. */
  readonly sampleWindowMs: number;
  /** A scope is closed by the bad experience of so many projects, and of this share of those that had any. */
  readonly closeVotes: number;
  readonly closeShare: number;
  /** First hold-down of a closed scope, doubling up to recoverMaxMs (Karmada calls a cluster failed after 30 s). */
  readonly scopeHoldMs: number;
  /** The same after a fault of a device or a broker, which nobody repairs in seconds (Kueue's longest reconnect: 5 min 20 s). */
  readonly gpuHoldMs: number;
  /** Calls of one verb in a row that must fail before it is a sample. */
  readonly verbFailures: number;
  /** Harm that lasts so long moves what must not stop (Karmada's failure threshold). */
  readonly eagerAfterMs: number;
}

export const DEFAULT_TIMING: Timing = {
  heartbeatMs: 1_000,
  leaseSeconds: 6,
  leaseMarginMs: 500,
  degradedAfterMs: 2_500,
  downAfterMs: 5_000,
  recoverAfterMs: 5_000,
  recoverMaxMs: 300_000,
  doubtMs: 60_000,
  startsAtOnce: 64,
  failbackAfterMs: 300_000,
  sweepMs: 250,
  meterMs: 5_000,
  meterMaxMs: 300_000,
  backoffMs: 500,
  backoffMaxMs: 30_000,
  avoidMs: 60_000,
  attemptsMax: 20,
  launchMs: 60_000,
  sampleWindowMs: 120_000,
  closeVotes: 2,
  closeShare: 0.5,
  scopeHoldMs: 30_000,
  gpuHoldMs: 300_000,
  verbFailures: 3,
  eagerAfterMs: 30_000,
};
