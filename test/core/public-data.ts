import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { fileURLToPath } from 'node:url';
import { noteSkipped } from '../harness/skip.ts';

/** Public catalogs and what they mean, which are not part of the project: beside the checkout, or NARU_TEST_DATA. */
const root = process.env['NARU_TEST_DATA'] ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));

export const hasPublicData = existsSync(`${root}/offers/offers.csv`);
if (!hasPublicData) {
  noteSkipped(
    'public price catalogs',
    'put them at ../shared/data beside the checkout, or name their folder in NARU_TEST_DATA',
  );
}

export function publicText(path: string): string {
  return readFileSync(`${root}/${path}`, 'utf8');
}

export function publicRows(path: string): Record<string, string>[] {
  return parse(publicText(path), { columns: true });
}

/** Names of the clouds of which there is a catalog. */
export function publicClouds(): string[] {
  return hasPublicData ? readdirSync(`${root}/offers/skypilot-catalog`).toSorted() : [];
}
