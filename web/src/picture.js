// Grey faces on canvases.

import { h } from "./dom.js";

export const SIDE = 48;

/** A small canvas that holds grey levels 0..255 as they are. */
export function greyCanvas(grey, side = SIDE) {
  const canvas = h("canvas", { width: side, height: side });
  const picture = new ImageData(side, side);
  for (let i = 0; i < side * side; i++) {
    picture.data.fill(grey[i], 4 * i, 4 * i + 3);
    picture.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(picture, 0, 0);
  return canvas;
}

/** Draw grey levels over the whole of a larger canvas, smoothly. */
export function paint(canvas, grey, side = SIDE) {
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(greyCanvas(grey, side), 0, 0, canvas.width, canvas.height);
}
