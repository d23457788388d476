import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import de from "./de.json";
import en from "./en.json";

type Tree = { [key: string]: string | Tree };

function keys(tree: Tree, path = ""): string[] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === "string" ? [`${path}${key}`] : keys(value, `${path}${key}.`),
  );
}

function lookup(tree: Tree, path: string): string | Tree | undefined {
  return path.split(".").reduce<string | Tree | undefined>((node, key) => (typeof node === "object" ? node[key] : undefined), tree);
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.tsx?$/.test(entry.name) && !entry.name.includes(".test.") ? [readFileSync(path, "utf-8")] : [];
  });
}

const english = en as Tree;
const german = de as Tree;
const texts = sources(join(__dirname, ".."));
const PLURAL = /_(one|other)$/;

describe("the message catalogues", () => {
  it("say the same things in both languages", () => {
    expect(keys(german).sort()).toEqual(keys(english).sort());
  });

  it("fill in the same values in both languages", () => {
    for (const key of keys(english)) {
      const holes = (text: unknown) => [...String(text).matchAll(/{{(\w+)}}/g)].map((match) => match[1]).sort();
      expect(holes(lookup(german, key)), key).toEqual(holes(lookup(english, key)));
    }
  });

  it("have every key that a page asks for", () => {
    const known = new Set(keys(english).map((key) => key.replace(PLURAL, "")));
    const asked = texts.flatMap((text) => [...text.matchAll(/\bt\("([\w.]+)"/g)].map((match) => match[1] ?? ""));
    expect(asked.filter((key) => !known.has(key))).toEqual([]);
  });

  it("have no key that nobody asks for", () => {
    const whole = new Set(texts.flatMap((text) => [...text.matchAll(/"([A-Za-z][\w]*(?:\.\w+)+)"/g)].map((match) => match[1] ?? "")));
    // `t(\`role.${name}\`)` asks for all that begins so, and ends as the rest of it says.
    const patterns = texts
      .flatMap((text) => [...text.matchAll(/`((?:[A-Za-z]\w*\.)+\$\{[^`]*)`/g)].map((match) => match[1] ?? ""))
      .map((template) => new RegExp(`^${template.replace(/\./g, "\\.").replace(/\$\{(?:[^{}]|\{[^}]*\})*\}/g, "[^.]+")}$`));
    const unused = keys(english)
      .map((key) => key.replace(PLURAL, ""))
      .filter((key) => !whole.has(key) && !patterns.some((pattern) => pattern.test(key)));
    expect([...new Set(unused)]).toEqual([]);
  });
});
