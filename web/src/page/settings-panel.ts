import { UNIT_SYSTEMS } from "../model/units.ts";
import { h, icon } from "./dom.ts";
import type { Settings } from "./settings.ts";

const UNIT_NAMES = {
  aeronautical: "Aeronautical (ft, kt, ft/min)",
  metric: "Metric (m, km/h, m/s)",
  imperial: "Imperial (ft, mph, ft/min)",
} as const;
const THEMES = [
  ["auto", "As the system"],
  ["light", "Light"],
  ["dark", "Dark"],
] as const;

/** How things are shown. */
export function settingsPanel(
  settings: Settings,
  onChange: (settings: Settings) => void,
  onClose: () => void,
): HTMLElement {
  const units = h(
    "select",
    { change },
    ...UNIT_SYSTEMS.map((system) => h("option", { value: system }, UNIT_NAMES[system])),
  );
  const theme = h("select", { change }, ...THEMES.map(([value, name]) => h("option", { value }, name)));
  const smooth = h("input", { type: "checkbox", change });
  units.value = settings.units;
  theme.value = settings.theme;
  smooth.checked = settings.smooth;

  function change(): void {
    onChange({
      units: units.value as Settings["units"],
      theme: theme.value as Settings["theme"],
      smooth: smooth.checked,
    });
  }

  const element = h(
    "section",
    { class: "panel settings", "aria-labelledby": "settings-title" },
    h(
      "header",
      {},
      h("h2", { id: "settings-title" }, "Settings"),
      h(
        "button",
        { type: "button", class: "plain-button", "aria-label": "Close the settings", click: onClose },
        icon("close"),
      ),
    ),
    h("label", {}, "Units", units),
    h("label", {}, "Colours", theme),
    h("label", { class: "check" }, smooth, "Smooth motion"),
    h(
      "p",
      { class: "note" },
      "Between two reports aircraft are then carried on with their last speed and direction, for at most a minute. What is computed is drawn as an outline, ahead of the reported position.",
    ),
    h("h3", {}, "For your own program"),
    h(
      "ul",
      { class: "links" },
      h("li", {}, h("a", { href: "/api/v1/flights" }, "/api/v1/flights"), ": the live picture, as JSON or GeoJSON"),
      h("li", {}, h("code", {}, "/api/v1/stream"), ": what this map reads"),
      h(
        "li",
        {},
        h("a", { href: "/health/ready" }, "/health/ready"),
        ", ",
        h("a", { href: "/metrics" }, "/metrics"),
        ": for operators",
      ),
      h("li", {}, h("a", { href: "/admin" }, "/admin"), ": the engine room, for whoever has this server's token"),
    ),
  );
  element.hidden = true;
  return element;
}
