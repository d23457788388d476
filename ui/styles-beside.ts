/**
 * Brings each Mantine component's styles where the component is: a page fetches the styles of what it shows and of
 * nothing else. They are in a layer of their own, so that ours win whatever is fetched last.
 */
import { existsSync } from "node:fs";
import type { Plugin } from "vite";

const COMPONENT = /@mantine\/(\w+)\/esm\/.*\/(\w+)\.module\.mjs$/;
const SHEET = /@mantine\/(\w+)\/styles\.layer\.css$/;
const EVERYWHERE = ["baseline", "default-css-variables", "global"];

/** The development server has the whole sheets, which `main.tsx` names; a build only what every page needs of them. */
export function stylesBeside(): Plugin {
  return {
    name: "styles-beside",
    apply: "build",
    enforce: "pre",
    transform(code, id) {
      const whole = SHEET.exec(id)?.[1];
      if (whole !== undefined) return whole === "core" ? EVERYWHERE.map((name) => `@import "@mantine/core/styles/${name}.layer.css";`).join("\n") : "";
      const [, library, component] = COMPONENT.exec(id) ?? [];
      if (library === undefined) return null;
      const styles = library === "core" ? `@mantine/core/styles/${component}.layer.css` : `@mantine/${library}/styles.layer.css?beside`;
      if (!existsSync(`node_modules/${styles.replace("?beside", "")}`)) this.error(`${component} has no styles at ${styles}`);
      return `import "${styles}";\n${code}`;
    },
  };
}
