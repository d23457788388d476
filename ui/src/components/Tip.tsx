import { Tooltip } from "@mantine/core";
import { useState } from "react";

/** The pointer may be there already, or gone again, when this has been fetched. */
export default function Tip({ target, label }: { target: HTMLElement; label: string }) {
  const [there] = useState(() => target.matches(":hover"));
  return <Tooltip target={target} label={label} defaultOpened={there} />;
}
