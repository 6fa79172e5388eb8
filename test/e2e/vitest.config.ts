import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: join(import.meta.dirname, "../.."),
  test: {
    include: ["test/e2e/**/*.test.ts"],
    pool: "forks",
    // Each file keeps a daemon and a few clients busy; more than this only makes them wait for one another.
    maxWorkers: 3,
    // Real clients back off at random: a scenario that fails is tried once more, from nothing, before it counts as failed.
    retry: 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: process.env.CI ? ["default"] : ["verbose"],
  },
});
