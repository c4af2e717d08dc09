/** `place`: there is work to place. `effects`: a push provider has orders to carry out. */
export const TOPICS = ['place', 'effects'] as const;
export type Topic = (typeof TOPICS)[number];
