import { sql, type SQL } from 'drizzle-orm';

/**
 * Long texts of one line each (JSON) as a text[] of the same order. PostgreSQL takes one text apart in a fraction of the
 * time that it needs for an array parameter, in which every quote is escaped: 20 ms for 150, with 500 decisions.
 */
export function linesOf(texts: readonly string[]): SQL {
  return sql`string_to_array(${texts.join('\n')}::text, E'\\n')`;
}

/** For `in (…)`. */
export const list = (values: readonly string[]): SQL =>
  sql.join(
    values.map((value) => sql`${value}`),
    sql`, `,
  );
