import type { CustomLayerInterface, CustomRenderMethodInput, Map as MapLibre } from "maplibre-gl";

import type { Rgb } from "../model/colours.ts";
import { MAX_EXTRAPOLATION } from "../model/motion.ts";
import type { Shape } from "../model/shapes.ts";
import { drawAtlas, GRID, PLACES } from "./icons.ts";

/** One symbol on the map. */
export interface Symbol {
  /** On the web mercator map, 0 to 1. */
  readonly x: number;
  readonly y: number;
  /** Degrees clockwise from north. */
  readonly heading: number;
  readonly shape: Shape;
  /** From its middle to its edge, CSS pixels. */
  readonly size: number;
  readonly colour: Rgb;
  /** 0 to 1 */
  readonly opacity: number;
  /** On the web mercator map, per second. */
  readonly velocity: readonly [number, number];
  /** The time of the position, Unix seconds. */
  readonly time: number;
}

/** Floats per symbol: x, y, heading, shape, size, colour (four bytes), vx, vy, time. */
const FLOATS = 9;

/** A symbol is repainted once it has moved this far, CSS pixels. */
const VISIBLE_MOVE = 0.25;

const VERTEX = `#version 300 es
precision highp float;
uniform mat4 u_matrix;
uniform vec2 u_viewport;
uniform float u_world;
uniform float u_now;
uniform float u_max_age;
uniform float u_grid;
uniform float u_size;
in vec2 a_corner;
in vec2 a_position;
in float a_heading;
in float a_shape;
in float a_size;
in vec4 a_colour;
in vec2 a_velocity;
in float a_time;
out vec2 v_texture;
out vec4 v_colour;
void main() {
  float seconds = clamp(u_now - a_time, 0.0, u_max_age);
  vec4 centre = u_matrix * vec4(a_position + vec2(u_world, 0.0) + a_velocity * seconds, 0.0, 1.0);
  float s = sin(a_heading), c = cos(a_heading);
  vec2 corner = vec2(a_corner.x * c + a_corner.y * s, a_corner.y * c - a_corner.x * s) * a_size * u_size;
  gl_Position = vec4(centre.xy + corner * 2.0 / u_viewport * centre.w, centre.zw);
  float row = floor((a_shape + 0.5) / u_grid);
  vec2 place = vec2(a_shape - row * u_grid, row);
  v_texture = (place + 0.5 + vec2(a_corner.x, -a_corner.y) * 0.5) / u_grid;
  v_colour = a_colour;
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
uniform sampler2D u_atlas;
uniform vec3 u_outline;
uniform float u_filling;
in vec2 v_texture;
in vec4 v_colour;
out vec4 colour;
void main() {
  vec2 cover = texture(u_atlas, v_texture).rg;
  float edge = cover.g - cover.r;
  vec3 outline = mix(v_colour.rgb, u_outline, u_filling);
  colour = vec4(v_colour.rgb * cover.r * u_filling + outline * edge, cover.r * u_filling + edge) * v_colour.a;
}`;

interface Resources {
  readonly program: WebGLProgram;
  readonly vertices: WebGLVertexArrayObject;
  readonly buffer: WebGLBuffer;
  readonly atlas: WebGLTexture;
  readonly uniforms: Readonly<Record<string, WebGLUniformLocation | null>>;
}

/**
 * Draws every symbol with one call from an array of numbers: an update of ten thousand aircraft costs the main thread a
 * few milliseconds, and moving the map costs it nothing.
 */
