// The spatial transformer explorer: six numbers say where the network reads.

import { compose, IDENTITY, parts, warp } from "./affine.js";
import { bars } from "./bars.js";
import { bind, choice, fixed, h, networks, put, slider, whenAgain } from "./dom.js";
import { picker } from "./faces.js";
import { frame, whenShown } from "./frame.js";
import { bytes } from "./kernel.js";
import { paint } from "./picture.js";

const STAGE = 288;
const REACH = 1.35; // the picture is -1 to 1; a grid may reach beyond it

const PARTS = [
  ["turn", "Turn", -90, 90, 1, (v) => `${fixed(v, 0)}°`],
  ["width", "Width", 0.2, 2, 0.01, (v) => `× ${fixed(v)}`],
  ["height", "Height", 0.2, 2, 0.01, (v) => `× ${fixed(v)}`],
  ["shear", "Shear", -1, 1, 0.01, (v) => fixed(v)],
  ["right", "Shift right", -1, 1, 0.01, fixed],
  ["down", "Shift down", -1, 1, 0.01, fixed],
];

const WARPED = {
  features: "This network warps the maps that its trunk makes of the face, as the paper's Figure 3 draws it.",
  input: "This network warps the face itself, as the paper's text says it.",
  none: "",
};

function render({ model, el }) {
  const { card, compute } = frame({
    model, el,
    title: "Spatial transformer explorer",
    lead: "The orange grid shows where each pixel of the result is read. Six numbers, θ, place it.",
  });
  const state = { grey: null, own: null };
  const source = h("canvas", { width: STAGE, height: STAGE, role: "img", "aria-label": "The face with the sampling grid" });
  const result = h("canvas", { width: STAGE, height: STAGE, role: "img", "aria-label": "What the sampler reads" });
  const answer = bars("Probability of each expression");
  const status = h("p", { class: "ft-note", role: "status" });
  const theta = () => model.get("theta");

  function ask() {
    const [grey, network] = [state.grey, model.get("network")];
    compute.ask({ kind: "predict", network, theta: theta() }, [grey], (message) => {
      if (grey !== state.grey || network !== model.get("network")) return; // late, and about something else
      if (message.error) {
        forget();
        status.textContent = message.error;
        return;
      }
      state.own = message.theta;
      answer.show(message.probabilities);
      adopt.disabled = where.hidden = !message.theta;
      status.textContent = message.theta
        ? `The network itself chose θ = (${message.theta.map((v) => fixed(v)).join(", ")}).`
        : "This network has no transformer: θ does not reach its answer.";
    }, true);
  }

  /** Show no answer: the one that is known is about something else. */
  function forget() {
    state.own = null;
    adopt.disabled = true;
    status.textContent = "";
    answer.clear();
  }

  function draw() {
    if (!state.grey) return;
    const context = source.getContext("2d");
    const style = getComputedStyle(card);
    const inner = STAGE / REACH;
    const margin = (STAGE - inner) / 2;
    context.fillStyle = style.getPropertyValue("--ft-raised");
    context.fillRect(0, 0, STAGE, STAGE);
    const face = h("canvas", { width: inner, height: inner });
    paint(face, state.grey);
    context.drawImage(face, margin, margin);
    const at = (x, y) => {
      const [a, b, c, d, e, f] = theta();
      return [STAGE / 2 + ((a * x + b * y + c) * inner) / 2, STAGE / 2 + ((d * x + e * y + f) * inner) / 2];
    };
    const line = (from, to, width) => {
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(...at(...from));
      context.lineTo(...at(...to));
      context.stroke();
    };
    context.strokeStyle = `rgb(${style.getPropertyValue("--ft-warm")})`;
    for (let i = -1; i <= 1.001; i += 1 / 3) {
      const edge = Math.abs(Math.abs(i) - 1) < 0.01;
      line([i, -1], [i, 1], edge ? 2 : 1);
      line([-1, i], [1, i], i < -0.99 ? 5 : edge ? 2 : 1); // the upper edge is thick
    }
    const warped = warp(state.grey, theta(), model.get("padding"));
    Object.assign(card, { warped, theta: theta() });
    paint(result, warped);
  }

  const faces = picker({
    card, model, chosen: model.get("face"),
    faces: { grey: bytes(model, "faces"), names: model.get("names") },
    choose(index, grey) {
      put(model, { face: index });
      use(grey);
    },
    arrive: (grey) => model.get("face") < 0 && use(grey),
  });
  function use(grey) {
    if (grey === state.grey) return; // the model tells of a choice that was made here
    state.grey = grey;
    forget();
    draw();
    ask();
  }

  // ---- controls ---------------------------------------------------------------------------------
  const move = (values) => put(model, { theta: values.map((value) => Math.round(value * 1e4) / 1e4) });
  const bySix = ["θ₁₁", "θ₁₂", "θ₁₃", "θ₂₁", "θ₂₂", "θ₂₃"].map((label, i) =>
    slider({ label, min: -2, max: 2, step: 0.01, value: theta()[i], format: fixed,
      input: (value) => move(theta().map((old, k) => (k === i ? value : old))) }));
  const byParts = PARTS.map(([key, label, min, max, step, format]) =>
    slider({ label, min, max, step, value: parts(theta())[key], format,
      input: (value) => move(compose({ ...parts(theta()), [key]: value })) }));
  const columns = "display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:0.5rem 1.25rem";
  const six = h("div", { style: columns, hidden: true }, ...bySix.map((each) => each.element));
  const split = h("div", { style: columns }, ...byParts.map((each) => each.element));
  const mode = choice({ label: "Sliders", value: "parts", options: [["parts", "turn, zoom, shift, shear"], ["six", "the six numbers"]],
    input(value) {
      six.hidden = value !== "six";
      split.hidden = value === "six";
    } });
  const padding = choice({ label: "Outside the picture, as drawn here (the network keeps its own padding)", value: model.get("padding"),
    options: [["zeros", "zeros"], ["border", "border"], ["reflection", "reflection"]],
    input: (value) => put(model, { padding: value }) });
  const adopt = h("button", { type: "button", class: "ft-primary", disabled: true, click: () => move(state.own) }, "What the network chose");
  const reset = h("button", { type: "button", click: () => move(IDENTITY) }, "Identity");

  const showSliders = () => {
    bySix.forEach((each, i) => each.show(theta()[i]));
    const now = parts(theta());
    byParts.forEach((each, i) => each.show(now[PARTS[i][0]]));
  };
  const asked = networks(model);
  const where = h("p", { class: "ft-note" });
  const sayWhere = () => (where.textContent = WARPED[model.get("sampler")]);
  sayWhere();

  const stops = [
    asked.stop,
    whenShown(card, draw),
    bind(model, "theta", () => (showSliders(), draw(), ask())),
    bind(model, "padding", (value) => (padding.show(value), draw())),
    bind(model, "face", (value) => {
      faces.show(value);
      use(faces.grey(value));
    }),
    bind(model, "network", () => (forget(), ask())),
    whenAgain(model, ask),
    bind(model, "sampler", sayWhere),
  ];

  const caption = (text) => h("p", { class: "ft-note", style: "text-align:center" }, text);
  card.append(
    faces.element,
    h("div", { class: "ft-main ft-pair", style: "margin-top:0.75rem" },
      h("div", { style: "display:grid;grid-template-columns:1fr 1fr;gap:0.75rem" },
        h("div", {}, h("div", { class: "ft-stage" }, source), caption("where it reads")),
        h("div", {}, h("div", { class: "ft-stage" }, result), caption("what it makes"))),
      h("div", { class: "ft-stack" },
        h("fieldset", { class: "ft-group" }, h("legend", {}, "What the network says with this θ"), answer.element), asked.element)),
    h("div", { class: "ft-stack", style: "margin-top:0.75rem" },
      status, h("div", { class: "ft-row" }, adopt, reset), mode.element, split, six, padding.element,
      where),
  );
  use(faces.grey(model.get("face")));
  return () => {
    for (const stop of stops) stop();
    faces.close();
    compute.close();
  };
}

export default { render };
