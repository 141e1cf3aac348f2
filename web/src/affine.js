// Affine maps as six numbers, and as the turns, zooms, shifts and shear that make them up.

import { apply } from "../engine/ops.js";
import { SIDE } from "./picture.js";

export const IDENTITY = [1, 0, 0, 0, 1, 0];

/** θ of {turn (degrees), width, height, shear, right, down}: rotation after shear after zoom. */
export function compose({ turn, width, height, shear, right, down }) {
  const [c, s] = [Math.cos((turn * Math.PI) / 180), Math.sin((turn * Math.PI) / 180)];
  return [c * width, (c * shear - s) * height, right, s * width, (s * shear + c) * height, down];
}

/** The parts of θ: `compose(parts(theta))` is θ again, where its grid has an area: without one no shear is told. */
export function parts([a, b, right, d, e, down]) {
  const angle = Math.atan2(d, a);
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const height = c * e - s * b;
  const along = c * b + s * e;
  return { turn: (angle * 180) / Math.PI, width: Math.hypot(a, d), height, shear: Math.abs(height) > 1e-6 ? along / height : 0, right, down };
}

/** A face as the sampler reads it with θ: grey levels; zeros stand for the grey level `outside`. */
export function warp(grey, theta, padding, outside = 127.5) {
  const make = (dims) => new Float32Array(dims.reduce((a, b) => a * b, 1));
  const grid = apply({ op: "AffineGrid", attributes: {} },
    [{ dims: [1, 2, 3], data: Float32Array.from(theta) }, { dims: [4], data: [1, 1, SIDE, SIDE] }], make);
  const face = { dims: [1, 1, SIDE, SIDE], data: Float32Array.from(grey, (value) => value - outside) };
  const warped = apply({ op: "GridSample", attributes: { padding_mode: padding } }, [face, grid], make);
  return Float32Array.from(warped.data, (value) => value + outside);
}
