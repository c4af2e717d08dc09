/** One page of a list: the items, and whether there are more. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly more: boolean;
}

/** Reads ask for one more than wanted; this cuts it off again. */
export function toPage<Item>(rows: readonly Item[], limit: number): Page<Item> {
  return { items: rows.slice(0, limit), more: rows.length > limit };
}
