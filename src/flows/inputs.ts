import { gunzipSync, gzipSync } from 'node:zlib';
import {
  ENGINE,
  pageText,
  recordJob,
  recordMarket,
  type JobRecord,
  type MarketRecord,
  type PageRecord,
  type Part,
} from '../core/placement/record.ts';
import type { Purses } from '../core/ledger/purse.ts';
import type { QueuedJob } from '../core/placement/types.ts';
import type { Deps } from '../deps.ts';
import { keepInput, keepParts } from '../store/apply/inputs.ts';
import type { Tx } from '../store/store.ts';
import { termsPart, type CurrentMarket } from './market.ts';

/**
 * Writes what a pass is decided from, page by page, with the decisions that it led to. A page of which nothing is
 * stored is written only if a later one is, which goes on from it.
 */
export class InputRecorder {
  readonly #deps: Pick<Deps, 'store' | 'ids'>;
  readonly #now: Date;
  readonly #current: CurrentMarket;
  readonly #purses: Purses;
  #unwritten: { readonly id: string; readonly page: PageRecord }[] = [];
  #last: string | null = null;
  #market: { readonly market: MarketRecord; readonly parts: readonly Part[] } | null = null;

  constructor(deps: Pick<Deps, 'store' | 'ids'>, now: Date, current: CurrentMarket, purses: Purses) {
    this.#purses = purses;
    this.#deps = deps;
    this.#now = now;
    this.#current = current;
  }

  /** Names the next page; nothing is written yet. */
  page(jobs: readonly QueuedJob[]): string {
    const id = this.#deps.ids.next('inp', this.#now);
    const records: JobRecord[] = jobs.map(recordJob);
    const after = this.#last;
    const market = after === null ? this.#record().market : null;
    this.#unwritten.push({ id, page: { version: 1, after, market, jobs: records } });
    this.#last = id;
    return id;
  }

  /** Writes the last page and what it goes on from, in the transaction of its decisions; to be called again if that is begun anew. */
  async write(tx: Tx): Promise<void> {
    const head = this.#unwritten.find(({ page }) => page.market !== null);
    if (head !== undefined) await keepParts(tx, this.#now, zipped(this.#record().parts));
    for (const { id, page } of this.#unwritten)
      await keepInput(tx, { id, at: this.#now, engine: ENGINE, body: gzipSync(pageText(page)) });
  }

  /** The transaction is over: what it wrote is there. */
  written(): void {
    this.#unwritten = [];
  }

  #record() {
    this.#market ??= recordMarket(
      this.#current.terms,
      this.#current.state,
      this.#purses,
      termsPart(this.#deps),
    );
    return this.#market;
  }
}

function zipped(parts: readonly Part[]): { readonly hash: string; readonly body: Buffer }[] {
  return parts.map(({ hash, text }) => ({ hash, body: gzipSync(text) }));
}

export function unzipped(body: Uint8Array): string {
  return gunzipSync(body).toString('utf8');
}
