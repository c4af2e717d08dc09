import { KEY_FIELDS, type Role } from './access.ts';
import type { ProblemDetailItem } from './problem.ts';

/** What a new key is to be. */
export interface KeySpec {
  readonly role: Role;
  readonly projects: readonly string[] | null;
  readonly organization: string | null;
  readonly vendor: string | null;
  readonly provider: string | null;
  readonly expiresAt: Date | null;
  readonly note: string | null;
}

/** A role names exactly what it serves: no more (it would mislead), no less (it would open nothing). Empty: fine. */
export function checkKeySpec(spec: KeySpec, now: Date): ProblemDetailItem[] {
  const wanted = KEY_FIELDS[spec.role];
  const errors: ProblemDetailItem[] = [];
  for (const field of ['projects', 'organization', 'vendor', 'provider'] as const) {
    const given = spec[field] !== null;
    if (given && !wanted.includes(field))
      errors.push({ pointer: `/${field}`, detail: `A key of role ${spec.role} has no ${field}.` });
    if (!given && wanted.includes(field))
      errors.push({ pointer: `/${field}`, detail: `A key of role ${spec.role} needs ${field}.` });
  }
  if (spec.expiresAt !== null && spec.expiresAt <= now) {
    errors.push({ pointer: '/expiresAt', detail: 'It would be over before it begins.' });
  }
  return errors;
}
