import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** Writes a `.br` and a `.gz` next to each built file, so that the server need not compress. */
function precompressed(): Plugin {
  let folder = "";
  const compress = (directory: string): void => {
    for (const name of readdirSync(directory)) {
      const path = join(directory, name);
      if (statSync(path).isDirectory()) {
        compress(path);
        continue;
      }
      const content = readFileSync(path);
      writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
      writeFileSync(
        `${path}.br`,
        brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length } }),
      );
    }
  };
  return {
    name: "precompressed",
    apply: "build",
    configResolved(config) {
      folder = join(config.root, config.build.outDir);
    },
    closeBundle() {
      compress(folder);
    },
  };
}

/** The server behind `npm run dev`. */
const server = process.env["FLIGHT_MONITOR"] ?? "http://127.0.0.1:8081";

export default defineConfig({
  // A proxy may serve the page below any path, so that every address in it is relative.
  base: "./",
  plugins: [precompressed()],
  assetsInclude: ["**/*.geojson"],
  build: {
    outDir: "dist/page",
    emptyOutDir: true,
    target: "es2022",
    // The page's Content-Security-Policy allows own files only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
    rolldownOptions: { input: ["index.html", "admin.html"] },
  },
  server: { proxy: { "/api": server, "^/admin/": server, "/sse": server, "/health": server } },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
