// The action-unit face: muscles on one side, what the network reads into them on the other.

import { bars } from "./bars.js";
import { bind, fixed, h, menu, networks, put, slider, whenAgain } from "./dom.js";
import expressions from "./expressions.json";
import { frame, whenShown } from "./frame.js";
import { bytes, floats } from "./kernel.js";
import { paint } from "./picture.js";

const STAGE = 320;
const PLACES = [
  ["Brows and lids", [1, 2, 4, 5, 6, 7]],
  ["Nose and mouth", [9, 10, 12, 15, 16, 17]],
  ["Lips and jaw", [20, 23, 24, 25, 26]],
];
const POSE = [["yaw", "Turn the head", 0.6], ["pitch", "Nod", 0.4], ["roll", "Tilt", 0.5]];
const raw = (array) => new Uint8Array(array.buffer);

function render({ model, el }) {
  const { card, compute } = frame({
    model, el,
    title: "Action-unit face",
    lead: "Each slider is a muscle action of FACS. The face is drawn from them, and the network says what it sees.",
  });
  const units = expressions.units.map(([unit]) => unit);
  const traits = floats(bytes(model, "traits_of"));
  const people = model.get("people");
  const each = traits.length / people.length;
  const canvas = h("canvas", { width: STAGE, height: STAGE, role: "img", "aria-label": "The drawn face" });
  const seen = h("canvas", { width: 96, height: 96, role: "img", "aria-label": "The same face in the 48 by 48 pixels that the network sees",
    style: "width:4rem;border-radius:0.375rem" });
  const answer = bars("Probability of each expression");
  const status = h("p", { class: "ft-note", role: "status" });
  let shown = null;

  const strengths = () => units.map((unit) => model.get("action_units")[String(unit)] ?? 0);

  function ask() {
    const both = Float32Array.from(strengths().flatMap((value) => [value, value]));
    const person = Math.max(0, people.indexOf(model.get("person")));
    const scene = Float32Array.from(model.get("plain"));
    for (const [name] of POSE) scene[model.get("columns").indexOf(name)] = model.get("pose")[name] ?? 0;
    delete card.dataset.side;
    const network = model.get("network");
    compute.ask({ kind: "draw", network },
      [raw(both), raw(traits.slice(person * each, (person + 1) * each)), raw(scene)], (message, [picture, small]) => {
        if (network !== model.get("network")) return; // late, and another's
        if (message.error) {
          answer.clear();
          status.textContent = message.error;
          return;
        }
        shown = { picture, side: message.side, small: small ?? picture };
        card.seen = shown.small;
        card.dataset.side = message.side;
        answer.show(message.probabilities);
        draw();
        describe();
      }, true);
  }

  function draw() {
    if (!shown) return;
    paint(canvas, shown.picture, shown.side);
    paint(seen, shown.small);
  }

  function describe() {
    const active = units.filter((unit, i) => strengths()[i] > 0);
    status.textContent = active.length ? `Action units ${active.join(" + ")}.` : "The face at rest.";
    for (const { button, set } of prototypes) {
      const is = set.length === active.length && set.every((unit) => active.includes(unit));
      button.setAttribute("aria-pressed", String(is));
    }
  }

  const sliders = new Map(expressions.units.map(([unit, name]) => [unit, slider({
    label: `${unit} ${name}`, min: 0, max: 1, step: 0.01, value: model.get("action_units")[String(unit)] ?? 0,
    format: (value) => fixed(value),
    input: (value) => put(model, { action_units: { ...model.get("action_units"), [unit]: value } }),
  })]));
  const act = (set) => put(model, { action_units: Object.fromEntries(set.map((unit) => [unit, 1])) });
  const prototypes = Object.entries(expressions.prototypes).map(([name, set]) => ({
    set,
    button: h("button", { type: "button", "aria-pressed": "false", click: () => act(set) }, name === "neutral" ? "rest" : name),
  }));
  const person = menu({ label: "Person", value: String(model.get("person")), options: people.map((k) => [String(k), `no. ${k}`]),
    input: (value) => put(model, { person: Number(value) }) });
  const pose = POSE.map(([name, label, most]) => slider({
    label, min: -most, max: most, step: 0.01, value: model.get("pose")[name] ?? 0,
    format: (value) => `${fixed((value * 180) / Math.PI, 0)}°`,
    input: (value) => put(model, { pose: { ...model.get("pose"), [name]: value } }),
  }));

  const asked = networks(model);

  const stops = [
    asked.stop,
    whenShown(card, draw),
    bind(model, "action_units", (values) => {
      for (const [unit, control] of sliders) control.show(values[String(unit)] ?? 0);
      ask();
    }),
    bind(model, "person", (value) => (person.show(String(value)), ask())),
    bind(model, "pose", (values) => (POSE.forEach(([name], i) => pose[i].show(values[name] ?? 0)), ask())),
    bind(model, "network", () => (answer.clear(), ask())),
    whenAgain(model, ask),
  ];

  const columns = "display:grid;grid-template-columns:repeat(auto-fit,minmax(12rem,1fr));gap:0.25rem 1.5rem";
  card.append(
    h("div", { class: "ft-main" },
      h("div", { class: "ft-stack" }, h("div", { class: "ft-stage" }, canvas),
        h("div", { class: "ft-row" }, seen, h("p", { class: "ft-note", style: "flex:1;min-width:8rem" }, "what the network sees: 48 × 48 pixels"))),
      h("div", { class: "ft-stack" },
        h("fieldset", { class: "ft-group" }, h("legend", {}, "Prototypes"),
          h("div", { class: "ft-row", style: "gap:0.375rem" }, ...prototypes.map(({ button }) => button))),
        status,
        h("fieldset", { class: "ft-group" }, h("legend", {}, "What the network says"), answer.element),
        person.element, asked.element)),
    h("div", { style: `${columns};margin-top:1rem` },
      ...PLACES.map(([place, set]) => h("fieldset", { class: "ft-group" }, h("legend", {}, place),
        ...set.map((unit) => sliders.get(unit).element))),
      h("fieldset", { class: "ft-group" }, h("legend", {}, "Pose"), ...pose.map((control) => control.element))),
  );
  ask();
  return () => {
    for (const stop of stops) stop();
    compute.close();
  };
}

export default { render };
