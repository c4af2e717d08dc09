import type { JobSpec } from '../../src/core/job.ts';
import type { CapacityClass, DataGradeRow, GpuSpeed } from '../../src/core/policy.ts';
import type { Certification, Site } from '../../src/core/provider.ts';
import type { HeldQuote } from '../../src/core/quote.ts';
import type { CertificationNeed, PlacementRules, RuleSet } from '../../src/core/rules.ts';
import { RATES } from './market.ts';

/**
 * What a placement has to keep, written anew here from what the words mean, so that a mistake in the placement is not
 * repeated. Nothing of it is shared with src/core/placement.
 */
export interface OfferFacts {
  readonly provider: string;
  readonly name: string;
  readonly gpuModel: string | null;
  readonly gpuFormFactor: string | null;
  readonly gpuCount: number;
  readonly gpuMemoryGiB: number;
  readonly cpus: number;
  readonly memoryGiB: number;
  readonly region: string;
  readonly currency: string;
  readonly pool: string | null;
}

export interface PlaceFacts {
  readonly name: string;
  readonly site: Site;
  readonly realm: string;
  readonly certifications: readonly Certification[];
  readonly attested: boolean;
  /** Some drill ever proved its recovery. (Whether that holds is asked of core, by its own tests.) */
  readonly drilled: boolean;
}

export interface Wanted {
  readonly spec: JobSpec;
  readonly organization: string;
  readonly project: string;
  readonly quote: HeldQuote | null;
}

/** Rules and tables as they are stored. */
export interface Law {
  readonly organizations: ReadonlyMap<string, RuleSet | null>;
  readonly projects: ReadonlyMap<string, RuleSet | null>;
  readonly dataGrades: readonly DataGradeRow[];
  readonly capacityClasses: readonly CapacityClass[];
  readonly gpuSpeeds: readonly GpuSpeed[];
}

/** Every level that has rules, by whose they are. */
function levelsOf({ spec, organization, project }: Wanted, law: Law): [string, PlacementRules][] {
  const levels: [string, PlacementRules | null | undefined][] = [
    [`of ${organization}`, law.organizations.get(organization)],
    [`of ${project}`, law.projects.get(project)],
    ['of the job', spec.placement],
  ];
  return levels.flatMap(([whose, rules]) => (rules ? [[whose, rules] as [string, PlacementRules]] : []));
}

/** Which words are broken there, whatever it costs and however much of it is taken; empty: none. */
export function brokenRules(
  job: Wanted,
  offer: OfferFacts,
  place: PlaceFacts,
  law: Law,
  atMs: number,
): string[] {
  const { gpu, cpus, memoryGiB, nodes } = job.spec.resources;
  const ofShape: [string, boolean][] = [
    ['gpu-count', offer.gpuCount >= gpu.count],
    ['gpu-model', gpu.count === 0 || isModel(job.spec, offer, law)],
    ['gpu-memory', gpu.count === 0 || offer.gpuMemoryGiB >= gpu.minMemoryGiB],
    ['cpus', offer.cpus >= cpus],
    ['memory', offer.memoryGiB >= memoryGiB],
    // Nobody here can start one job on several machines.
    ['nodes', nodes === 1],
  ];
  const ofPlace = levelsOf(job, law).flatMap(([whose, rules]) =>
    brokenAt(rules, offer, place, law, atMs).map((rule): [string, boolean] => [`${rule} ${whose}`, false]),
  );
  return [...ofShape, ...ofPlace].filter(([, kept]) => !kept).map(([rule]) => rule);
}

