import { cloneElement, lazy, type PointerEvent, type ReactElement, Suspense, useState } from "react";

const Tip = lazy(() => import("./Tip"));

interface Props {
  label: string;
  children: ReactElement<{ onPointerEnter?: (event: PointerEvent<HTMLElement>) => void }>;
}

/** Words that come up beside what the pointer rests on; what draws them is fetched when it first does. */
export function Hint({ label, children }: Props) {
  const [target, setTarget] = useState<HTMLElement | null>(null);
  return (
    <>
      {cloneElement(children, { onPointerEnter: (event) => setTarget(event.currentTarget) })}
      {target && <Suspense fallback={null}><Tip target={target} label={label} /></Suspense>}
    </>
  );
}
