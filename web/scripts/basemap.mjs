// Builds the base map from Natural Earth's countries (npm `world-atlas`), below `src/map/generated/`: a graticule and the
// countries' names as GeoJSON, and land and borders as lists of differences, which take a third of GeoJSON's transfer
// and are unpacked by `src/map/base-map.ts`.
//
// The polygons of `world-atlas` cross the antimeridian and enclose the pole, which would fill a flat map from side to
// side: d3 cuts them at the edge of the map.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { geoArea, geoCentroid, geoEquirectangular } from "d3-geo";
import { geoProject } from "d3-geo-projection";
import { feature, merge, mesh } from "topojson-client";

const folder = new URL("../src/map/generated/", import.meta.url);
const atlas = new URL("../node_modules/world-atlas/countries-50m.json", import.meta.url);
const world = JSON.parse(readFileSync(fileURLToPath(atlas), "utf8"));
const { countries } = world.objects;

// Back to degrees: the projection only cuts.
const degrees = geoEquirectangular()
  .scale(180 / Math.PI)
  .translate([0, 0])
  .precision(0)
  .reflectY(true);

/** Coordinates in hundredths of a degree, about as fine as the 1:50 million data; coinciding points are merged. */
function rounded(coordinates) {
  if (typeof coordinates[0] === "number") return coordinates.map((value) => Math.round(value * 100) / 100);
  const all = coordinates.map(rounded);
  return typeof all[0]?.[0] === "number"
    ? all.filter((point, i) => i === 0 || String(point) !== String(all[i - 1]))
    : all;
}

/** Drops polygons whose rounded ring has less than three corners. */
function solid(geometry) {
  if (geometry.type !== "MultiPolygon") return geometry;
  const polygons = geometry.coordinates.map((rings) => rings.filter((ring) => ring.length >= 4));
  return { ...geometry, coordinates: polygons.filter((rings) => rings.length > 0) };
}

function cut(geometry) {
  const projected = geoProject(geometry, degrees);
  return solid({ ...projected, coordinates: rounded(projected.coordinates) });
}

/** Packs lines into alternating differences of longitude and latitude, in hundredths of a degree. */
function packed({ type, coordinates }) {
  const line = (points) => {
    let [lon, lat] = [0, 0];
    return straightened(points).flatMap((point) => {
      const [x, y] = point.map((value) => Math.round(value * 100));
      const difference = [x - lon, y - lat];
      [lon, lat] = [x, y];
      return difference;
    });
  };
  return {
    type,
    coordinates: type === "MultiPolygon" ? coordinates.map((rings) => rings.map(line)) : coordinates.map(line),
  };
}

/** How far a simplified line may move, degrees: as far as rounding moves it. */
const TOLERANCE = 0.01;

/** Simplifies a line (Douglas and Peucker). A ring keeps the point farthest from its first one. */
function straightened(points) {
  const last = points.length - 1;
  if (last < 4) return points;
  const kept = new Set([0, last]);
  const farthest = (from, to, distance) => {
    let [index, most] = [from, 0];
    for (let i = from + 1; i < to; i += 1) {
      const far = distance(points[i]);
      if (far > most) [index, most] = [i, far];
    }
    return [index, most];
  };
  const [middle] = farthest(0, last, ([x, y]) => Math.hypot(x - points[0][0], y - points[0][1]));
  kept.add(middle);
  const open = [
    [0, middle],
    [middle, last],
  ];
  while (open.length > 0) {
    const [from, to] = open.pop();
    const [[ax, ay], [bx, by]] = [points[from], points[to]];
    const length = Math.hypot(bx - ax, by - ay) || 1;
    const [index, most] = farthest(from, to, ([x, y]) => {
      const share = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length ** 2;
      const nearest = Math.min(1, Math.max(0, share));
      return Math.hypot(x - ax - nearest * (bx - ax), y - ay - nearest * (by - ay));
    });
    if (most <= TOLERANCE) continue;
    kept.add(index);
    open.push([from, index], [index, to]);
  }
  return points.filter((_, i) => kept.has(i));
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

/** Names in which `world-atlas` differs from the flight data. */
const NAMES = { Turkey: "Türkiye" };

/** The place of a country's name: the middle of its largest part. */
function label(country) {
  const { geometry } = country;
  const parts = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  const polygons = parts.map((coordinates) => ({ type: "Polygon", coordinates }));
  const areas = polygons.map((polygon) => geoArea(polygon));
  const largest = polygons[areas.indexOf(Math.max(...areas))];
  // Steradians; the names of large countries take precedence.
  const area = areas.reduce((sum, each) => sum + each, 0);
  const rank = area > 0.04 ? 1 : area > 0.01 ? 2 : area > 0.003 ? 3 : area > 0.0005 ? 4 : 5;
  const point = { type: "Point", coordinates: rounded(geoCentroid(largest)) };
  return asFeature(point, { name: NAMES[country.properties.name] ?? country.properties.name, rank });
}

const files = {
  "land.json": packed(cut(merge(world, countries.geometries))),
  "borders.json": packed(cut(mesh(world, countries, (a, b) => a !== b))),
  "graticule.geojson": asFeature(graticule(10)),
  "names.geojson": {
    type: "FeatureCollection",
    features: feature(world, countries)
      .features.filter(({ properties }) => properties.name)
      .map(label),
  },
};

rmSync(fileURLToPath(folder), { recursive: true, force: true });
mkdirSync(fileURLToPath(folder), { recursive: true });
for (const [name, content] of Object.entries(files)) {
  writeFileSync(fileURLToPath(new URL(name, folder)), JSON.stringify(content));
}
