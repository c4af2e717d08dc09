import { z } from 'zod';
import { ROLES } from '../../src/core/access.ts';
import { field, id, safeLine, slug, time, utcTime } from './fields.ts';

const createdAt = () => field(utcTime(), 'When it was made, RFC 3339.', '2026-11-22T10:00:00.000Z');

export const organizationRequest = z
  .strictObject({ name: field(slug(), 'Unique; used in other resources.', 'acme') })
  .meta({ id: 'OrganizationRequest', description: 'A new tenant.' });

export const organization = z
  .object({ name: field(z.string(), 'Its name.', 'acme'), createdAt: createdAt() })
  .meta({ id: 'Organization', description: 'A tenant.' });

export const projectRequest = z
  .strictObject({
    name: field(slug(), 'Unique in the installation; used in other resources.', 'kogpt'),
    organization: field(slug(), 'Whose it is.', 'acme'),
  })
  .meta({ id: 'ProjectRequest', description: 'A new project.' });

export const project = z
  .object({
    name: field(z.string(), 'Its name.', 'kogpt'),
    organization: field(z.string(), 'Whose it is.', 'acme'),
    createdAt: createdAt(),
  })
  .meta({ id: 'Project', description: 'What jobs belong to.' });

export const keyRequest = z
  .strictObject({
    role: field(z.enum(ROLES), 'What it may do.', 'member'),
    projects: field(z.array(slug()).min(1).max(200).nullish(), 'Role member: the projects that it may use.', [
      'kogpt',
    ]),
    organization: field(slug().nullish(), 'Role budgetOfficer: its organization.', 'acme'),
    vendor: field(slug().nullish(), 'Role vendor: whose providers it may manage.', 'nhn'),
    provider: field(slug().nullish(), 'Role agent: the provider whose agent calls with it.', 'pangyo'),
    expiresAt: field(
      time().nullish(),
      'When it stops working, RFC 3339; absent: never.',
      '2099-01-01T00:00:00Z',
    ),
    note: field(safeLine(200, 0).nullish(), 'For people.', "Kim's laptop"),
  })
  .meta({ id: 'KeyRequest', description: 'A new key. Each role needs exactly the fields that name it.' });

const keyFields = {
  id: field(z.string(), 'Names the key; not the secret.', 'key-01jd3m7a'),
  role: field(z.enum(ROLES), 'What it may do.', 'member'),
  projects: field(z.array(z.string()), 'Role member: the projects that it may use.', ['kogpt']),
  organization: field(z.string().nullable(), 'Role budgetOfficer: its organization.', null),
  vendor: field(z.string().nullable(), 'Role vendor: whose providers it may manage.', null),
  provider: field(z.string().nullable(), 'Role agent: the provider whose agent calls with it.', null),
  note: field(z.string().nullable(), 'For people.', "Kim's laptop"),
  createdAt: createdAt(),
  createdBy: field(z.string(), 'Id of the key that made it.', 'key-admin'),
  expiresAt: field(utcTime().nullable(), 'When it stops working, RFC 3339; null: never.', null),
  revokedAt: field(utcTime().nullable(), 'When it was revoked, RFC 3339; null: it was not.', null),
};

export const key = z.object(keyFields).meta({ id: 'Key', description: 'A key, without its secret.' });
export const newKey = z
  .object({
    ...keyFields,
    secret: field(
      z.string(),
      'Send it as `Authorization: Bearer`. Shown this once.',
      'naru_Xq3vEXAMPLEEXAMPLEEXAMPLE',
    ),
  })
  .meta({ id: 'NewKey', description: 'A key and, this once, its secret.' });

export const keyParams = z.object({ id: field(id(), 'Id of the key.', 'key-01jd3m7a') });
