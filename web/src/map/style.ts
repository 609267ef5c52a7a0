import type { ExpressionSpecification, StyleSpecification } from "maplibre-gl";

import { BASE_MAP } from "./base-map.ts";
import borders from "./generated/borders.json?url";
import graticule from "./generated/graticule.geojson?url";
import land from "./generated/land.json?url";
import names from "./generated/names.geojson?url";

/** The colours of the base map. */
export interface Palette {
  readonly sea: string;
  readonly land: string;
  readonly coast: string;
  readonly border: string;
  readonly graticule: string;
  readonly name: string;
  readonly halo: string;
}

/** By theme. */
export const PALETTES: Readonly<Record<"light" | "dark", Palette>> = {
  light: {
    sea: "#cfdde8",
    land: "#f4f2ec",
    coast: "#a9bac7",
    border: "#c9c2b4",
    graticule: "#b9cad8",
    name: "#767064",
    halo: "#f4f2ec",
  },
  dark: {
    sea: "#0d151d",
    land: "#1b242d",
    coast: "#33424f",
    border: "#36424d",
    graticule: "#18232d",
    name: "#8593a0",
    halo: "#141c24",
  },
};

/** The colour of each layer and property. */
const COLOURED: readonly (readonly [string, string, keyof Palette])[] = [
  ["sea", "background-color", "sea"],
  ["land", "fill-color", "land"],
  ["coast", "line-color", "coast"],
  ["borders", "line-color", "border"],
  ["graticule", "line-color", "graticule"],
  ["names", "text-color", "name"],
  ["names", "text-halo-color", "halo"],
  ["labels", "text-halo-color", "halo"],
];

/** Labels use a local font: no glyphs are loaded. */
const FONT = ["system-ui", "sans-serif"];

/** Each feature has its own colour. */
const OWN_COLOUR: ExpressionSpecification = ["get", "colour"];

/** The base map by Natural Earth, with the layers of trail and labels. */
export function style(palette: Palette): StyleSpecification {
  const source = (data: string) => ({
    type: "geojson" as const,
    data: new URL(data, location.href).href,
    tolerance: 0.3,
  });
  const packed = (data: string) => ({
    ...source(data),
    data: `${BASE_MAP}://${new URL(data, location.href).pathname}`,
  });
  const empty = { type: "geojson" as const, data: { type: "FeatureCollection" as const, features: [] } };
  return {
    version: 8,
    sources: {
      land: packed(land),
      borders: packed(borders),
      graticule: source(graticule),
      names: source(names),
      trail: empty,
      labels: empty,
    },
    layers: [
      { id: "sea", type: "background", paint: { "background-color": palette.sea } },
      { id: "land", type: "fill", source: "land", paint: { "fill-color": palette.land } },
      {
        id: "graticule",
        type: "line",
        source: "graticule",
        paint: { "line-color": palette.graticule, "line-width": 0.6 },
      },
      { id: "coast", type: "line", source: "land", paint: { "line-color": palette.coast, "line-width": 0.8 } },
      {
        id: "borders",
        type: "line",
        source: "borders",
        paint: { "line-color": palette.border, "line-width": ["interpolate", ["linear"], ["zoom"], 1, 0.5, 6, 1.4] },
      },
      {
        id: "names",
        type: "symbol",
        source: "names",
        filter: ["<=", ["get", "rank"], ["+", ["zoom"], 0.2]],
        layout: {
          "text-field": ["get", "name"],
          "text-font": FONT,
          "text-size": ["interpolate", ["linear"], ["zoom"], 1, 9, 6, 15],
          "text-max-width": 8,
          "text-letter-spacing": 0.06,
          "symbol-sort-key": ["get", "rank"],
        },
        paint: { "text-color": palette.name, "text-halo-color": palette.halo, "text-halo-width": 1.2 },
      },
      {
        id: "trail",
        type: "line",
        source: "trail",
        layout: { "line-cap": "round", "line-join": "round" },
        paint: { "line-color": OWN_COLOUR, "line-width": ["interpolate", ["linear"], ["zoom"], 2, 2, 8, 4] },
      },
      {
        id: "labels",
        type: "symbol",
        source: "labels",
        layout: {
          "text-field": ["get", "text"],
          "text-font": FONT,
          "text-size": 11,
          "text-anchor": "left",
          "text-justify": "left",
          // To the right of the symbol, or of its ring, which grows with the zoom.
          "text-offset": [
            "interpolate",
            ["linear"],
            ["zoom"],
            1,
            ["case", ["get", "ringed"], ["literal", [1.7, 0]], ["literal", [1.3, 0]]],
            9,
            ["case", ["get", "ringed"], ["literal", [2.8, 0]], ["literal", [1.3, 0]]],
          ],
          "text-optional": true,
          "symbol-sort-key": ["get", "rank"],
        },
        paint: { "text-color": OWN_COLOUR, "text-halo-color": palette.halo, "text-halo-width": 1.4 },
      },
    ],
  };
}

/** Calls back with each property whose colour depends on the theme. */
export function eachColour(palette: Palette, set: (layer: string, property: string, colour: string) => void): void {
  for (const [layer, property, name] of COLOURED) set(layer, property, palette[name]);
}
