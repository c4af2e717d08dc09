export const BROKER_KINDS = ['process', 'agent'] as const;
export type BrokerKind = (typeof BROKER_KINDS)[number];
/**
 * Kinds that can start one job on several machines at once and tell them of each other. None so far: `process` is one
 * machine, and an agent is the one on which it runs.
 */
export const MULTI_NODE_BROKERS: readonly BrokerKind[] = [];

export const REALMS = ['public', 'government', 'on-premises'] as const;
export type Realm = (typeof REALMS)[number];

export interface Site {
  readonly city: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  readonly region: string;
  /** Degrees, WGS 84. */
  readonly latitude: number;
  readonly longitude: number;
}

export interface Certification {
  readonly scheme: string;
  readonly grade: string;
  /** RFC 3339. */
  readonly validFrom: string;
  readonly validUntil: string;
}

/** `draining`: what runs there goes on, nothing new is placed. */
export const PROVIDER_MODES = ['active', 'draining'] as const;
export type ProviderMode = (typeof PROVIDER_MODES)[number];

export const HEALTH_STATES = ['unknown', 'healthy', 'degraded', 'down'] as const;
export type HealthState = (typeof HEALTH_STATES)[number];
