import { defineConfig } from "vitest/config";

export default defineConfig({
  root: import.meta.dirname,
  test: {
    include: [process.env["TESTS"] ?? "*.test.ts"],
    // One browser and one server at a time, on a machine that may be busy.
    fileParallelism: false,
    testTimeout: 480_000,
    hookTimeout: 240_000,
  },
});
