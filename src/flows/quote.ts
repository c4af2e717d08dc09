import { coversProject, tenantScope, type Actor } from '../core/access.ts';
import type { JobSpec } from '../core/job.ts';
import { jobToQuote, quoteFor } from '../core/placement/quote.ts';
import { stateFrom } from '../core/placement/record.ts';
import { Problem, type ProblemType } from '../core/problem.ts';
import { askOf, differences, hashAsk, isExpired, QUOTE_LIFE_SECONDS, type HeldQuote } from '../core/quote.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { insertQuote } from '../store/apply/quotes.ts';
import { findQuote, type QuoteRow } from '../store/read/quotes.ts';
import { currentMarket } from './market.ts';
import { once, type Answer, type Ask } from './once.ts';

/**
 * What a job would get now, and a price that is held for it (core/quote.ts says what that means). Nothing is reserved,
 * and the queue is not looked at. `organization` is the project's; the door has checked that the project is the actor's.
 *
 * The market is looked at before the transaction: a repetition does so in vain, and no row is locked meanwhile.
 */
export async function createQuote<Body>(
  deps: Deps,
  actor: Actor,
  { spec, organization }: { readonly spec: JobSpec; readonly organization: string },
  ask: Ask<QuoteRow, Body>,
): Promise<Answer<Body>> {
  const now = deps.clock.now();
  const row = await decide(deps, actor, spec, organization, now);
  return once(deps, actor, ask, now, async (tx) => {
    await insertQuote(tx, row);
    const { project, kind } = spec;
    const data = { project, kind, pricePerHour: row.body.pricePerHour };
    const entry = { actor, action: 'quote.create', target: row.id, requestId: ask.requestId, data };
    await appendAudit(tx, now, [entry]);
    return row;
  });
}

async function decide(
  deps: Deps,
  actor: Actor,
  spec: JobSpec,
  organization: string,
  now: Date,
): Promise<QuoteRow> {
  const { market, state } = await currentMarket(deps, now);
  const { prices, ...body } = quoteFor(market, stateFrom(state), jobToQuote(spec, organization, now));
  const id = deps.ids.next('quo', now);
  const expiresAt = new Date(now.getTime() + QUOTE_LIFE_SECONDS * 1_000);
  return {
    id,
    organization,
    project: spec.project,
    createdBy: actor.id,
    createdAt: now,
    expiresAt,
    askHash: hashAsk(body.ask),
    held: prices === null ? null : { id, expiresAt: expiresAt.toISOString(), ...prices },
    body,
  };
}

/** A quote that the actor may see. Problem not-found: there is none, or it is another tenant's; the two are alike. */
export async function visibleQuote(deps: Deps, actor: Actor, id: string): Promise<QuoteRow> {
  const row = await findQuote(deps.store.db, id);
  if (row === null || !coversProject(tenantScope(actor), nameOf(row)))
    throw new Problem('not-found', 'There is no such quote.');
  return row;
}

/**
 * What the quote `quoteId` holds for a job that is just being submitted. Problems, all at /quoteId: not-found (there is
 * none, or it is not the project's), impossible-spec (it has expired, is for something else, or quotes no price).
 */
export async function quoteForSubmission(
  deps: Deps,
  actor: Actor,
  spec: JobSpec,
  quoteId: string,
): Promise<HeldQuote> {
  const row = await findQuote(deps.store.db, quoteId);
  if (row === null || row.project !== spec.project || !coversProject(tenantScope(actor), nameOf(row)))
    throw refusal('not-found', 'The project has no such quote.');
  if (isExpired(row, deps.clock.now()))
    throw refusal(
      'impossible-spec',
      `The quote expired at ${row.expiresAt.toISOString()}: ask for a new one.`,
    );
  const ask = askOf(spec, row.organization);
  if (hashAsk(ask) !== row.askHash)
    throw refusal('impossible-spec', otherAsk(differences(row.body.ask, ask)));
  if (row.held === null)
    throw refusal(
      'impossible-spec',
      'The quote has no candidate, so it holds no price: nothing could be had.',
    );
  return row.held;
}

const nameOf = ({ project, organization }: QuoteRow) => ({ name: project, organization });

const otherAsk = (pointers: readonly string[]) =>
  `The quote is for a job that asks for something else: it differs in ${pointers.join(', ')}.`;

function refusal(type: ProblemType, detail: string): Problem {
  return new Problem(type, 'The job cannot be placed by this quote.', {
    errors: [{ pointer: '/quoteId', detail }],
  });
}