function brokenAt(
  rules: PlacementRules,
  offer: OfferFacts,
  place: PlaceFacts,
  law: Law,
  atMs: number,
): string[] {
  const listed = (lists: { allow: readonly string[]; deny: readonly string[] }, name: string) =>
    (lists.allow.length === 0 || lists.allow.includes(name)) && !lists.deny.includes(name);
  const words: [string, boolean][] = [
    ['providers', listed(rules.providers, offer.provider)],
    ['regions', listed(rules.regions, offer.region)],
    ['countries', rules.countries.length === 0 || rules.countries.includes(place.site.country)],
    ['realm', rules.realms.length === 0 || (rules.realms as string[]).includes(vouchedRealm(place))],
    ['certification', rules.certifications.every((need) => isCertified(place, need, atMs))],
    ['data-grade', rules.dataGrade === null || mayCarry(place, rules.dataGrade, law, atMs)],
    // Officials say so now and then (drillers.ts).
    ['dr-verified', !rules.drVerified || place.drilled],
  ];
  return words.filter(([, kept]) => !kept).map(([rule]) => rule);
}

/** What each spelling that makeSpec uses means. */
const SPELLINGS: Readonly<Record<string, (offer: OfferFacts) => boolean>> = {
  H100: ({ gpuModel }) => gpuModel === 'H100',
  'H100-SXM': ({ gpuModel, gpuFormFactor }) => gpuModel === 'H100' && gpuFormFactor === 'SXM',
  A100: ({ gpuModel }) => gpuModel === 'A100-80GB',
  'A100-80GB': ({ gpuModel }) => gpuModel === 'A100-80GB',
};

function isModel({ resources: { gpu } }: JobSpec, offer: OfferFacts, law: Law): boolean {
  if (gpu.models.length === 0 && gpu.class === null) return true;
  if (gpu.models.some((spelling) => SPELLINGS[spelling]?.(offer))) return true;
  const members = law.capacityClasses.filter(({ name }) => name === gpu.class).flatMap((one) => one.members);
  return members.some(
    ({ model, formFactor, minMemoryGiB }) =>
      model === offer.gpuModel &&
      (formFactor === null || formFactor === offer.gpuFormFactor) &&
      offer.gpuMemoryGiB >= minMemoryGiB,
  );
}

const vouchedRealm = ({ attested, realm }: PlaceFacts): string => (attested ? realm : 'public');

function isCertified(
  { attested, certifications }: PlaceFacts,
  need: CertificationNeed,
  atMs: number,
): boolean {
  const valid = certifications.filter(
    ({ validFrom, validUntil }) => Date.parse(validFrom) <= atMs && atMs < Date.parse(validUntil),
  );
  const held = valid.filter(({ scheme }) => scheme === need.scheme);
  return attested && held.some(({ grade }) => need.grades.length === 0 || need.grades.includes(grade));
}

function mayCarry(place: PlaceFacts, grade: string, law: Law, atMs: number): boolean {
  return law.dataGrades.some(
    (row) =>
      row.grade === grade &&
      Date.parse(row.validFrom) <= atMs &&
      (row.validUntil === null || atMs < Date.parse(row.validUntil)) &&
      (row.realms as string[]).includes(vouchedRealm(place)) &&
      (row.countries.length === 0 || row.countries.includes(place.site.country)) &&
      (row.certification === null || isCertified(place, row.certification, atMs)),
  );
}

/** Of one whole offer. */
export interface Sale {
  readonly provider: string;
  readonly offer: string;
  readonly spot: boolean;
  readonly listMicros: bigint;
  readonly currency: string;
  readonly gpuModel: string | null;
}

/** What of this price nobody asked for; empty: it is right. */
export function brokenPrice(job: Wanted, sale: Sale, law: Law, atMs: number): string[] {
  const broken = levelsOf(job, law).flatMap(([whose, { spot, maxPricePerHour, maxPricePerJob }]) => {
    const words: [string, boolean][] = [
      ['spot', sale.spot ? spot !== 'never' : spot !== 'only'],
      ['price', maxPricePerHour === null || costs(sale.listMicros, sale.currency) <= worth(maxPricePerHour)],
      // The price per job is an estimate, in floating point.
      [
        'job-price',
        maxPricePerJob === null || estimate(job.spec, sale, law) <= worth(maxPricePerJob) * (1 + 1e-9),
      ],
    ];
    return words.filter(([, kept]) => !kept).map(([rule]) => `${rule} ${whose}`);
  });
  if (RATES.get(sale.currency) === undefined) broken.push('no-rate');
  return [...broken, ...brokenPromise(job.quote, sale, atMs)];
}

