import { defineConfig } from 'vitest/config';

/** Real servers, programs and browsers: a machine that does something else meanwhile gives them a second try, which the report shows. */
const world = ['test/real/**/*.test.ts', 'test/browser/**/*.test.ts'];

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'own', include: ['test/**/*.test.ts'], exclude: world } },
      { extends: true, test: { name: 'world', include: world, retry: 1 } },
    ],
  },
});
