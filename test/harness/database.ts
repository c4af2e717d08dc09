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
  const { url, template } = inject('database');
  return createDatabase(url, `template ${template} strategy file_copy`);
}

/** One that was never migrated; on the shared server, or on another. */
export async function createEmptyDatabase(server: string = inject('database').url): Promise<TestDatabase> {
  return createDatabase(server, '');
}

async function createDatabase(url: string, how: string): Promise<TestDatabase> {
  const name = `naru_test_${randomBytes(6).toString('hex')}`;
  await onServer(url, `create database ${name} ${how}`);
  return {
    url: withDatabase(url, name),
    drop: () => onServer(url, `drop database if exists ${name} with (force)`),
  };
}
