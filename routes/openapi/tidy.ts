import type { OpenAPIV3_1 } from 'openapi-types';
import { problemExamples } from './common.ts';
import { addExamples } from './examples.ts';

type Json = Record<string, unknown>;
type Schemas = Record<string, Json>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The finished document, put in order: every schema that has a name comes out of the generator twice (as it goes in
 * and as it comes out, used or not), answers claim to have no further members, and queries repeat what they say.
 */
export function tidy(made: object): OpenAPIV3_1.Document {
  const document = made as Json & {
    components: { schemas: Schemas; examples?: Json };
    paths: Record<string, Json>;
  };
  document.components.examples = problemExamples();
  forEachAnswer(document.paths, openAnswers);
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    if (!name.endsWith('Input')) openAnswers(schema);
  }
  // Before the pairs: what only an unused schema refers to is not used.
  prune(document);
  mergePairs(document);
  prune(document);
  addExamples(document.paths);
  document.components.schemas = Object.fromEntries(
    Object.entries(document.components.schemas).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  return document as unknown as OpenAPIV3_1.Document;
}

/** A client must expect more members in an answer than it knows. In place. */
function openAnswers(schema: Json): Json {
  walk(schema, (node) => {
    if (node['additionalProperties'] === false) delete node['additionalProperties'];
  });
  return schema;
}

function forEachAnswer(paths: Record<string, Json>, change: (schema: Json) => void): void {
  for (const path of Object.values(paths)) {
    for (const operation of Object.values(path)) {
      const { responses } = operation as { responses?: Record<string, Json> };
      for (const response of Object.values(responses ?? {})) change(response);
    }
  }
}

/** `XInput` becomes `X` where the two say the same, or where nobody uses `X`. */
function mergePairs(document: { components: { schemas: Schemas } }): void {
  const { schemas } = document.components;
  for (const name of Object.keys(schemas).filter((one) => one.endsWith('Input'))) {
    const plain = name.slice(0, -'Input'.length);
    const used = refsIn(document);
    const same = JSON.stringify(schemas[plain]) === JSON.stringify(withoutStrictness(schemas[name]));
    if (!same && used.has(plain) && used.has(name)) continue;
    if (used.has(name) && !used.has(plain)) schemas[plain] = schemas[name] ?? {};
    delete schemas[name];
    rename(document, name, plain);
  }
}

const withoutStrictness = (schema: Json | undefined): Json => openAnswers(structuredClone(schema ?? {}));

function rename(document: unknown, from: string, to: string): void {
  walk(document, (node) => {
    if (node['$ref'] === `#/components/schemas/${from}`) node['$ref'] = `#/components/schemas/${to}`;
  });
}

/** Takes out what nothing refers to, until all that is left is used. */
function prune(document: { components: { schemas: Schemas } }): void {
  const { schemas } = document.components;
  for (;;) {
    const used = refsIn(document);
    const unused = Object.keys(schemas).filter((name) => !used.has(name));
    if (unused.length === 0) return;
    for (const name of unused) delete schemas[name];
  }
}

/** Names that are referred to from anywhere but the schema itself. */
function refsIn(document: { components: { schemas: Schemas } }): Set<string> {
  const names = new Set<string>();
  const note = (node: Json, own: string | null) => {
    const name = typeof node['$ref'] === 'string' ? node['$ref'].split('/').at(-1) : undefined;
    if (name !== undefined && name !== own) names.add(name);
  };
  const { components, ...rest } = document;
  walk(rest, (node) => note(node, null));
  for (const [own, schema] of Object.entries(components.schemas)) walk(schema, (node) => note(node, own));
  return names;
}

function walk(value: unknown, visit: (node: Json) => void): void {
  if (Array.isArray(value)) for (const item of value) walk(item, visit);
  if (!isObject(value)) return;
  visit(value);
  for (const member of Object.values(value)) walk(member, visit);
}
