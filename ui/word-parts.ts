/** Splits a catalogue of words in two: `?first` is what the frame, the sign-in and the overview say, `?rest` all else. */
import { readFileSync } from "node:fs";
import type { Plugin } from "vite";
import { FIRST } from "./src/i18n/first";

type Tree = { [key: string]: string | Tree };

export const PLURAL = /_(one|other)$/;
const PART = /^(.*\.json)\?(first|rest)$/;

/** `tree` without what is under these paths, and only that. */
export function split(tree: Tree, paths: readonly string[] = FIRST): { first: Tree; rest: Tree } {
  const first: Tree = {};
  const rest: Tree = {};
  for (const [key, value] of Object.entries(tree)) {
    const inside = paths.filter((path) => path.startsWith(`${key}.`)).map((path) => path.slice(key.length + 1));
    if (paths.includes(key.replace(PLURAL, ""))) first[key] = value;
    else if (typeof value === "string" || inside.length === 0) rest[key] = value;
    else {
      const parts = split(value, inside);
      first[key] = parts.first;
      rest[key] = parts.rest;
    }
  }
  return { first, rest };
}

export function wordParts(): Plugin {
  return {
    name: "word-parts",
    enforce: "pre",
    load(id) {
      const [, file, part] = PART.exec(id) ?? [];
      if (file === undefined) return null;
      this.addWatchFile(file);
      const words = split(JSON.parse(readFileSync(file, "utf8")) as Tree)[part as "first" | "rest"];
      return { code: `export default JSON.parse(${JSON.stringify(JSON.stringify(words))});`, moduleType: "js" };
    },
  };
}