export class AircraftLayer implements CustomLayerInterface {
  readonly type = "custom" as const;
  readonly renderingMode = "2d" as const;
  /** The colour around symbols, which sets them off from the map. */
  outline: Rgb = [255, 255, 255];
  /** Whether positions are estimated between reports. */
  isExtrapolating = false;
  private map: MapLibre | undefined;
  private resources: Resources | undefined;
  private numbers = new Float32Array(0);
  private bytes = new Uint8Array(0);
  private count = 0;
  /** Unix seconds that times are relative to, because 32-bit floats cannot hold them. */
  private base = 0;
  private isStale = false;
  /** When the last symbol stops moving, Unix seconds. */
  private movesUntil = 0;
  /** The speed of the fastest symbol on the web mercator map, per second. */
  private fastestSpeed = 0;
  private repaint: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly id: string) {}

  onAdd(map: MapLibre): void {
    this.map = map;
    this.resources = undefined;
  }

  onRemove(): void {
    clearTimeout(this.repaint);
    this.map = undefined;
    this.resources = undefined;
  }

  /** Whether estimated positions move at present. */
  get isMoving(): boolean {
    return this.isExtrapolating && this.fastestSpeed > 0 && Date.now() / 1000 < this.movesUntil;
  }

  /** Replaces the symbols; later ones are drawn over earlier ones. */
  show(symbols: Iterable<Symbol>, max: number): void {
    if (this.numbers.length < max * FLOATS) {
      this.numbers = new Float32Array(Math.ceil(max * 1.25) * FLOATS);
      this.bytes = new Uint8Array(this.numbers.buffer);
    }
    const { numbers, bytes } = this;
    this.base = Math.floor(Date.now() / 1000);
    [this.movesUntil, this.fastestSpeed] = [0, 0];
    let at = 0;
    for (const symbol of symbols) {
      if (at + FLOATS > numbers.length) break;
      numbers[at] = symbol.x;
      numbers[at + 1] = symbol.y;
      numbers[at + 2] = (symbol.heading * Math.PI) / 180;
      numbers[at + 3] = PLACES[symbol.shape];
      numbers[at + 4] = symbol.size;
      [bytes[at * 4 + 20], bytes[at * 4 + 21], bytes[at * 4 + 22]] = symbol.colour;
      bytes[at * 4 + 23] = Math.round(symbol.opacity * 255);
      numbers[at + 6] = symbol.velocity[0];
      numbers[at + 7] = symbol.velocity[1];
      numbers[at + 8] = symbol.time - this.base;
      at += FLOATS;
      const speed = Math.hypot(...symbol.velocity);
      if (speed === 0) continue;
      this.fastestSpeed = Math.max(this.fastestSpeed, speed);
      this.movesUntil = Math.max(this.movesUntil, symbol.time + MAX_EXTRAPOLATION);
    }
    this.count = at / FLOATS;
    this.isStale = true;
    this.map?.triggerRepaint();
  }

  render(context: WebGLRenderingContext | WebGL2RenderingContext, input: CustomRenderMethodInput): void {
    if (!(context instanceof WebGL2RenderingContext) || this.map === undefined || this.count === 0) return;
    const gl = context;
    // Nothing is read back from the context: that would wait for all earlier drawing.
    if (this.resources === undefined) {
      this.resources = create(gl);
      this.isStale = true;
    }
    const { program, vertices, buffer, atlas, uniforms } = this.resources;
    gl.bindVertexArray(vertices);
    if (this.isStale) {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.bufferData(gl.ARRAY_BUFFER, this.numbers.subarray(0, this.count * FLOATS), gl.DYNAMIC_DRAW);
      this.isStale = false;
    }
    gl.useProgram(program);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, atlas);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.disable(gl.DEPTH_TEST);
    gl.disable(gl.STENCIL_TEST);
    const { clientWidth, clientHeight } = this.map.getCanvas();
    gl.uniformMatrix4fv(uniforms["u_matrix"] ?? null, false, input.defaultProjectionData.mainMatrix as Float32List);
    gl.uniform2f(uniforms["u_viewport"] ?? null, clientWidth, clientHeight);
    gl.uniform1f(uniforms["u_grid"] ?? null, GRID);
    gl.uniform1f(uniforms["u_max_age"] ?? null, MAX_EXTRAPOLATION);
    gl.uniform1i(uniforms["u_atlas"] ?? null, 0);
    const [red, green, blue] = this.outline;
    gl.uniform3f(uniforms["u_outline"] ?? null, red / 255, green / 255, blue / 255);
    const draw = (now: number, filling: number, size: number): void => {
      gl.uniform1f(uniforms["u_now"] ?? null, now);
      gl.uniform1f(uniforms["u_filling"] ?? null, filling);
      gl.uniform1f(uniforms["u_size"] ?? null, size);
      for (const world of this.worlds()) {
        gl.uniform1f(uniforms["u_world"] ?? null, world);
        gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, this.count);
      }
    };
    // A reported position is filled; the estimate ahead of it is an outline.
    draw(-1e9, 1, this.isExtrapolating ? 0.6 : 1);
    if (this.isExtrapolating) draw(Date.now() / 1000 - this.base, 0, 1);
    gl.bindVertexArray(null);
    this.repaintOnceMoved();
  }

  /** Repaints when the fastest symbol has visibly moved, and never where none moves. */
  private repaintOnceMoved(): void {
    clearTimeout(this.repaint);
    const { map } = this;
    if (map === undefined || !this.isMoving) return;
    const pixelsPerSecond = this.fastestSpeed * 512 * 2 ** map.getZoom();
    this.repaint = setTimeout(
      () => {
        map.triggerRepaint();
      },
      (VISIBLE_MOVE / pixelsPerSecond) * 1000,
    );
  }

  /** The copies of the world in view, as offsets on the web mercator map. */
  private worlds(): number[] {
    const bounds = this.map?.getBounds();
    if (bounds === undefined) return [0];
    const [first, last] = [bounds.getWest(), bounds.getEast()].map((lon) => Math.floor((lon + 180) / 360));
    const worlds: number[] = [];
    for (let world = first ?? 0; world <= (last ?? 0); world += 1) worlds.push(world);
    return worlds;
  }
}

