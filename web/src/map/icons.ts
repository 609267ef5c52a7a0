import { SHAPES } from "../model/aircraft.ts";
import type { Shape } from "../model/aircraft.ts";

/** The side of one symbol in the atlas, pixels. */
const CELL = 64;

/** The outlines in a square from −1 to 1, nose up. */
const PATHS: Record<Shape, string> = {
  jet:
    "M0-.92C.1-.92.14-.75.14-.55V-.28L.86.16V.34L.14.14V.52L.36.7V.84L0 .74-.36.84V.7L-.14.52V.14L-.86.34V.16" +
    "L-.14-.28V-.55C-.14-.75-.1-.92 0-.92Z",
  light:
    "M0-.8C.1-.8.14-.7.14-.5V-.38L.8-.32V-.06L.14.02.08.52.34.6V.76L0 .72-.34.76V.6L-.08.52-.14.02-.8-.06V-.32L-.14-.38V-.5C-.14-.7-.1-.8 0-.8Z",
  helicopter:
    "M0-.62C.17-.62.22-.42.22-.22.22-.02.14.12.08.2L.06.66.24.72V.84H-.24V.72L-.06.66-.08.2C-.14.12-.22-.02-.22-.22" +
    "-.22-.42-.17-.62 0-.62ZM-.66-.88-.56-.96.66.44.56.52ZM.66-.88.56-.96-.66.44-.56.52Z",
  glider:
    "M0-.6C.07-.6.09-.5.09-.36V-.24L.94-.1V.02L.09.02.05.58.26.64V.74H-.26V.64L-.05.58-.09.02-.94.02V-.1L-.09-.24V-.36C-.09-.5-.07-.6 0-.6Z",
  balloon: "M0-.8C.36-.8.6-.55.6-.22.6.08.34.3.18.46H-.18C-.34.3-.6.08-.6-.22-.6-.55-.36-.8 0-.8ZM-.18.56H.18V.8H-.18Z",
  vehicle: "M-.3-.5H.3L.4-.3V.5H-.4V-.3Z",
  dot: "M0-.42A.42.42 0 0 1 0 .42.42.42 0 0 1 0-.42Z",
  ring: "",
  dashes: "",
};

/**
 * All symbols side by side, in the order of `SHAPES`: red is the body, green the body with its outline. Colours hold the
 * coverage in place of alpha, so that mipmaps stay correct.
 */
export function drawAtlas(): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = CELL * SHAPES.length;
  canvas.height = CELL;
  const context = canvas.getContext("2d");
  if (context === null) return canvas;
  context.fillStyle = "#000";
  context.fillRect(0, 0, canvas.width, canvas.height);
  SHAPES.forEach((shape, index) => {
    context.save();
    context.translate((index + 0.5) * CELL, CELL / 2);
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
      const path = new Path2D(PATHS[shape]);
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
