interface Overridden {
  readonly zodSchema: unknown;
  readonly jsonSchema: Record<string, unknown>;
  readonly io?: 'input' | 'output';
}

/**
 * What zod says of a schema, made fit to read: `z.int()` would print ±9007199254740991, a time a pattern of three
 * hundred characters, and every answer that it has no further members, which would make adding one a change that
 * breaks clients.
 */
export function override(context: Overridden): void {
  const { jsonSchema } = context;
  if (jsonSchema['maximum'] === Number.MAX_SAFE_INTEGER) delete jsonSchema['maximum'];
  if (jsonSchema['minimum'] === Number.MIN_SAFE_INTEGER) delete jsonSchema['minimum'];
  if (jsonSchema['format'] === 'date-time') delete jsonSchema['pattern'];
  if (jsonSchema['propertyNames'] !== undefined) delete jsonSchema['propertyNames'];
}
