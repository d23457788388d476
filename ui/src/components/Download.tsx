import { Button, type ButtonProps } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useEffect, useState } from "react";

/** A text that is here already, as a file to keep. */
export function Download({ text, name, label, type = "application/x-pem-file", ...look }: ButtonProps & { text: string; name: string; label: string; type?: string }) {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([text], { type }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [text, type]);
  return <Button component="a" href={url} download={name} variant="default" size="xs" leftSection={<IconDownload size={14} aria-hidden />} {...look}>{label}</Button>;
}
