import { createSpotlight } from "@mantine/spotlight";

/** What is known of the palette: whether it is open, and which of its lines Enter opens. */
const [store, spotlight] = createSpotlight();

export { spotlight, store };

/** Select the first line when none is: what the server found arrives after the palette has looked for lines to select. */
export function selectSomething(): void {
  const { opened, query, listId } = store.getState();
  const list = opened && query !== "" ? document.getElementById(listId) : null;
  if (!list) return;
  const lines = [...list.querySelectorAll("[data-action]")];
  let selected = lines.findIndex((line) => line.hasAttribute("data-selected"));
  if (selected < 0 && lines[0]) {
    lines[0].setAttribute("data-selected", "true");
    selected = 0;
  }
  store.updateState((state) => ({ ...state, selected }));
}
