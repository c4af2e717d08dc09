import type { FastifyRequest } from 'fastify';
import { languageOf } from '../src/core/messages.ts';
import type { Deps } from '../src/deps.ts';
import type { Shown } from './views/job.ts';

/** How a job is shown to whoever asks. */
export function shownTo(request: FastifyRequest, deps: Pick<Deps, 'config'>): Shown {
  return { currency: deps.config.currency, language: languageOf(request.headers['accept-language']) };
}
