import type { z } from 'zod';

/** A good answer as the document and the types want it. */
export const answer = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  description,
  content: { 'application/json': { schema } },
});
