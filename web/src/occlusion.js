// The occlusion explorer: which parts of a face does the network need?

import { bars, names, percent, top } from "./bars.js";
import { bind, choice, forBrowser, h, menu, networks, put, slider, whenAgain } from "./dom.js";
import { picker } from "./faces.js";
import { frame, whenShown } from "./frame.js";
import { bytes, floats } from "./kernel.js";
import { overlay, paintPatch } from "./overlay.js";
import { paint, SIDE } from "./picture.js";
import { mapOf, passes, starts } from "./windows.js";

const STAGE = 384; // pixels of the large picture

/** The sliders and menus: they set the model's traits and follow them. */
function controls(model) {
  const px = (value) => `${value} px`;
  const size = slider({ label: "Patch size N", min: 3, max: 24, value: model.get("size"), format: px,
    input: (value) => put(model, { size: value }) });
  const stride = slider({ label: "Stride", min: 1, max: 12, value: model.get("stride"), format: px,
    input: (value) => put(model, { stride: value }) });
  const opacity = slider({ label: "Map over face", min: 0, max: 100, value: 100 * model.get("opacity"),
    format: (value) => `${value} %`, input: (value) => put(model, { opacity: value / 100 }) });
  const view = choice({ label: "Map of", value: model.get("view"), options: [["drop", "lost probability"], ["flips", "wrong answers"]],
    input: (value) => put(model, { view: value }) });
  const target = menu({ label: "Expression", value: "-1", options: [["-1", "the network's answer"]],
    input: (value) => put(model, { label: Number(value) }) });

  /** Offer the expressions that the network tells apart. */
  function offer(count) {
    if (target.select.length === count + 1) return;
    const option = (name, i) => h("option", { value: String(i) }, name);
    target.select.replaceChildren(target.select.options[0], ...names(count).map(option));
    target.show(String(model.get("label")));
  }
  offer(7);

  const stops = [
    bind(model, "size", size.show),
    bind(model, "stride", stride.show),
    bind(model, "opacity", (value) => opacity.show(100 * value)),
    bind(model, "view", view.show),
    bind(model, "label", (value) => target.show(String(value))),
  ];
  return { size, stride, opacity, view, target, offer, stops };
}

/**
 * Tell where the pointer and the keys want the patch: `hover(x, y)` with the pixel under the pointer,
 * `step(dx, dy)` with a move by one window, which says whether it could, or `lift()`.
 */
function steer(stage, { hover, step, lift }) {
  const point = (event) => {
    const box = stage.getBoundingClientRect();
    hover(((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE);
  };
  stage.addEventListener("pointerdown", point); // a tap does not move
  stage.addEventListener("pointermove", point);
  stage.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch") lift(); // a finger leaves with each tap
  });
  stage.addEventListener("blur", lift);
  stage.addEventListener("keydown", (event) => {
    if (forBrowser(event)) return;
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === "Escape") lift();
    if (move && step(...move)) event.preventDefault();
  });
}

