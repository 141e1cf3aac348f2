// Small helpers that make labelled controls.

// every widget's module has its own copy of this file, so a counter alone would repeat names
const mine = Math.random().toString(36).slice(2, 8);
let serial = 0;
export const unique = (stem) => `ft-${stem}-${mine}-${++serial}`;

/** A number with its decimals, and a true minus sign; nought has none, though it be rounded from below. */
export function fixed(value, digits = 2) {
  const text = value.toFixed(digits);
  return text.replace("-", Number(text) < 0 ? "−" : "");
}

/** Whether a key is pressed for the browser (zoom, back, another tab) and not for the widget. */
export const forBrowser = (event) => event.ctrlKey || event.metaKey || event.altKey;

/** Make an element: h("p", {class: "note"}, "text", child). Functions become listeners. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

/**
 * A labelled range with its value beside it; returns {element, input, show(value)}. Python may set what
 * lies beyond `min` and `max`: the range then widens, for a range that clamped would say what is not so,
 * and narrows again, but not under a hand.
 */
export function slider({ label, min, max, step = 1, value, format = String, input }) {
  const id = unique("slider");
  const range = h("input", { type: "range", id, min, max, step });
  const output = h("output", { for: id, "aria-live": "off" }); // the range itself says its value
  const say = () => {
    output.textContent = format(Number(range.value));
    range.setAttribute("aria-valuetext", output.textContent);
  };
  range.addEventListener("input", () => {
    say();
    input(Number(range.value));
  });
  const show = (now) => {
    const beyond = (round) => Number((round(now / step) * step).toFixed(6)); // half a step is rounding
    const held = range.matches(":active, :focus");
    range.min = Math.min(held ? range.min : min, beyond((steps) => Math.floor(steps + 0.5)));
    range.max = Math.max(held ? range.max : max, beyond((steps) => Math.ceil(steps - 0.5)));
    range.value = now;
    say();
  };
  show(value);
  return { element: h("div", { class: "ft-slider" }, h("label", { for: id }, label), output, range), input: range, show };
}

/** One choice of a few, as radio buttons in a row: options are [value, text] pairs. */
export function choice({ label, options, value, input }) {
  const name = unique("choice");
  const radios = options.map(([key, text]) => {
    const radio = h("input", { type: "radio", name, value: key, checked: key === value, change: () => input(key) });
    return { key, radio, element: h("label", {}, radio, h("span", {}, text)) };
  });
  const element = h("fieldset", { class: "ft-group" }, h("legend", {}, label),
    h("div", { class: "ft-choice" }, ...radios.map((each) => each.element)));
  const show = (now) => {
    for (const { key, radio } of radios) radio.checked = key === now;
  };
  return { element, show };
}

/** One choice of many. */
export function menu({ label, options, value, input }) {
  const id = unique("menu");
  const select = h("select", { id, change: () => input(select.value) },
    ...options.map(([key, text]) => h("option", { value: key }, text)));
  select.value = value;
  const show = (now) => {
    select.value = now;
  };
  return { element: h("div", { class: "ft-field" }, h("label", { for: id }, label), select), select, show };
}

/** The networks that a widget may ask, as {element, stop}; the element is null where there is no choice. */
export function networks(model) {
  const names = model.get("networks");
  if (names.length < 2) return { element: null, stop() {} };
  const { element, select, show } = menu({ label: "Network", value: model.get("network"), options: names.map((name) => [name, name]),
    input: (value) => put(model, { network: value }) });
  const stop = bind(model, "network", (name) => { // Python may have set one that the menu lacks
    if (![...select.options].some(({ value }) => value === name)) select.append(h("option", { value: name }, name));
    show(name);
  });
  return { element, stop };
}

/** Keep a trait, its control and what depends on it together; returns a way to stop. */
export function bind(model, name, show) {
  const changed = () => show(model.get(name));
  model.on(`change:${name}`, changed);
  return () => model.off(`change:${name}`, changed);
}

/** Act when Python asks another network, whose name may be the same; returns a way to stop. */
export function whenAgain(model, act) {
  const hear = (message) => message.kind === "again" && act();
  model.on("msg:custom", hear);
  return () => model.off("msg:custom", hear);
}

export function put(model, values) {
  for (const [name, value] of Object.entries(values)) model.set(name, value);
  model.save_changes();
}
