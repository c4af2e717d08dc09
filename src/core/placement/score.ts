/** What a score is made of; each part lies between 0 (worst) and 1 (best). */
export const SCORE_PARTS = ['price', 'room', 'steady', 'accepting', 'onDemand'] as const;
export type ScorePart = (typeof SCORE_PARTS)[number];