function render({ model, el }) {
  const { card, compute } = frame({
    model, el,
    title: "Occlusion explorer",
    lead: "A black patch slides over the face. Where it hurts the chosen expression, the network was looking.",
  });
  const state = { grey: null, found: null, map: null, patch: null };
  const canvas = h("canvas", { width: STAGE, height: STAGE });
  const stage = h("div", {
    class: "ft-stage", tabindex: "0", role: "application",
    "aria-label": "Face with its map. Arrow keys move the patch, Escape lifts it.",
  }, canvas);
  const answer = bars("Probability of each expression");
  const heading = h("legend", {});
  const status = h("p", { class: "ft-note", role: "status" });
  const progress = h("span", {});
  const above = overlay(card, canvas);
  const control = controls(model);

  const label = () => (model.get("label") >= 0 ? model.get("label") : state.found ? top(state.found.clean) : 0);

  // ---- what to compute -------------------------------------------------------------------------
  function ask() {
    const [size, stride] = [model.get("size"), model.get("stride")];
    progress.style.width = "0";
    compute.ask({ kind: "occlude", network: model.get("network"), size, stride, passes: passes(size, stride) },
      [state.grey], (message, buffers) => {
        if (message.error) {
          forget();
          status.textContent = message.error;
          return;
        }
        if (message.progress) progress.style.width = `${100 * message.progress}%`;
        if (!buffers.length) return;
        state.found = { clean: message.clean, size, stride: message.stride, probabilities: floats(buffers[0]) };
        if (message.stride === stride) progress.style.width = "0";
        card.dataset.done = `${size}/${message.stride}`;
        refresh();
      });
  }

  /** Show no answer: the one that is known is about something else. */
  function forget() {
    card.map = state.found = state.map = state.patch = null;
    progress.style.width = "0";
    status.textContent = "";
    heading.textContent = "What the network says";
    answer.clear();
    draw();
  }

  function refresh() {
    if (!state.found) return;
    const { clean } = state.found;
    control.offer(clean.length);
    if (label() >= clean.length) { // the network before this one had more classes
      card.map = state.map = state.patch = null;
      draw();
      answer.show(clean);
      status.textContent = `This network does not know ${names(label() + 1)[label()]}: choose another expression.`;
      return;
    }
    card.map = state.map = mapOf(state.found, label(), model.get("view"));
    if (state.patch) { // a finer pass has other windows
      placePatch(...state.patch.asked);
      return;
    }
    draw();
    describe();
  }

  // ---- what to show ----------------------------------------------------------------------------
  function draw() {
    if (!state.grey) return;
    paint(canvas, state.grey);
    if (state.map) above.paint(state.map, { flips: model.get("view") === "flips", opacity: model.get("opacity") });
    else above.hide();
    if (state.patch) paintPatch(canvas, state.patch, state.found.size);
  }

  function describe() {
    const { clean, size, stride, probabilities } = state.found;
    const windows = starts(size, stride).length ** 2;
    const name = names(clean.length)[label()];
    if (state.patch) {
      const at = state.patch.index * clean.length;
      const left = Array.from(probabilities.subarray(at, at + clean.length));
      answer.show(left, clean);
      heading.textContent = "With the patch (line: without)";
      status.textContent = `Patch at column ${state.patch.x}, row ${state.patch.y}: ${name} ` +
        `${percent(clean[label()])} → ${percent(left[label()])}.`;
    } else {
      answer.show(clean);
      heading.textContent = "What the network says";
      const right = Array.from({ length: windows }, (_, i) =>
        top(probabilities.subarray(i * clean.length, (i + 1) * clean.length)) === label()).filter(Boolean).length;
      const whole = top(clean);
      status.textContent = whole === label()
        ? `${windows} windows; ${windows - right} of them turn the answer away from ${name}.`
        : `The whole face is ${names(clean.length)[whole]} to this network, not ${name}; ${right} of ${windows} windows turn the answer to ${name}.`;
    }
  }

  // ---- the patch under the pointer or the keys ----------------------------------------------------
  /** Put the patch on the window that is nearest to a pixel. */
  function placePatch(px, py) {
    if (!state.map) return;
    const { size, stride } = state.found;
    const along = starts(size, stride);
    const nearest = (t) => along.reduce((best, at, i) => (Math.abs(at - t) < Math.abs(along[best] - t) ? i : best), 0);
    const [j, i] = [nearest(px), nearest(py)];
    state.patch = { asked: [px, py], x: along[j], y: along[i], column: j, row: i, index: i * along.length + j };
    draw();
    describe();
  }

  function liftPatch() {
    state.patch = null;
    draw();
    if (state.map) describe();
  }

  /** Move the patch by windows; the first key puts it in the middle. */
  function stepPatch(dx, dy) {
    if (!state.map) return false;
    const along = starts(state.found.size, state.found.stride);
    const middle = Math.floor(along.length / 2);
    const at = (i) => along[Math.max(0, Math.min(along.length - 1, i))];
    if (state.patch) placePatch(at(state.patch.column + dx), at(state.patch.row + dy));
    else placePatch(along[middle], along[middle]);
    return true;
  }

  steer(stage, {
    hover(x, y) { // the pointer holds the patch in its middle
      const half = (state.found?.size ?? 8) / 2;
      placePatch(x - half, y - half);
    },
    step: stepPatch,
    lift: liftPatch,
  });

  // ---- the face ------------------------------------------------------------------------------------
  const faces = picker({
    card, model, chosen: model.get("face"),
    faces: { grey: bytes(model, "faces"), names: model.get("names") },
    choose(index, grey) {
      put(model, { face: index, label: model.get("labels")[index] ?? -1 });
      use(grey);
    },
    arrive: (grey) => model.get("face") < 0 && use(grey),
  });
  function use(grey) {
    if (grey === state.grey) return; // the model tells of a choice that was made here
    state.grey = grey;
    forget();
    ask();
  }
  const asked = networks(model);

  const stops = [
    ...control.stops,
    asked.stop,
    whenShown(card, draw),
    bind(model, "size", () => ((state.patch = null), ask())),
    bind(model, "stride", () => ((state.patch = null), ask())),
    bind(model, "opacity", draw),
    bind(model, "view", refresh),
    bind(model, "label", refresh),
    bind(model, "face", (value) => {
      faces.show(value);
      use(faces.grey(value));
    }),
    bind(model, "network", () => (forget(), ask())),
    whenAgain(model, ask),
  ];

  card.append(
    faces.element,
    h("div", { class: "ft-main", style: "margin-top:0.75rem" },
      h("div", { class: "ft-stack" }, stage,
        h("div", { class: "ft-progress", "aria-hidden": "true" }, progress),
        above.legend, control.opacity.element),
      h("div", { class: "ft-stack" },
        h("fieldset", { class: "ft-group" }, heading, answer.element), status,
        control.size.element, control.stride.element, control.target.element, control.view.element, asked.element)),
  );
  use(faces.grey(model.get("face")));
  return () => {
    for (const stop of stops) stop();
    faces.close();
    compute.close();
  };
}

export default { render };
