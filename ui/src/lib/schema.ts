/** What a form needs to know of a JSON schema, and how the values of a form become a payload. */

export interface Schema {
  type?: string | string[];
  enum?: (string | number)[];
  const?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  allOf?: Schema[];
  $ref?: string;
  $defs?: Record<string, Schema>;
  format?: string;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  title?: string;
  description?: string;
  default?: unknown;
}

export type Value = string | number | boolean | Value[] | { [key: string]: Value };

/** A schema with its reference followed and "or null" taken away: a field is left out rather than null. */
export function resolve(schema: Schema, root: Schema): Schema {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split("/").at(-1) ?? "";
    return resolve(root.$defs?.[name] ?? {}, root);
  }
  const choices = schema.anyOf?.filter((choice) => choice.type !== "null");
  if (choices?.length === 1 && choices[0]) return { ...resolve(choices[0], root), description: schema.description };
  return schema;
}

export type Kind = "object" | "array" | "enum" | "boolean" | "integer" | "number" | "datetime" | "longtext" | "text";

const LONG_TEXT = 500;

export function kindOf(schema: Schema): Kind {
  const type = Array.isArray(schema.type) ? schema.type.find((name) => name !== "null") : schema.type;
  if (schema.enum) return "enum";
  if (type === "object" || schema.properties) return "object";
  if (type === "array") return "array";
  if (type === "boolean" || type === "integer" || type === "number") return type;
  if (schema.format === "date-time") return "datetime";
  return (schema.maxLength ?? 0) > LONG_TEXT ? "longtext" : "text";
}

/** A payload without what was left empty. An empty text stays where the field is required: it has a meaning there. */
export function prune(value: Value | undefined, schema: Schema, root: Schema): Value | undefined {
  const real = resolve(schema, root);
  if (value === undefined) return undefined;
  if (Array.isArray(value)) {
    const items = value.map((item) => prune(item, real.items ?? {}, root)).filter((item) => item !== undefined);
    return items.length > 0 ? items : undefined;
  }
  if (typeof value === "object") {
    const kept: { [key: string]: Value } = {};
    for (const [name, field] of Object.entries(real.properties ?? {})) {
      const pruned = prune(value[name], field, root);
      const required = real.required?.includes(name) ?? false;
      if (pruned !== undefined) kept[name] = pruned;
      else if (required && kindOf(resolve(field, root)) === "text") kept[name] = "";
    }
    return Object.keys(kept).length > 0 ? kept : undefined;
  }
  return value === "" ? undefined : value;
}

/** The first values of a form: what is required and has but one sensible start. */
export function initial(schema: Schema, root: Schema): Value | undefined {
  const real = resolve(schema, root);
  switch (kindOf(real)) {
    case "object": {
      const values: { [key: string]: Value } = {};
      for (const name of real.required ?? []) {
        const value = initial(real.properties?.[name] ?? {}, root);
        if (value !== undefined) values[name] = value;
      }
      return values;
    }
    case "array":
      return kindOf(resolve(real.items ?? {}, root)) === "object" ? [initial(real.items ?? {}, root) ?? {}] : [];
    case "boolean":
      return false;
    default:
      return undefined;
  }
}
