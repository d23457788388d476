/**
 * Which modules go together: `core` is what even the sign-in needs, `frame` what nearly every page shows. Left to itself
 * the bundler makes a file for each set of pages that share something, and the first page fetches dozens of crumbs.
 */
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";

const LIBRARIES = [
  "react", "react-dom", "scheduler", "use-sync-external-store", "react-router", "i18next", "react-i18next", "@tanstack/query-core", "@tanstack/react-query",
  "openapi-fetch", "clsx", "@mantine/hooks", "@mantine/core/esm/core",
];
const CORE = [
  "ActionIcon", "Alert", "Anchor", "Button", "Card", "Center", "CloseButton", "Group", "Loader", "Paper", "Portal", "Stack", "Text", "ThemeIcon", "Title",
  "Transition", "UnstyledButton",
];
const FRAME = [
  "AppShell", "Badge", "Burger", "Code", "Collapse", "FloatingIndicator", "Grid", "Indicator", "Kbd", "List", "NavLink", "Progress", "ScrollArea",
  "SegmentedControl", "SimpleGrid", "Table",
];

const components = (names: readonly string[]) => `@mantine/core/esm/components/(?:${names.join("|")})`;
const modules = (...paths: string[]) => new RegExp(`node_modules/(?:${paths.join("|")})/`);

export const GROUPS = [
  { name: "core", test: modules(...LIBRARIES, components(CORE)) },
  { name: "frame", test: modules(components(FRAME)) },
];

/** Mantine's scroll area wants one small function of the library that places menus: ours does, which is a tenth of it. */
export function lighterScrollArea(): Plugin {
  return {
    name: "lighter-scroll-area",
    apply: "build",
    enforce: "pre",
    resolveId(source, importer) {
      return source === "@floating-ui/react" && importer?.endsWith("/ScrollArea/ScrollArea.mjs") ? fileURLToPath(new URL("src/lib/mergeRefs.ts", import.meta.url)) : null;
    },
  };
}
