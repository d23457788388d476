import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { PLURAL, split } from "../../word-parts";
import en from "./en.json";

type Tree = { [key: string]: string | Tree };

function keys(tree: Tree, path = ""): string[] {
  return Object.entries(tree).flatMap(([key, value]) => (typeof value === "string" ? [`${path}${key}`] : keys(value, `${path}${key}.`)));
}

/** The texts of a module and of all it imports, also later; the pages that only the router knows are not among them. */
function reachable(file: string, seen = new Map<string, string>()): Map<string, string> {
  if (seen.has(file)) return seen;
  const text = readFileSync(file, "utf-8");
  seen.set(file, text);
  for (const [, path] of text.matchAll(/(?:from|import\()\s*"(\.[^"?]*)"/g)) {
    const found = ["", ".ts", ".tsx", "/index.ts"].map((ending) => join(dirname(file), `${path}${ending}`)).find((each) => /\.tsx?$/.test(each) && existsSync(each));
    if (found) reachable(found, seen);
  }
  return seen;
}

const SOURCES = join(__dirname, "..");

describe("the words that are fetched first", () => {
  const { first, rest } = split(en as Tree);

  it("are, with the rest, all words, and none twice", () => {
    expect([...keys(first), ...keys(rest)].sort()).toEqual(keys(en).sort());
  });

  it("are all that the frame, the sign-in and the overview ask for", () => {
    const texts = reachable(join(SOURCES, "main.tsx"));
    reachable(join(SOURCES, "pages/overview/OverviewPage.tsx"), texts);
    expect([...texts.keys()].map((file) => file.slice(SOURCES.length + 1))).toEqual(expect.arrayContaining(["layout/Palette.tsx", "pages/session/SignIn.tsx", "components/StationMap.tsx"]));
    const whole = [...texts.values()].join("\n");
    const calls = [...whole.matchAll(/\bt\(([^()]*)/g)].map((match) => match[1] ?? "");
    const asked = new Set(calls.flatMap((call) => [...call.matchAll(/"([a-zA-Z]\w*(?:\.\w+)+)"/g)].map((match) => match[1] ?? "")));
    const prefixes = [...whole.matchAll(/`([a-zA-Z]\w*\.(?:\w+\.)*)\$\{/g)].map((match) => match[1] ?? "");
    expect(asked.size).toBeGreaterThan(40);
    const missing = keys(rest).filter((key) => asked.has(key.replace(PLURAL, "")) || prefixes.some((prefix) => key.startsWith(prefix)));
    expect(missing).toEqual([]);
  });
});
