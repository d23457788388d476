/** A form for any schema: every optional field can be left out, as the wire allows. */
import { ActionIcon, Box, Button, Fieldset, Group, NumberInput, SegmentedControl, Select, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { initial, kindOf, resolve, type Schema, type Value } from "../lib/schema";

interface FieldProps {
  name: string;
  schema: Schema;
  root: Schema;
  required: boolean;
  value: Value | undefined;
  onChange: (value: Value | undefined) => void;
  error?: (path: string) => string | undefined;
  path: string;
  suggestions?: Record<string, string[]>;
}

type FormProps = Pick<FieldProps, "root" | "value" | "onChange" | "error" | "suggestions">;

export function SchemaForm({ root, value, onChange, error, suggestions }: FormProps) {
  return <ObjectFields schema={resolve(root, root)} root={root} value={value} onChange={onChange} error={error} path="" suggestions={suggestions} />;
}

function ObjectFields({ schema, root, value, onChange, error, path, suggestions }: Omit<FieldProps, "name" | "required">) {
  const { t } = useTranslation();
  const values = typeof value === "object" && !Array.isArray(value) ? value : {};
  const fields = Object.entries(schema.properties ?? {});
  if (fields.length === 0) return <Text size="sm" c="dimmed">{t("form.noFields")}</Text>;
  return (
    <Stack gap="sm">
      {fields.map(([name, field]) => (
        <Field
          key={name}
          name={name}
          schema={resolve(field, root)}
          root={root}
          required={schema.required?.includes(name) ?? false}
          value={values[name]}
          error={error}
          path={path ? `${path}.${name}` : name}
          suggestions={suggestions}
          onChange={(next) => {
            const others = Object.fromEntries(Object.entries(values).filter(([other]) => other !== name));
            onChange(next === undefined ? others : { ...others, [name]: next });
          }}
        />
      ))}
    </Stack>
  );
}

function Field(props: FieldProps) {
  const { name, schema, required, value, onChange, error, path, suggestions } = props;
  const { t } = useTranslation();
  const common = { label: name, required, error: error?.(path), "data-field": path };
  const empty = t("form.leftOut");
  const known = suggestions?.[name] ?? suggestions?.[path];
  const listId = known?.length ? `list-${path}` : undefined;
  const suggested = listId && <datalist id={listId}>{known?.map((text) => <option key={text} value={text} />)}</datalist>;
  switch (kindOf(schema)) {
    case "object":
      return <ObjectField {...props} />;
    case "array":
      return <ArrayField {...props} />;
    case "enum":
      return (
        <Select {...common} data={(schema.enum ?? []).map(String)} value={typeof value === "string" ? value : null} clearable={!required} placeholder={required ? undefined : empty}
          onChange={(next) => onChange(next ?? undefined)} comboboxProps={{ withinPortal: true }} />
      );
    case "boolean":
      return (
        <Box>
          <Text size="sm" fw={500}>{name}</Text>
          <SegmentedControl size="xs" aria-label={name} value={value === undefined ? "" : String(value)} onChange={(next) => onChange(next === "" ? undefined : next === "true")}
            data={[...(required ? [] : [{ label: empty, value: "" }]), { label: "true", value: "true" }, { label: "false", value: "false" }]} />
        </Box>
      );
    case "integer":
    case "number":
      return (
        <>
          <NumberInput {...common} value={typeof value === "number" ? value : ""} allowDecimal={kindOf(schema) === "number"} placeholder={required ? undefined : empty} list={listId}
            onChange={(next) => onChange(typeof next === "number" ? next : undefined)} hideControls />
          {suggested}
        </>
      );
    case "datetime":
      return (
        <Group align="flex-end" gap="xs" wrap="nowrap">
          <TextInput {...common} flex={1} value={typeof value === "string" ? value : ""} placeholder={required ? "2026-01-31T12:00:00Z" : empty} onChange={(event) => onChange(event.currentTarget.value || undefined)} />
          <Button variant="default" onClick={() => onChange(new Date().toISOString())}>{t("form.now")}</Button>
        </Group>
      );
    case "longtext":
      return <Textarea {...common} autosize minRows={3} maxRows={12} value={typeof value === "string" ? value : ""} placeholder={required ? undefined : empty} onChange={(event) => onChange(event.currentTarget.value || undefined)} />;
    default:
      return (
        <>
          <TextInput {...common} value={typeof value === "string" ? value : ""} placeholder={required ? undefined : empty} list={listId}
            onChange={(event) => onChange(event.currentTarget.value || undefined)} />
          {suggested}
        </>
      );
  }
}

function ObjectField(props: FieldProps) {
  const { name, schema, root, required, value, onChange } = props;
  const { t } = useTranslation();
  if (value === undefined && !required)
    return (
      <Box>
        <Button size="xs" variant="default" leftSection={<IconPlus size={14} />} onClick={() => onChange(initial(schema, root) ?? {})}>{t("form.add", { name })}</Button>
      </Box>
    );
  return (
    <Fieldset legend={<Group gap="xs"><Text size="sm" fw={600}>{name}</Text>{!required && <Remove label={t("form.remove", { name })} onClick={() => onChange(undefined)} />}</Group>} p="sm">
      <ObjectFields {...props} value={value ?? {}} />
    </Fieldset>
  );
}

function ArrayField(props: FieldProps) {
  const { name, schema, root, value, onChange, path } = props;
  const { t } = useTranslation();
  const items = Array.isArray(value) ? value : [];
  const item = resolve(schema.items ?? {}, root);
  const blank = (): Value => initial(item, root) ?? "";
  return (
    <Fieldset legend={<Text size="sm" fw={600}>{name}</Text>} p="sm">
      <Stack gap="xs">
        {items.map((entry, index) => (
          <Group key={index} align="flex-start" wrap="nowrap" gap="xs">
            <Box flex={1}>
              <Field {...props} name={`${name} ${index + 1}`} schema={item} required value={entry} path={`${path}.${index}`}
                onChange={(next) => onChange(items.map((old, at) => (at === index ? (next ?? "") : old)))} />
            </Box>
            <Remove label={t("form.remove", { name: `${name} ${index + 1}` })} onClick={() => onChange(items.filter((_, at) => at !== index))} />
          </Group>
        ))}
        <Box>
          <Button size="xs" variant="default" leftSection={<IconPlus size={14} />} onClick={() => onChange([...items, blank()])}>{t("form.add", { name })}</Button>
        </Box>
      </Stack>
    </Fieldset>
  );
}

function Remove({ label, onClick }: { label: string; onClick: () => void }) {
  return <ActionIcon variant="subtle" color="gray" aria-label={label} onClick={onClick}><IconTrash size={16} /></ActionIcon>;
}
