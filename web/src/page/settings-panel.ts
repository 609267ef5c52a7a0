import { serverAddress } from "../api/address.ts";
import { UNIT_SYSTEMS } from "../model/units.ts";
import { closeButton, h, setText } from "../ui/dom.ts";
import { isTransition, MAX_TRANSITION } from "./settings.ts";
import type { Settings } from "./settings.ts";
import type { ShortcutsDialog } from "./shortcuts.ts";
import { openPanel } from "./state.ts";
import type { PageStore } from "./state.ts";

import "./panel.css";
import "./settings-panel.css";

const UNIT_NAMES = {
  aeronautical: "Aeronautical (ft, kt, ft/min)",
  metric: "Metric (m, km/h, m/s)",
  imperial: "Imperial (ft, mph, ft/min)",
} as const;
const THEMES = [
  ["auto", "Match system"],
  ["light", "Light"],
  ["dark", "Dark"],
] as const;

const ZONES = [
  ["utc", "UTC"],
  ["local", "Local time"],
] as const;

/** The form of the settings. */
export function settingsPanel(store: PageStore, dialog: ShortcutsDialog): HTMLElement {
  const { settings } = store.state;
  const units = h(
    "select",
    { change },
    ...UNIT_SYSTEMS.map((system) => h("option", { value: system }, UNIT_NAMES[system])),
  );
  const theme = h("select", { change }, ...THEMES.map(([value, name]) => h("option", { value }, name)));
  const smooth = h("input", { type: "checkbox", change });
  const zone = h("select", { change }, ...ZONES.map(([value, name]) => h("option", { value }, name)));
  const transition = h("input", {
    type: "number",
    inputmode: "numeric",
    min: "0",
    max: String(MAX_TRANSITION),
    step: "any",
    required: true,
    "aria-describedby": "transition-problem",
    change,
  });
  const transitionProblem = h("p", { id: "transition-problem", class: "field-problem", role: "status" });
  const registration = h("input", { type: "checkbox", change });
  const type = h("input", { type: "checkbox", change });
  registration.checked = settings.labels.registration;
  type.checked = settings.labels.type;
  const shortcuts = h("input", { type: "checkbox", change });
  shortcuts.checked = settings.shortcuts;
  zone.value = settings.zone;
  transition.value = String(settings.transition);
  let validTransition = settings.transition;
  units.value = settings.units;
  theme.value = settings.theme;
  smooth.checked = settings.smooth;

  function change(): void {
    const feet = transition.valueAsNumber;
    const isValid = isTransition(feet);
    if (isValid) validTransition = feet;
    setText(transitionProblem, isValid ? "" : `Enter 0 to ${MAX_TRANSITION.toLocaleString("en")} ft`);
    transition.setAttribute("aria-invalid", String(!isValid));
    store.set({
      settings: {
        ...store.state.settings,
        units: units.value as Settings["units"],
        theme: theme.value as Settings["theme"],
        smooth: smooth.checked,
        zone: zone.value as Settings["zone"],
        transition: validTransition,
        labels: { registration: registration.checked, type: type.checked },
        shortcuts: shortcuts.checked,
      },
    });
  }

  function showShortcuts(): void {
    dialog.open();
  }

  const element = h(
    "section",
    { class: "panel settings", "aria-labelledby": "settings-title" },
    h(
      "header",
      {},
      h("h2", { id: "settings-title" }, "Settings"),
      closeButton("Close the settings", () => {
        openPanel(store, undefined);
      }),
    ),
    h("label", {}, "Units", units),
    h("label", {}, "Transition altitude (ft)", transition),
    transitionProblem,
    h("p", { class: "note" }, "With aeronautical units, altitudes from here up are shown as flight levels."),
    h("label", {}, "Times", zone),
    h("label", {}, "Theme", theme),
    h("label", { class: "check" }, smooth, "Estimate positions between updates"),
    h(
      "p",
      { class: "note" },
      "Between updates, aircraft move on at their last speed and track for up to a minute. Outlines are estimates; solid symbols are reports.",
    ),
    h(
      "fieldset",
      {},
      h("legend", {}, "Map labels"),
      h("label", { class: "check" }, registration, "Registration"),
      h("label", { class: "check" }, type, "Type"),
    ),
    h("label", { class: "check" }, shortcuts, "Keyboard shortcuts"),
    h("button", { type: "button", class: "button", click: showShortcuts }, "Show keyboard shortcuts"),
    h("h3", {}, "For developers"),
    h(
      "ul",
      { class: "links" },
      h(
        "li",
        {},
        h("a", { href: serverAddress("api/v1/flights") }, "/api/v1/flights"),
        ": current traffic, as JSON or GeoJSON",
      ),
      h("li", {}, h("code", {}, "/api/v1/stream"), ": the stream behind this map"),
      h(
        "li",
        {},
        h("a", { href: serverAddress("health/ready") }, "/health/ready"),
        ", ",
        h("a", { href: serverAddress("metrics") }, "/metrics"),
        ": for operators",
      ),
      h("li", {}, h("a", { href: serverAddress("admin") }, "/admin"), ": admin page (token required)"),
    ),
  );
  element.hidden = true;
  return element;
}
