import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { onServer, withDatabase } from './server.ts';

export interface TestDatabase {
  /** Of a migrated, empty database that nobody else has. */
  readonly url: string;
  drop(): Promise<void>;
}

/** A copy of the template: some tens of milliseconds. One per test file is usual. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { template } = inject('database');
  return createDatabase(`template ${template} strategy file_copy`);
}

/** One that was never migrated. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return createDatabase('');
}

async function createDatabase(how: string): Promise<TestDatabase> {
  const { url } = inject('database');
  const name = `naru_test_${randomBytes(6).toString('hex')}`;
  await onServer(url, `create database ${name} ${how}`);
  return {
    url: withDatabase(url, name),
    drop: () => onServer(url, `drop database if exists ${name} with (force)`),
  };
}