function create(gl: WebGL2RenderingContext): Resources {
  const program = gl.createProgram();
  for (const [type, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(type);
    if (shader === null) throw new Error("the graphics context was lost");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (gl.getShaderParameter(shader, gl.COMPILE_STATUS) !== true) {
      throw new Error(`failed to compile a shader: ${gl.getShaderInfoLog(shader) ?? ""}`);
    }
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  const vertices = gl.createVertexArray();
  gl.bindVertexArray(vertices);
  const corners = gl.createBuffer();
  gl.bindBuffer(gl.ARRAY_BUFFER, corners);
  gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW);
  attribute(gl, program, "a_corner", 2, gl.FLOAT, 0, 0, 0);
  const buffer = gl.createBuffer();
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
  for (const [name, size, type, at] of [
    ["a_position", 2, gl.FLOAT, 0],
    ["a_heading", 1, gl.FLOAT, 2],
    ["a_shape", 1, gl.FLOAT, 3],
    ["a_size", 1, gl.FLOAT, 4],
    ["a_colour", 4, gl.UNSIGNED_BYTE, 5],
    ["a_velocity", 2, gl.FLOAT, 6],
    ["a_time", 1, gl.FLOAT, 8],
  ] as const) {
    attribute(gl, program, name, size, type, FLOATS * 4, at * 4, 1);
  }
  gl.bindVertexArray(null);
  const atlas = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, atlas);
  gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
  gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, drawAtlas());
  gl.generateMipmap(gl.TEXTURE_2D);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  const names = ["matrix", "viewport", "world", "now", "max_age", "grid", "size", "atlas", "outline", "filling"];
  const uniforms = Object.fromEntries(names.map((name) => [`u_${name}`, gl.getUniformLocation(program, `u_${name}`)]));
  return { program, vertices, buffer, atlas, uniforms };
}

function attribute(
  gl: WebGL2RenderingContext,
  program: WebGLProgram,
  name: string,
  size: number,
  type: number,
  stride: number,
  offset: number,
  divisor: number,
): void {
  const location = gl.getAttribLocation(program, name);
  if (location === -1) return;
  gl.enableVertexAttribArray(location);
  gl.vertexAttribPointer(location, size, type, type === gl.UNSIGNED_BYTE, stride, offset);
  gl.vertexAttribDivisor(location, divisor);
}