/** Never dearer than the quote's ceiling; and while it lives, never dearer than what it says of that very offer. */
function brokenPromise(quote: HeldQuote | null, sale: Sale, atMs: number): string[] {
  if (quote === null) return [];
  const micros = Math.round(costs(sale.listMicros, sale.currency));
  const held = quote.prices.find(
    (one) => one.provider === sale.provider && one.offer === sale.offer && one.spot === sale.spot,
  );
  const words: [string, boolean][] = [
    ['the ceiling of the quote', micros <= Number(quote.ceilingMicrosPerHour)],
    [
      'the price of the quote',
      held === undefined || Date.parse(quote.expiresAt) <= atMs || micros <= Number(held.microsPerHour),
    ],
  ];
  return words.filter(([, kept]) => !kept).map(([rule]) => rule);
}

/** In micros of KRW; NaN, which nothing is below, where there is no rate. Far inside what a double holds exactly. */
const costs = (micros: bigint, currency: string): number =>
  (Number(micros) * Number(RATES.get(currency) ?? NaN)) / 1e6;
const worth = ({ amount, currency }: { amount: string; currency: string }): number =>
  Number(amount) * Number(RATES.get(currency) ?? NaN);

/** The formula of README and core/placement/objective.ts: hours at the model's speed, and on spot what interruptions cost. */
function estimate(spec: JobSpec, sale: Sale, law: Law): number {
  const seconds = spec.expectedRuntimeSeconds ?? spec.limits.maxRuntimeSeconds;
  if (seconds === null) return NaN;
  const speed = (model: string | null | undefined) =>
    law.gpuSpeeds.find((row) => row.model === model)?.speed ?? null;
  const [ours, theirs] = [speed(referenceOf(spec, law)), speed(sale.gpuModel)];
  const hours = (seconds / 3_600) * (ours === null || theirs === null ? 1 : ours / theirs);
  const redone = spec.kind === 'inference' ? 0 : Math.min(spec.checkpoint.intervalSeconds, seconds) / 2;
  const lost = sale.spot ? (hours * 0.23 * (redone + 120)) / 3_600 : 0;
  return costs(sale.listMicros, sale.currency) * (hours + lost);
}

/** The model that the runtime is of. "A100" says no size, and both are equally fast. */
function referenceOf({ resources: { gpu } }: JobSpec, law: Law): string | null {
  const named = gpu.models[0];
  if (named !== undefined) return named.startsWith('H100') ? 'H100' : 'A100-80GB';
  return law.capacityClasses.find(({ name }) => name === gpu.class)?.members[0]?.model ?? null;
}

/** What one place of the offer takes of its pool. Whole GPUs, millis and MiB. */
export function drawOf({ spec: { resources } }: Wanted, offer: OfferFacts): [number, number, number] {
  const { cpus, memoryGiB, nodes } = resources;
  return [
    nodes * offer.gpuCount,
    nodes * 1_000 * (cpus === 0 ? offer.cpus : cpus),
    nodes * 1_024 * (memoryGiB === 0 ? offer.memoryGiB : memoryGiB),
  ];
}

/** Kilometres, on a sphere: for two of four cities a rough number is as good as a fine one. */
export function kilometresApart(a: Site, b: Site): number {
  const rad = Math.PI / 180;
  const cosine =
    Math.sin(a.latitude * rad) * Math.sin(b.latitude * rad) +
    Math.cos(a.latitude * rad) * Math.cos(b.latitude * rad) * Math.cos((a.longitude - b.longitude) * rad);
  return 6_371 * Math.acos(Math.min(1, cosine));
}

/** The largest that any level asks for; 0: none does. */
export function separationOf(job: Wanted, law: Law): number {
  const ofLevels = levelsOf(job, law).map(([, { minSeparationKm }]) => minSeparationKm ?? 0);
  return Math.max(job.spec.continuity.minSeparationKm ?? 0, ...ofLevels);
}
