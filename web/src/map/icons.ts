import { outlineOf, SHAPES } from "../model/shapes.ts";
import type { Shape } from "../model/shapes.ts";

/** The side of one symbol in the atlas, pixels. */
const CELL = 64;
/** The rows and columns of the atlas. */
export const GRID = 8;
if (SHAPES.length > GRID * GRID) throw new Error("the atlas is too small for the symbols");

/** The places of the symbols in the atlas, row by row. */
export const PLACES = Object.fromEntries(SHAPES.map((shape, place) => [shape, place])) as Readonly<
  Record<Shape, number>
>;

/**
 * All symbols row by row, in the order of `SHAPES`: red is the body, green the body with its outline. Colours hold the
 * coverage in place of alpha, so that mipmaps stay correct.
 */
export function drawAtlas(): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = CELL * GRID;
  canvas.height = CELL * GRID;
  const context = canvas.getContext("2d");
  if (context === null) return canvas;
  context.fillStyle = "#000";
  context.fillRect(0, 0, canvas.width, canvas.height);
  SHAPES.forEach((shape, index) => {
    context.save();
    context.translate(((index % GRID) + 0.5) * CELL, (Math.floor(index / GRID) + 0.5) * CELL);
    context.scale(CELL * 0.44, CELL * 0.44);
    context.lineJoin = "round";
    if (shape === "ring" || shape === "dashes") {
      // Eight dashes with gaps of the same length.
      if (shape === "dashes") context.setLineDash([(0.82 * Math.PI) / 8]);
      context.beginPath();
      context.arc(0, 0, 0.82, 0, 2 * Math.PI);
      context.strokeStyle = "#0f0";
      context.lineWidth = 0.3;
      context.stroke();
      context.strokeStyle = "#ff0";
      context.lineWidth = 0.16;
      context.stroke();
    } else {
      const path = new Path2D(outlineOf(shape));
      context.strokeStyle = "#0f0";
      context.lineWidth = 0.22;
      context.stroke(path);
      context.fillStyle = "#ff0";
      context.fill(path);
    }
    context.restore();
  });
  return canvas;
}
