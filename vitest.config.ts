import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/harness/setup.ts'],
    // As src/main.ts does: 27 MB instead of 260 MB in every worker.
    execArgv: ['--import', new URL('src/lean.ts', import.meta.url).href],
    pool: 'forks',
    // The tests start real servers and processes beside these.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
  },
});
