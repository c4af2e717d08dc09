/** A price that a quote holds for one way to buy one offer. Micros as decimal strings: it is stored as JSON. */
export interface HeldPrice {
  readonly provider: string;
  readonly offer: string;
  readonly spot: boolean;
  /** Of the whole offer, in its own currency, and the rate of that moment. */
  readonly listMicrosPerHour: string;
  readonly listCurrency: string;
  readonly rateMicros: string;
  /** In the accounting currency. */
  readonly microsPerHour: string;
}

/** What a quote means to the job that was submitted with it. */
export interface HeldQuote {
  readonly id: string;
  /** RFC 3339. Until then the prices below hold even where the vendor asks more by now. */
  readonly expiresAt: string;
  /** Of one whole offer, accounting currency: the job never pays more, wherever it is placed and whenever. */
  readonly ceilingMicrosPerHour: string;
  readonly prices: readonly HeldPrice[];
}
