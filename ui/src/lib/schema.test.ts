import { describe, expect, it } from "vitest";
import { initial, kindOf, prune, resolve, type Schema } from "./schema";

const root: Schema = {
  type: "object",
  required: ["connectorId", "profile"],
  properties: {
    connectorId: { type: "integer" },
    idTag: { anyOf: [{ type: "string", maxLength: 20 }, { type: "null" }] },
    profile: { $ref: "#/$defs/Profile" },
  },
  $defs: {
    Profile: {
      type: "object",
      required: ["periods", "value"],
      properties: {
        periods: { type: "array", items: { type: "object", required: ["limit"], properties: { limit: { type: "number" }, phases: { type: "integer" } } } },
        value: { type: "string" },
        kind: { enum: ["Absolute", "Relative"] },
      },
    },
  },
};

describe("a form's values become a payload", () => {
  it("in which what was left empty is left out", () => {
    const values = { connectorId: 0, idTag: "", profile: { periods: [{ limit: 6.5 }], value: "" } };
    expect(prune(values, root, root)).toEqual({ connectorId: 0, profile: { periods: [{ limit: 6.5 }], value: "" } });
  });

  it("that starts with what is required", () => {
    expect(initial(root, root)).toEqual({ profile: { periods: [{}] } });
  });

  it("whose fields know what they are", () => {
    expect(kindOf(resolve(root.properties?.idTag ?? {}, root))).toBe("text");
    expect(kindOf(resolve(root.properties?.profile ?? {}, root))).toBe("object");
    expect(kindOf({ type: "string", maxLength: 5500 })).toBe("longtext");
    expect(kindOf({ type: "string", format: "date-time" })).toBe("datetime");
  });
});
