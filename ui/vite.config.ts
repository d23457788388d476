import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { GROUPS, lighterScrollArea } from "./chunks";
import { stylesBeside } from "./styles-beside";
import { wordParts } from "./word-parts";

// The built page goes into the Python package, so that the wheel carries it.
export default defineConfig({
  plugins: [stylesBeside(), lighterScrollArea(), wordParts(), react()],
  build: {
    outDir: "../src/stationmaster/ui_dist",
    emptyOutDir: true,
    sourcemap: false,
    chunkSizeWarningLimit: 500,
    // Inlined data: URLs would need a looser content security policy.
    assetsInlineLimit: 0,
    rolldownOptions: { output: { codeSplitting: { groups: GROUPS } } },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8080", "/files": "http://127.0.0.1:8080" } },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"] },
});
