// Makes the base map from Natural Earth's countries (npm `world-atlas`): land, borders, a graticule and the countries'
// names, as GeoJSON for the map, below `src/map/generated/`.
//
// The polygons of `world-atlas` cross the antimeridian and enclose the pole, which a flat map fills right across
// itself: d3 cuts them where the map ends.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { geoArea, geoCentroid, geoEquirectangular } from "d3-geo";
import { geoProject } from "d3-geo-projection";
import { feature, merge, mesh } from "topojson-client";

const folder = new URL("../src/map/generated/", import.meta.url);
const atlas = new URL("../node_modules/world-atlas/countries-50m.json", import.meta.url);
const world = JSON.parse(readFileSync(fileURLToPath(atlas), "utf8"));
const { countries } = world.objects;

// To degrees again: the projection is only there to cut.
const degrees = geoEquirectangular()
  .scale(180 / Math.PI)
  .translate([0, 0])
  .precision(0)
  .reflectY(true);

/** Coordinates in hundredths of a degree, about as fine as the 1:50 million data; points that fall together are one. */
function rounded(coordinates) {
  if (typeof coordinates[0] === "number") return coordinates.map((value) => Math.round(value * 100) / 100);
  const all = coordinates.map(rounded);
  return typeof all[0]?.[0] === "number"
    ? all.filter((point, i) => i === 0 || String(point) !== String(all[i - 1]))
    : all;
}

/** A polygon whose rounded ring has less than three corners is nothing. */
function solid(geometry) {
  if (geometry.type !== "MultiPolygon") return geometry;
  const polygons = geometry.coordinates.map((rings) => rings.filter((ring) => ring.length >= 4));
  return { ...geometry, coordinates: polygons.filter((rings) => rings.length > 0) };
}

function cut(geometry) {
  const projected = geoProject(geometry, degrees);
  return solid({ ...projected, coordinates: rounded(projected.coordinates) });
}

const asFeature = (geometry, properties = {}) => ({ type: "Feature", properties, geometry });

function graticule(step) {
  const lines = [];
  for (let lon = -180; lon <= 180; lon += step)
    lines.push([
      [lon, -85],
      [lon, 85],
    ]);
  for (let lat = -80; lat <= 80; lat += step)
    lines.push([
      [-180, lat],
      [180, lat],
    ]);
  return { type: "MultiLineString", coordinates: lines };
}

/** Where a country's name stands: in the middle of its largest part. */
function label(country) {
  const { geometry } = country;
  const parts = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  const polygons = parts.map((coordinates) => ({ type: "Polygon", coordinates }));
  const areas = polygons.map((polygon) => geoArea(polygon));
  const largest = polygons[areas.indexOf(Math.max(...areas))];
  // Steradians; the names of large countries come first, and stay.
  const area = areas.reduce((sum, each) => sum + each, 0);
  const rank = area > 0.04 ? 1 : area > 0.01 ? 2 : area > 0.003 ? 3 : area > 0.0005 ? 4 : 5;
  const point = { type: "Point", coordinates: rounded(geoCentroid(largest)) };
  return asFeature(point, { name: country.properties.name, rank });
}

const files = {
  land: cut(merge(world, countries.geometries)),
  borders: cut(mesh(world, countries, (a, b) => a !== b)),
  graticule: graticule(10),
  names: {
    type: "FeatureCollection",
    features: feature(world, countries)
      .features.filter(({ properties }) => properties.name)
      .map(label),
  },
};

mkdirSync(fileURLToPath(folder), { recursive: true });
for (const [name, content] of Object.entries(files)) {
  const geojson = content.type === "FeatureCollection" ? content : asFeature(content);
  writeFileSync(fileURLToPath(new URL(`${name}.geojson`, folder)), JSON.stringify(geojson));
}
