import { QUOTE_LIFE_SECONDS } from '../src/core/quote.ts';
import { createQuote, visibleQuote } from '../src/flows/quote.ts';
import { answer } from './answers.ts';
import { askOf, creatingHeaders } from './creating.ts';
import { askedJob } from './job-body.ts';
import type { App, Room } from './room.ts';
import { jobRequest } from './schemas/job-request.ts';
import { quote, quoteParams, quoteRead } from './schemas/quote.ts';
import { renderQuote, renderQuoteRead } from './views/quote.ts';

const tags = ['Quotes'];

const PROMISE = [
  'Tells where a job would be placed now if nobody else waited, what it would cost there, and why nothing else would do. The body is that of a job; a `quoteId` in it means nothing here.',
  '**What is promised.** The quoted price is that of the first candidate. A job that is submitted with the quote before it expires never pays more per hour than that, wherever and whenever it is placed, moves included; where only dearer places are left it waits, and says so.',
  `**How long.** For ${QUOTE_LIFE_SECONDS / 60} minutes, candidates with \`held\` keep their own price even where the vendor asks more by now or the exchange rate has moved. Where the price has fallen, the lower one is paid. After that no job can be submitted with it; one that was keeps the quoted price as its ceiling.`,
  '**What is not.** Nothing is reserved: the place may be gone. What the whole job costs is an estimate.',
  '**For whom.** For any number of jobs of the same project that ask the same (`ask`).',
].join('\n\n');

export function quoteRoutes(app: App, room: Room): void {
  const { deps } = room;

  app.post(
    '/v1/quotes',
    {
      config: { may: 'quotes.write' },
      schema: {
        operationId: 'createQuote',
        tags,
        summary: 'Ask what a job would get and cost',
        description: PROMISE,
        headers: creatingHeaders,
        body: jobRequest,
        response: { 200: answer('The quote.', quote) },
        problems: [
          'not-found',
          'impossible-spec',
          'not-yet-supported',
          'idempotency-mismatch',
          'request-in-progress',
        ],
      },
    },
    async (request, reply) => {
      const asked = await askedJob(room, request.actor, request.body);
      const made = await createQuote(deps, request.actor, asked, askOf(request, renderQuote));
      if (made.replayed) reply.header('idempotency-replayed', 'true');
      return made.body;
    },
  );

  app.get(
    '/v1/quotes/:id',
    {
      config: { may: 'quotes.read' },
      schema: {
        operationId: 'getQuote',
        tags,
        summary: 'Read a quote',
        description: 'As it was answered. A week after it has expired it is forgotten.',
        params: quoteParams,
        response: { 200: answer('The quote.', quoteRead) },
        problems: ['not-found'],
      },
    },
    async (request) =>
      renderQuoteRead(await visibleQuote(deps, request.actor, request.params.id), deps.clock.now()),
  );
}
