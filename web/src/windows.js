// The windows of an occlusion map, and the maps made of what the network says of them: the same
// definitions as in windows.py and occlusion.py of fertutor/saliency. Only pixels that no window covers
// differ: they are NaN there and nought here.

import { SIDE } from "./picture.js";
import { top } from "./bars.js";

/**
 * First pixels of the windows along one side; the last is moved to the edge. A stride above the size
 * leaves pixels between the windows, which none covers.
 */
export function starts(size, stride) {
  const last = SIDE - size;
  const found = [];
  for (let at = 0; at < last; at += stride) found.push(at);
  return [...found, last];
}

/** Strides from coarse to fine, the last being the one asked for. */
export function passes(size, stride) {
  const windows = (s) => starts(size, s).length ** 2;
  const coarser = [4 * stride, 2 * stride].filter((s) => s <= size && windows(stride) > 200);
  return [...coarser, stride];
}

/**
 * Mean over the windows that cover each pixel: of the loss of the class's probability ("drop"), or of
 * whether the prediction became wrong ("flips"); nought where no window covers.
 */
export function mapOf({ probabilities, clean, size, stride }, label, view) {
  const classes = clean.length;
  const along = starts(size, stride);
  const total = new Float64Array(SIDE * SIDE);
  const count = new Float64Array(SIDE * SIDE);
  along.forEach((y, i) => {
    along.forEach((x, j) => {
      const at = (i * along.length + j) * classes;
      const window = probabilities.subarray(at, at + classes);
      const value = view === "flips" ? Number(top(window) !== label) : clean[label] - window[label];
      for (let v = y; v < y + size; v++) {
        for (let p = v * SIDE + x; p < v * SIDE + x + size; p++) {
          total[p] += value;
          count[p] += 1;
        }
      }
    });
  });
  return Float32Array.from(total, (sum, p) => (count[p] ? sum / count[p] : 0));
}
