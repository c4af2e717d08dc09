import { brokenBy } from './match.ts';
import { hasRoom, type Pass } from './pass.ts';
import { whatIsWrong } from './removal.ts';
import type { Request } from './request.ts';
import { firstBroken, RULES, type RuleName } from './rules.ts';

/** Why nothing of a provider's, or one offer of it, would do. */
export interface Rejection {
  readonly provider: string;
  /** Where one offer is meant; absent: several, of which `detail` says how many. */
  readonly offer?: string;
  readonly rule: RuleName;
  readonly detail: string;
}

/** What one rule removed that has no line of its own. */
export interface FurtherRejections {
  readonly rule: RuleName;
  readonly providers: number;
  readonly offers: number;
}

/** A person reads so far; thirty thousand offers of twenty clouds make about a hundred lines. */
export const REJECTIONS_SHOWN = 200;

/** Offers of one provider that one rule removed. */
interface Group {
  readonly rule: number;
  readonly provider: number;
  /** The first of them by name. */
  readonly position: number;
  offers: number;
}

/** Rules that say the same of every offer of a provider, so that none of them needs to be named. */
const OF_PROVIDER: ReadonlySet<RuleName> = new Set([
  'nodes',
  'providers',
  'countries',
  'realm',
  'certification',
  'data-grade',
  'dr-verified',
  'separation',
  'draining',
  'health',
]);

/**
 * Every offer that the request cannot have now, as a line for each provider and rule; an offer that breaks several
 * rules is counted under the first, as in a decision. What came furthest, and so is nearest to being had, comes first:
 * the last of RULES, then the names of providers.
 */
export function rejectionsOf(
  request: Request,
  pass: Pass,
): { readonly rejected: readonly Rejection[]; readonly further: readonly FurtherRejections[] } {
  const groups = groupsOf(request, pass).sort((a, b) => b.rule - a.rule || a.provider - b.provider);
  return {
    rejected: groups.slice(0, REJECTIONS_SHOWN).map((group) => lineOf(request, pass, group)),
    further: summed(groups.slice(REJECTIONS_SHOWN)),
  };
}

function groupsOf(request: Request, pass: Pass): Group[] {
  const groups = new Map<number, Group>();
  const { provider: providers } = pass.market.columns;
  for (let position = 0; position < providers.length; position += 1) {
    const rule = ruleAgainst(request, pass, position);
    if (rule < 0) continue;
    const provider = providers[position] ?? 0;
    const key = provider * RULES.length + rule;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { rule, provider, position, offers: 1 });
    else group.offers += 1;
  }
  return [...groups.values()];
}

/** Index in RULES; -1: it could be had. */
function ruleAgainst(request: Request, pass: Pass, position: number): number {
  const broken = brokenBy(request, pass, position);
  if (broken !== 0) return firstBroken(broken);
  return hasRoom(pass, position, request.needs) ? -1 : RULES.indexOf('capacity');
}

function lineOf(request: Request, pass: Pass, { rule: at, position, offers }: Group): Rejection {
  const rule = RULES[at] ?? 'capacity';
  const { provider = '', name: offer = '' } = pass.market.lots[position]?.offer ?? {};
  const wrong = whatIsWrong(rule, request, pass, position);
  if (offers === 1) return { provider, offer, rule, detail: wrong };
  const detail = OF_PROVIDER.has(rule)
    ? `${wrong} (${offers} offers)`
    : `${offers} offers; the first of them, ${offer}: ${wrong}`;
  return { provider, rule, detail };
}

function summed(groups: readonly Group[]): FurtherRejections[] {
  return [...Map.groupBy(groups, ({ rule }) => rule)].map(([rule, some]) => ({
    rule: RULES[rule] ?? 'capacity',
    providers: some.length,
    offers: some.reduce((sum, { offers }) => sum + offers, 0),
  }));
}
