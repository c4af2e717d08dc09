import type { FastifySchema, RouteOptions } from 'fastify';
import { z } from 'zod';
import { PERMISSIONS } from '../../src/core/access.ts';
import { PROBLEMS, type ProblemType } from '../../src/core/problem.ts';
import { PROBLEM_HELP } from '../schemas/problem.ts';

interface Transformed {
  readonly schema: FastifySchema;
  readonly url: string;
}
interface Given {
  readonly schema: FastifySchema;
  readonly route: RouteOptions;
}

/** `{ description }` alone is an answer without a body; the generator wants that said as a schema. */
export function withEmptyAnswers<Schema extends FastifySchema | undefined>(schema: Schema): Schema {
  if (schema?.response === undefined) return schema;
  const answers = Object.entries(
    schema.response as Record<string, { description?: string; content?: unknown }>,
  );
  const response = answers.map(([status, answer]) => {
    const empty = !(answer instanceof z.ZodType) && answer.content === undefined;
    return [status, empty ? z.null().meta({ description: answer.description ?? 'Nothing.' }) : answer];
  });
  return { ...schema, response: Object.fromEntries(response) };
}

/** Adds to an operation what every route of its kind has: who may, and what it may be refused with. */
export function addCommon({ schema, url }: Transformed, { schema: given, route }: Given): Transformed {
  if (given === undefined || schema === undefined || (schema as { hide?: boolean }).hide === true)
    return { schema, url };
  const types = new Set<ProblemType>([...(given.problems ?? []), ...commonProblems(given, route)]);
  const { problems: _, ...rest } = schema as FastifySchema & { description?: string };
  const may = route.config?.may;
  return {
    url,
    schema: {
      ...rest,
      description: [rest.description, may === undefined ? undefined : rolesOf(may)]
        .filter((line) => line !== undefined)
        .join('\n\n'),
      security: may === undefined ? [] : [{ bearer: [] }],
      response: { ...(rest.response as object), ...refusals(types) },
    } as FastifySchema,
  };
}

const rolesOf = (may: keyof typeof PERMISSIONS) =>
  `Roles: ${PERMISSIONS[may].map((role) => `\`${role}\``).join(', ')}.`;

function* commonProblems(given: FastifySchema, route: RouteOptions): Generator<ProblemType> {
  yield 'internal-error';
  yield 'unavailable';
  if (
    given.body !== undefined ||
    given.querystring !== undefined ||
    given.params !== undefined ||
    given.headers !== undefined
  ) {
    yield 'invalid-request';
  }
  if (takesBody(route)) {
    yield 'invalid-request';
    yield 'payload-too-large';
    yield 'unsupported-media-type';
  }
  if (route.config?.may === undefined) return;
  yield 'unauthenticated';
  yield 'forbidden';
  yield 'rate-limited';
}

/** Whatever it makes of a body: one is read with these methods, and may be too large or of a foreign type. */
function takesBody({ method }: RouteOptions): boolean {
  return ['POST', 'PUT', 'PATCH', 'DELETE'].some((verb) => [method].flat().includes(verb));
}

/** One response a status; each names the types of problem that share it. What each means is said once, in components. */
function refusals(types: ReadonlySet<ProblemType>): Record<string, unknown> {
  const byStatus = Map.groupBy([...types].sort(), (type) => PROBLEMS[type].status);
  return Object.fromEntries(
    [...byStatus].map(([status, of]) => [
      String(status),
      {
        description: of.map((type) => `\`${type}\`: ${PROBLEMS[type].title}.`).join('\n\n'),
        content: {
          'application/problem+json': {
            schema: { $ref: '#/components/schemas/Problem' },
            examples: Object.fromEntries(of.map((type) => [type, { $ref: `#/components/examples/${type}` }])),
          },
        },
      },
    ]),
  );
}

/** For `components.examples`. */
export function problemExamples(): Record<string, unknown> {
  const types = Object.keys(PROBLEMS) as ProblemType[];
  return Object.fromEntries(
    types.map((type) => [
      type,
      { summary: PROBLEMS[type].title, description: PROBLEM_HELP[type], value: exampleOf(type) },
    ]),
  );
}

function exampleOf(type: ProblemType) {
  const { status, title } = PROBLEMS[type];
  return {
    type: `/problems/${type}`,
    title,
    status,
    detail: PROBLEM_HELP[type],
    instance: 'urn:naru:request:req-01jd3m',
  };
}
