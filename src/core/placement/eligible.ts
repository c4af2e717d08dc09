import { distanceKm } from '../geo.ts';
import type { AllowDeny } from '../job.ts';
import type { DataGrade, DataGradeRow, Policies } from '../policy.ts';
import type { Certification, Realm } from '../provider.ts';
import type { CertificationNeed, PlacementRules } from '../rules.ts';
import { bit, type Broken } from './rules.ts';
import type { PlacementProvider } from './types.ts';

/**
 * Whether a provider may carry work under one level's rules, and if not, what is in the way, in words. A statement
 * that nobody vouched for does not count: a vendor would otherwise grant itself the state's data.
 */

/** What a check may look at besides the provider. */
export interface Circumstances {
  readonly now: Date;
  readonly policies: Policies;
}

/** The rules of one level that every offer of this provider breaks. */
export function brokenByProvider(
  rules: PlacementRules,
  provider: PlacementProvider,
  at: Circumstances,
): Broken {
  const { countries, realms, certifications, dataGrade } = rules;
  let broken = passes(rules.providers, provider.name) ? 0 : bit('providers');
  if (!listed(countries, provider.site.country)) broken |= bit('countries');
  if (realms.length > 0 && !realms.includes(realmOf(provider))) broken |= bit('realm');
  if (certifications.some((need) => certificationGap(provider, need, at.now) !== null))
    broken |= bit('certification');
  if (dataGrade !== null && gradeGap(provider, dataGrade, at) !== null) broken |= bit('data-grade');
  if (rules.drVerified && !isVerified(provider, at.now)) broken |= bit('dr-verified');
  return broken;
}

/** Denied wins over allowed; an empty allow list allows all. */
export function passes(lists: AllowDeny, name: string): boolean {
  return !lists.deny.includes(name) && (lists.allow.length === 0 || lists.allow.includes(name));
}

function listed(countries: readonly string[], country: string): boolean {
  return countries.length === 0 || countries.some((code) => code.toUpperCase() === country.toUpperCase());
}

/** As far as anybody has vouched for: a cloud that only says so itself is a public one. */
export function realmOf(provider: PlacementProvider): Realm {
  return provider.attested ? provider.realm : 'public';
}

export function isVerified(provider: PlacementProvider, now: Date): boolean {
  return provider.verifiedUntil !== null && provider.verifiedUntil > now;
}

/** Why the provider does not hold what is needed; null: it does. */
export function certificationGap(
  provider: PlacementProvider,
  need: CertificationNeed,
  now: Date,
): string | null {
  const wanted = [need.scheme, need.grades.join(' or ')].join(' ').trim();
  const held = provider.certifications.filter(
    ({ scheme, grade }) =>
      scheme === need.scheme && (need.grades.length === 0 || need.grades.includes(grade)),
  );
  if (held.length === 0) return `${provider.name} has no certificate ${wanted}`;
  const valid = held.find((one) => isValid(one, now));
  if (valid === undefined) return `${provider.name}'s certificate ${spanOf(held, now)}`;
  return provider.attested ? null : `${provider.name}'s certificate ${wanted} has not been vouched for`;
}

function isValid({ validFrom, validUntil }: Certification, now: Date): boolean {
  return Date.parse(validFrom) <= now.getTime() && now.getTime() < Date.parse(validUntil);
}

/** Of those that do not count now, the one that counted last, or will first. */
function spanOf(held: readonly Certification[], now: Date): string {
  const over = held
    .filter(({ validUntil }) => Date.parse(validUntil) <= now.getTime())
    .toSorted((a, b) => Date.parse(b.validUntil) - Date.parse(a.validUntil))[0];
  const ahead = held.toSorted((a, b) => Date.parse(a.validFrom) - Date.parse(b.validFrom))[0];
  if (over !== undefined) return `${over.scheme} ${over.grade} expired on ${dateOf(over.validUntil)}`;
  return `${ahead?.scheme} ${ahead?.grade} counts only from ${dateOf(ahead?.validFrom ?? '')}`;
}

const dateOf = (time: string) => time.slice(0, 10);

/** Why data of this grade may not go there, by the rows that hold now; null: it may. */
export function gradeGap(provider: PlacementProvider, grade: DataGrade, at: Circumstances): string | null {
  const rows = at.policies.dataGrades.filter((row) => row.grade === grade && holds(row, at.now));
  if (rows.length === 0) return `no policy says today where ${grade} data may go`;
  const gaps = rows.map((row) => rowGap(provider, row, at.now));
  // The last gap is that of the row that came nearest: rows are asked realm, country, certificate.
  return gaps.includes(null)
    ? null
    : (gaps.toSorted((a, b) => (a?.at ?? 0) - (b?.at ?? 0)).at(-1)?.says ?? '');
}

function holds({ validFrom, validUntil }: DataGradeRow, now: Date): boolean {
  return (
    Date.parse(validFrom) <= now.getTime() && (validUntil === null || now.getTime() < Date.parse(validUntil))
  );
}

function rowGap(
  provider: PlacementProvider,
  row: DataGradeRow,
  now: Date,
): { readonly at: number; readonly says: string } | null {
  const realm = realmOf(provider);
  if (!row.realms.includes(realm)) {
    const unsaid = realm === provider.realm ? '' : ` (its realm ${provider.realm} has not been vouched for)`;
    return {
      at: 0,
      says: `${row.grade} data needs realm ${row.realms.join(' or ')}, ${provider.name} is ${realm}${unsaid}`,
    };
  }
  if (!listed(row.countries, provider.site.country))
    return { at: 1, says: `${row.grade} data has to stay in ${row.countries.join(' or ')}` };
  const gap = row.certification === null ? null : certificationGap(provider, row.certification, now);
  return gap === null ? null : { at: 2, says: `${row.grade} data: ${gap}` };
}

/** Is it too near to one of the places that it must be apart from? */
export function tooNear(
  provider: PlacementProvider,
  apartFrom: readonly PlacementProvider[],
  minSeparationKm: number,
): PlacementProvider | null {
  return apartFrom.find(({ site }) => distanceKm(site, provider.site) < minSeparationKm) ?? null;
}
