import type { IControl } from "maplibre-gl";

import { h } from "../ui/dom.ts";

/** Who provides data: a name, and an address where there is one. */
export interface Provider {
  readonly name: string;
  readonly href?: string;
}

/** Names the providers of the base map and of the flights in a corner of the map. */
export class Attribution implements IControl {
  private readonly flights = h("span");
  private readonly element = h(
    "div",
    { class: "maplibregl-ctrl maplibregl-ctrl-attrib" },
    h(
      "div",
      { class: "maplibregl-ctrl-attrib-inner" },
      "Map: ",
      named({ name: "Natural Earth", href: "https://www.naturalearthdata.com/" }),
      this.flights,
    ),
  );

  onAdd(): HTMLElement {
    return this.element;
  }

  onRemove(): void {
    this.element.remove();
  }

  /** Shows the providers of the flights. */
  show(providers: readonly Provider[]): void {
    const parts = providers.flatMap((provider, i) => [i === 0 ? " | Flights: " : ", ", named(provider)]);
    this.flights.replaceChildren(...parts);
  }
}

function named({ name, href }: Provider): Node | string {
  return href === undefined ? name : h("a", { href }, name);
}
