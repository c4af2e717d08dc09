import { readdirSync, readFileSync } from 'node:fs';

const FOLDER = new URL('../../openapi/examples/', import.meta.url);

/** One request and what it is answered with: shown in the document, and replayed by a test in the order of names. */
export interface Example {
  readonly summary: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** As in the document, with `{names}`. */
  readonly route: string;
  /** As it is asked for. `{id}` stands for the id that was made last. */
  readonly path: string;
  readonly contentType?: string;
  readonly request?: unknown;
  readonly status: number;
  /** What the answer looks like; ids, times and secrets differ. */
  readonly response?: unknown;
}

export function readExamples(): ReadonlyMap<string, Example> {
  const names = readdirSync(FOLDER)
    .filter((name) => name.endsWith('.json'))
    .sort();
  return new Map(
    names.map((name) => [
      name.slice(0, -'.json'.length),
      JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as Example,
    ]),
  );
}

interface Media {
  examples?: Record<string, { summary: string; value: unknown }>;
}
interface Operation {
  readonly requestBody?: { readonly content: Record<string, Media> };
  readonly responses: Record<string, { readonly content?: Record<string, Media> }>;
}

/** Puts each example beside the operation that it is of. */
export function addExamples(paths: Record<string, Record<string, unknown>>): void {
  for (const [name, example] of readExamples()) {
    const operation = paths[example.route]?.[example.method.toLowerCase()] as Operation | undefined;
    if (operation === undefined) throw new Error(`openapi/examples/${name}.json is of no operation`);
    const short = name.replace(/^\d+-/, '');
    // What is refused as malformed is shown by its refusal alone: it is no example of the body.
    if (example.request !== undefined && example.status !== 400)
      show(operation.requestBody?.content, short, example.summary, example.request);
    if (example.response !== undefined)
      show(operation.responses[example.status]?.content, short, example.summary, example.response);
  }
}

function show(
  content: Record<string, Media> | undefined,
  name: string,
  summary: string,
  value: unknown,
): void {
  const [media] = Object.values(content ?? {});
  if (media === undefined) throw new Error(`the example ${name} has no place in the document`);
  media.examples = { ...media.examples, [name]: { summary, value } };
}
