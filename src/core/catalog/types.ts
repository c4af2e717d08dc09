import type { FormFactor } from '../gpu.ts';

/**
 * Words of catalog import. A catalog lists prices, not stock, and knows nothing of currencies: its prices are
 * US dollars, and how many of a machine can be had is not in it.
 */

/**
 * Places of an offer that an import brings in, unless the vendor says otherwise: one, because promising what
 * nobody promised would only be found out by refusals. Imports leave the capacity of offers that are there alone.
 */
export const IMPORTED_CAPACITY = 1;

/** One offer as a catalog states it, in the project's own words. Everything that an import may write. */
export interface ImportedOffer {
  /**
   * Unique within the catalog, `[a-z0-9-]`, at most 200 characters, made only of what identifies the machine
   * (never of its price or its line), so that the same file twice gives the same names.
   */
  readonly name: string;
  /** As in the catalog; `unspecified` where that is empty. */
  readonly region: string;
  /** Canonical (core/gpu.ts). Imported offers always have a GPU. */
  readonly gpuModel: string;
  readonly gpuCount: number;
  /** Nominal, of one device. */
  readonly gpuMemoryGiB: number;
  /** Null where the catalog does not say. */
  readonly gpuFormFactor: FormFactor | null;
  /** 0 where the catalog does not say. */
  readonly cpus: number;
  /** Of the machine; 0 where the catalog does not say. */
  readonly memoryGiB: number;
  /** For the whole offer; null: spot only. Never both null. */
  readonly priceMicrosPerHour: bigint | null;
  readonly spotPriceMicrosPerHour: bigint | null;
  readonly currency: 'USD';
  /** What the catalog said, word for word, for `offers.listed`: the cells by column name, and the 1-based `line`. */
  readonly listed: Readonly<Record<string, string | number>>;
}

export interface SkippedLine {
  /** 1-based line of the file on which the row starts; for a summary, of the first row that it stands for. */
  readonly line: number;
  /** For a person. A summary ends in "(and N more rows)". */
  readonly reason: string;
}

export interface ParsedCatalog {
  /** In the order of their names (code units). */
  readonly offers: readonly ImportedOffer[];
  /** In the order of lines; at most SKIPPED_PER_REASON entries for one kind of reason, then one summary. */
  readonly skipped: readonly SkippedLine[];
  /** How many rows were skipped, summaries counted out. */
  readonly skippedRows: number;
}

/** The text is no catalog of this form at all. `message` is fit for the client: it names what is missing. */
export class NotACatalog extends Error {
  override readonly name = 'NotACatalog';
}

/** What diffCatalog needs to know of an offer that is stored already. */
export interface ExistingOffer {
  readonly name: string;
  readonly region: string;
  readonly gpuModel: string | null;
  readonly gpuCount: number;
  readonly gpuMemoryGiB: number;
  readonly gpuFormFactor: FormFactor | null;
  readonly cpus: number;
  readonly memoryGiB: number;
  readonly priceMicrosPerHour: bigint | null;
  readonly spotPriceMicrosPerHour: bigint | null;
  readonly currency: string;
  readonly withdrawnAt: Date | null;
}

/**
 * What an import changes. `capacity` is not part of a catalog, so `updated` offers keep theirs and only `imported`
 * ones need one.
 */
export interface CatalogDiff {
  /** New, or withdrawn before and back again. */
  readonly imported: readonly ImportedOffer[];
  /** There already, something differs. */
  readonly updated: readonly ImportedOffer[];
  /** Number of offers that are as they were: nothing to write. */
  readonly unchanged: number;
  /** Names of live offers that the catalog no longer has. */
  readonly withdrawn: readonly string[];
}
