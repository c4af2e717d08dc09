/** Organization and project of canaries: made when first needed, and nobody's to use for anything else. */
export const DRILLS_NAME = 'naru-drills';

/** Is that a name that only the service itself may use? */
export function isReserved(name: string | null): boolean {
  return name === DRILLS_NAME;
}
