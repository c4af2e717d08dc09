import type { ImportedOffer } from './types.ts';

const LENGTH = 190;

/** What a name is made of: only what tells one machine from another, never a price or a position in the file. */
export interface Identity {
  readonly instanceType: string;
  readonly gpuModel: string;
  readonly gpuCount: number;
  readonly region: string;
  readonly zone: string;
}

export type Unnamed = Omit<ImportedOffer, 'name'> & { readonly identity: Identity };

/** `p4d-24xlarge-a100-40gb-x8-us-east-1-use1-az2` */
export function baseName(identity: Identity): string {
  const { instanceType, gpuModel, gpuCount, region, zone } = identity;
  const place = zone.startsWith(region) ? zone : `${region} ${zone}`;
  const name = slug(`${instanceType} ${gpuModel} x${gpuCount} ${place}`).slice(0, LENGTH);
  return name.replace(/-+$/, '') || 'offer';
}

/**
 * Names them all. What would get the same name (one machine at two prices; two places whose letters a slug drops)
 * is numbered: in the order of what is stable first and of the price last, so that a price that moves renames as
 * little as possible.
 */
export function nameAll(unnamed: readonly Unnamed[]): ImportedOffer[] {
  const groups = new Map<string, Unnamed[]>();
  for (const offer of unnamed) {
    const base = baseName(offer.identity);
    const group = groups.get(base);
    if (group) group.push(offer);
    else groups.set(base, [offer]);
  }
  const taken = new Set(groups.keys());
  const named = [...groups].flatMap(([base, group]) => numbered(base, group.sort(compare), taken));
  return named.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function numbered(base: string, group: readonly Unnamed[], taken: Set<string>): ImportedOffer[] {
  let number = 1;
  return group.map(({ identity: _, ...offer }, index) => {
    if (index === 0) return { name: base, ...offer };
    do number += 1;
    while (taken.has(`${base}-${number}`));
    taken.add(`${base}-${number}`);
    return { name: `${base}-${number}`, ...offer };
  });
}

function compare(a: Unnamed, b: Unnamed): number {
  return (
    text(a.identity.instanceType, b.identity.instanceType) ||
    text(a.region, b.region) ||
    text(a.identity.zone, b.identity.zone) ||
    a.gpuMemoryGiB - b.gpuMemoryGiB ||
    a.cpus - b.cpus ||
    a.memoryGiB - b.memoryGiB ||
    price(a.priceMicrosPerHour, b.priceMicrosPerHour) ||
    price(a.spotPriceMicrosPerHour, b.spotPriceMicrosPerHour)
  );
}

function text(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Not sold that way comes last. */
function price(a: bigint | null, b: bigint | null): number {
  if (a === b) return 0;
  if (a === null || b === null) return a === null ? 1 : -1;
  return a < b ? -1 : 1;
}

function slug(words: string): string {
  return words
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}+/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
}
