// What the occlusion explorer draws: the map over a face, the patch, and what the colours mean.

import { percent } from "./bars.js";
import { h } from "./dom.js";
import { SIDE } from "./picture.js";

/** What a map is drawn with: its largest number, and the page's colours. */
function scaleOf({ map, flips, card }) {
  const style = getComputedStyle(card);
  const colour = (name) => style.getPropertyValue(name).split(",").map(Number);
  return {
    most: flips ? 1 : Math.max(0.01, ...map.map(Math.abs)),
    warm: colour("--ft-warm"),
    cool: colour("--ft-cool"),
    surface: style.getPropertyValue("--ft-surface"),
  };
}

/** Draw a map of 48 x 48 numbers over the face on a canvas. */
function paintMap(canvas, map, opacity, { most, warm, cool, surface }) {
  const picture = new ImageData(SIDE, SIDE);
  map.forEach((value, i) => {
    const strength = Math.abs(value) / most;
    picture.data.set([...(value < 0 ? cool : warm), 255 * strength ** 0.8], 4 * i);
  });
  const layer = h("canvas", { width: SIDE, height: SIDE });
  layer.getContext("2d").putImageData(picture, 0, 0);
  const context = canvas.getContext("2d");
  context.save();
  context.globalAlpha = Math.max(0, 2 * opacity - 1); // beyond the middle the face fades away
  context.fillStyle = surface;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.globalAlpha = Math.min(1, 1.6 * opacity);
  context.imageSmoothingQuality = "high";
  context.drawImage(layer, 0, 0, canvas.width, canvas.height);
  context.restore();
}

/** Draw the black patch, whose first pixel is at {x, y}. */
export function paintPatch(canvas, { x, y }, size) {
  const scale = canvas.width / SIDE;
  const place = [x, y, size, size].map((pixels) => pixels * scale);
  const context = canvas.getContext("2d");
  context.fillStyle = "#000";
  context.fillRect(...place);
  context.lineWidth = 2;
  context.strokeStyle = "#fff";
  context.strokeRect(...place);
}

/** A map over a face with its legend: {legend, paint(map, {flips, opacity}), hide()}. */
export function overlay(card, canvas) {
  const low = h("span", {});
  const high = h("span", {});
  const ramp = h("span", { class: "ft-ramp", "aria-hidden": "true" });
  const legend = h("div", { class: "ft-scale" }, low, ramp, high);

  function explain(flips, { most, warm, cool }) {
    const fade = (rgb, part) => `rgba(${rgb.join(",")},${part})`;
    ramp.style.background = flips
      ? `linear-gradient(to right, transparent, ${fade(warm, 0.7)} 50%, ${fade(warm, 1)})`
      : `linear-gradient(to right, ${fade(cool, 1)}, ${fade(cool, 0.7)} 25%, transparent 50%, ${fade(warm, 0.7)} 75%, ${fade(warm, 1)})`;
    low.textContent = flips ? "never wrong" : `helps +${percent(most)}`;
    high.textContent = flips ? "always wrong" : `hurts −${percent(most)}`;
    legend.style.visibility = "visible";
  }

  return {
    legend,
    paint(map, { flips, opacity }) {
      const scale = scaleOf({ map, flips, card });
      paintMap(canvas, map, opacity, scale);
      explain(flips, scale);
    },
    hide() {
      legend.style.visibility = "hidden";
    },
  };
}
