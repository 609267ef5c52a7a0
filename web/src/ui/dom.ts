type Child = Node | string | undefined | false;
type Attributes = Readonly<Record<string, string | boolean | undefined | ((event: Event) => void)>>;

/**
 * Creates an element. An attribute that is a function listens to the event of its name; `false` and `undefined` are
 * omitted.
 */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (typeof value === "string") element.setAttribute(name, value);
  }
  element.append(...children.filter((child): child is Node | string => child !== undefined && child !== false));
  return element;
}

/** Sets a text if it differs: a text that stays the same is neither drawn nor read out again. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows or hides an element. */
export function show(element: HTMLElement, visible: boolean): void {
  element.hidden = !visible;
}

const PATHS = {
  close: "M6 6l12 12M18 6L6 18",
  filter: "M4 5h16l-6 8v6l-4-2v-4z",
  list: "M4 6h16M4 12h16M4 18h16",
  statistics: "M5 20v-7M12 20V4M19 20v-11",
  replay: "M4 12a8 8 0 108-8H7M10 1L7 4l3 3M12 8v4l3 2",
  settings: "M4 7h10m4 0h2M4 17h2m4 0h10M14 4.500v5M10 14.500v5",
  follow: "M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v4M12 18v4M2 12h4M18 12h4",
  link: "M10 14a4 4 0 005.700 0l3-3a4 4 0 00-5.700-5.700l-1 1M14 10a4 4 0 00-5.700 0l-3 3a4 4 0 005.700 5.700l1-1",
  search: "M10.500 4a6.500 6.500 0 100 13 6.500 6.500 0 000-13zM15.500 15.500L20 20",
  alert: "M12 4l9 16H3zM12 10v4M12 17v.500",
} as const;

/** A drawing in the colour of the text around it, hidden from screen readers. */
export function icon(name: keyof typeof PATHS): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** The button in the corner of a panel. */
export function closeButton(label: string, close: () => void): HTMLButtonElement {
  return h("button", { type: "button", class: "plain-button", "aria-label": label, click: close }, icon("close"));
}
