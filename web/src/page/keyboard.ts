import type { Frame } from "./frame.ts";
import type { SearchBox } from "./search-box.ts";
import type { ShortcutsDialog } from "./shortcuts.ts";
import { openPanel, select } from "./state.ts";
import type { PageStore } from "./state.ts";
import type { StatusView } from "./status-view.ts";
import type { Traffic } from "./traffic.ts";

/** The views that keys act on. */
export interface KeyboardTargets {
  readonly frame: Frame;
  readonly search: SearchBox;
  readonly shortcuts: ShortcutsDialog;
  readonly status: StatusView;
  readonly traffic: Traffic;
}

/** Handles the keyboard shortcuts of the page. */
export function handleKeys(store: PageStore, { frame, search, shortcuts, status, traffic }: KeyboardTargets): void {
  const actions: Readonly<Record<string, () => void>> = {
    "/": () => {
      search.focus();
    },
    "?": () => {
      shortcuts.open();
    },
    l: () => {
      frame.open("list");
    },
    f: () => {
      frame.open("filters");
    },
    s: () => {
      frame.open("statistics");
    },
    a: () => {
      frame.open("alerts");
    },
    r: () => {
      traffic.toggleReplay();
    },
  };

  /** Closes what was opened last. */
  const closeTopmost = (): void => {
    if (status.close()) return;
    const { selected, panel, front } = store.state;
    if (selected !== undefined && (panel === undefined || front === "details")) select(store, undefined);
    else if (panel !== undefined) openPanel(store, undefined);
  };

  window.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || shortcuts.isOpen || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      closeTopmost();
      return;
    }
    const action = actions[event.key.toLowerCase()];
    if (action === undefined || !store.state.settings.shortcuts || isTyping(event.target)) return;
    event.preventDefault();
    action();
  });
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
}
