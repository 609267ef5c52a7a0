/** An area of the map, CSS pixels from its top left corner. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A place on the map, CSS pixels from its top left corner. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The map's size, CSS pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The minimum width and height of a useful area, CSS pixels. */
const MIN_SIZE = 60;

/** Whether a place is outside the map or below an overlay. */
export function isCovered({ x, y }: Point, { width, height }: Size, overlays: readonly Area[]): boolean {
  const isIn = ({ left, top, right, bottom }: Area): boolean => x >= left && x <= right && y >= top && y <= bottom;
  return !isIn({ left: 0, top: 0, right: width, bottom: height }) || overlays.some(isIn);
}

/** The largest area that no overlay covers; the whole map where none is useful. */
export function freeArea({ width, height }: Size, overlays: readonly Area[]): Area {
  const within = (value: number, max: number): number => Math.min(Math.max(value, 0), max);
  const edges = (values: readonly number[], max: number): number[] =>
    [...new Set([0, max, ...values.map((value) => within(value, max))])].sort((one, other) => one - other);
  const across = edges(
    overlays.flatMap(({ left, right }) => [left, right]),
    width,
  );
  const down = edges(
    overlays.flatMap(({ top, bottom }) => [top, bottom]),
    height,
  );
  let largest: Area = { left: 0, top: 0, right: width, bottom: height };
  let largestSize = 0;
  for (const left of across) {
    for (const right of across) {
      if (right - left < MIN_SIZE) continue;
      const between = overlays.filter((overlay) => overlay.left < right && overlay.right > left);
      for (const top of down) {
        for (const bottom of down) {
          const size = (right - left) * (bottom - top);
          if (bottom - top < MIN_SIZE || size <= largestSize) continue;
          if (between.some((overlay) => overlay.top < bottom && overlay.bottom > top)) continue;
          [largest, largestSize] = [{ left, top, right, bottom }, size];
        }
      }
    }
  }
  return largest;
}

/**
 * Where to show a selected aircraft: in the middle of the area that panels leave free, or if a smaller overlay lies there,
 * of the area that every overlay leaves free.
 */
export function focus(size: Size, panels: readonly Area[], others: readonly Area[]): Point {
  const middle = ({ left, top, right, bottom }: Area): Point => ({ x: (left + right) / 2, y: (top + bottom) / 2 });
  const point = middle(freeArea(size, panels));
  return isCovered(point, size, others) ? middle(freeArea(size, [...panels, ...others])) : point;
}
