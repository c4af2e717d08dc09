import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { languageOf, problemTitle, type Language } from '../src/core/messages.ts';
import { PROBLEMS, Problem, type ProblemType } from '../src/core/problem.ts';
import { isUnavailable } from '../src/store/faults.ts';

export const PROBLEM_JSON = 'application/problem+json; charset=utf-8';

/** What the framework means by its own refusals. Anything else of it below 500 is an invalid request. */
const FRAMEWORK: Readonly<Record<string, readonly [ProblemType, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['payload-too-large', 'The body is larger than this door takes.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported-media-type', 'This content type is not taken here.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['invalid-request', 'The body is not as long as Content-Length says.'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['invalid-request', 'The body is not valid JSON.'],
  FST_ERR_BAD_URL: ['invalid-request', 'The path is not a valid one.'],
  FST_ERR_MAX_PARAM_LENGTH: ['invalid-request', 'A part of the path is too long.'],
};

/** Any failure as the problem that the client is to see. A cause is never shown. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (isUnavailable(error)) {
    return new Problem('unavailable', 'The database cannot be reached just now.', { retryAfterSeconds: 2 });
  }
  const { code, statusCode } = error as Partial<FastifyError>;
  const known = code === undefined ? undefined : FRAMEWORK[code];
  if (known !== undefined) return new Problem(known[0], known[1]);
  if (error instanceof SyntaxError || (statusCode !== undefined && statusCode >= 400 && statusCode < 500)) {
    return new Problem('invalid-request', 'The request cannot be understood.');
  }
  return new Problem('internal-error', 'The cause is in the log, under the id that `instance` names.');
}

/** The body of the answer; its title in the client's language. */
export function renderProblem(
  problem: Problem,
  requestId: string,
  language: Language,
): Record<string, unknown> {
  const { status } = PROBLEMS[problem.type];
  const title = problemTitle(problem.type, language);
  const body = {
    type: `/problems/${problem.type}`,
    title,
    status,
    detail: problem.message,
    instance: `urn:naru:request:${requestId}`,
    ...problem.members,
  };
  return problem.errors.length === 0 ? body : { ...body, errors: problem.errors };
}

/** Answers with the problem, and logs a failure that is ours with its cause. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply {
  const problem = toProblem(error);
  if (problem.status >= 500) request.log.error({ err: error }, 'request failed');
  if (problem.retryAfterSeconds !== null) reply.header('retry-after', String(problem.retryAfterSeconds));
  if (problem.type === 'unauthenticated') reply.header('www-authenticate', 'Bearer');
  const language = languageOf(request.headers['accept-language']);
  return reply
    .code(problem.status)
    .header('content-language', language)
    .header('content-type', PROBLEM_JSON)
    .header('x-request-id', request.id)
    .serializer(JSON.stringify)
    .send(renderProblem(problem, request.id, language));
}
