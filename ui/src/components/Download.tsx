import { Button, type ButtonProps } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";

/** A text that is here already, as a file to keep. */
export function Download({ text, name, label, type = "application/x-pem-file", ...look }: ButtonProps & { text: string; name: string; label: string; type?: string }) {
  const save = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return <Button variant="default" size="xs" leftSection={<IconDownload size={14} aria-hidden />} onClick={save} {...look}>{label}</Button>;
}
