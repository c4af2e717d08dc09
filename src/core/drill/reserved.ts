import { Problem } from '../problem.ts';

/** Organization and project of canaries: made when first needed, and nobody's to use for anything else. */
export const DRILLS_NAME = 'naru-drills';

/** Is that a name that only the service itself may use? */
export function isReserved(name: string | null): boolean {
  return name === DRILLS_NAME;
}

/** Problem `impossible-spec`, which points at the name, where it is reserved. */
export function refuseReserved(name: string | null, pointer: string): void {
  if (!isReserved(name)) return;
  const detail = `${DRILLS_NAME} is reserved for the canaries of drills.`;
  throw new Problem('impossible-spec', detail, { errors: [{ pointer, detail }] });
}
