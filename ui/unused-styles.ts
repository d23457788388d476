/** Leaves out of Mantine's style sheet what belongs to components that are not used here: a third of it. */
import { existsSync, readFileSync } from "node:fs";
import type { Plugin } from "vite";

const FOLDER = "node_modules/@mantine/core/styles";
const UNUSED = [
  "ActionBar", "Affix", "AngleSlider", "AspectRatio", "Avatar", "BackgroundImage", "Blockquote", "Cascader", "ColorInput", "ColorPicker", "ColorSwatch",
  "Container", "DataList", "Dialog", "Drawer", "EmptyState", "FloatingWindow", "Image", "LoadingOverlay", "Marquee", "Menubar", "OverflowList",
  "Pagination", "Rating", "RingProgress", "RollingNumber", "Scroller", "SemiCircleProgress", "Slider", "Splitter", "Spoiler", "TableOfContents",
  "Toolbar", "Tour", "Tree", "TreeSelect", "Typography",
];

/** The build fails when the list names a component that is used, or styles that are not in the sheet. */
export function unusedStyles(): Plugin {
  return {
    name: "unused-styles",
    apply: "build",
    enforce: "pre",
    transform(code, id) {
      if (!id.endsWith("@mantine/core/styles.css")) return null;
      return UNUSED.reduce((sheet, name) => {
        const file = `${FOLDER}/${name}.css`;
        const styles = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
        if (styles === "" || !sheet.includes(styles)) this.error(`${name} has no styles in Mantine's sheet: take it off the list of ui/unused-styles.ts`);
        return sheet.replace(styles, () => "");
      }, code);
    },
    generateBundle(_options, bundle) {
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== "chunk") continue;
        for (const id of Object.keys(chunk.modules)) {
          const name = /@mantine\/core\/.*\/(\w+)\.module\.mjs$/.exec(id)?.[1];
          if (name !== undefined && UNUSED.includes(name)) this.error(`${name} is used: take it off the list of ui/unused-styles.ts`);
        }
      }
    },
  };
}
