// Brings the widgets and figures of a published page to life, without a kernel: each
// <div data-fertutor="name" data-props="…"> holds a picture, which gives way to the widget.

import { turns } from "./turns.js";

/** A widget's values where there is no kernel: what anywidget's model offers, kept in the page. */
class PageModel {
  constructor(values, compute) {
    this.values = values;
    this.compute = compute;
    this.listeners = new Map();
    this.changed = new Set();
  }

  get(name) {
    return this.values[name];
  }

  set(name, value) {
    if (this.values[name] === value) return;
    this.values[name] = value;
    this.changed.add(name);
  }

  save_changes() {
    const names = [...this.changed];
    this.changed.clear();
    for (const name of names) for (const listener of this.listeners.get(`change:${name}`) ?? []) listener();
  }

  on(event, listener) {
    if (!this.listeners.has(event)) this.listeners.set(event, new Set());
    this.listeners.get(event).add(listener);
  }

  off(event, listener) {
    this.listeners.get(event)?.delete(listener);
  }
}

let worker = null;
const widgets = new Map(); // owner → its questions, see turns.js

/** All widgets of a page share one worker, and so one copy of each network. */
function startWorker() {
  if (worker) return;
  worker = new Worker(new URL("worker.mjs", import.meta.url), { type: "module" });
  worker.postMessage({ folder: new URL(".", import.meta.url).href });
  worker.onmessage = ({ data }) => widgets.get(data.owner)?.hear(data.message, data.buffers);
  worker.onerror = () => {
    worker = null; // the next question tries again
    for (const each of widgets.values()) each.fail("The page could not start its own computing: reload it, or try another browser.");
  };
}

/** Answers a widget's questions in the page; kernel.js answers the same with Python. */
function browser(owner) {
  startWorker();
  const mine = turns((question, bytes) => {
    startWorker();
    worker.postMessage({ question: { ...question, owner }, bytes });
  });
  widgets.set(owner, mine);
  return { ask: mine.ask, close: () => widgets.delete(owner) };
}

/** Undo the form in which Python writes bytes: data URLs. */
function values(text) {
  const read = JSON.parse(text);
  for (const [name, value] of Object.entries(read)) {
    if (typeof value === "string" && value.startsWith("data:application/octet-stream;base64,")) {
      const raw = atob(value.slice(value.indexOf(",") + 1));
      read[name] = new DataView(Uint8Array.from(raw, (letter) => letter.charCodeAt(0)).buffer);
    }
  }
  return read;
}

async function enliven(place, index) {
  const name = place.dataset.fertutor;
  const module = await import(new URL(`${name}.mjs`, import.meta.url).href);
  if (name === "plotly") return module.render(place);
  const model = new PageModel(values(place.dataset.props), browser(index));
  const el = document.createElement("div");
  place.append(el);
  try {
    module.default.render({ model, el });
  } catch (error) {
    el.remove();
    throw error;
  }
  place.replaceChildren(el);
  place.dataset.alive = "yes";
}

/** Wait until a place is near the screen: a page with many widgets then starts at once. */
function whenSeen(place, act) {
  const watch = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watch.disconnect();
    act();
  }, { rootMargin: "600px" });
  watch.observe(place);
}

document.querySelectorAll("[data-fertutor]").forEach((place, index) => {
  place.dataset.waits = "yes"; // it need not say what it lacks: see book.css
  whenSeen(place, () => enliven(place, index).catch((error) => {
    place.dataset.alive = "no";
    delete place.dataset.waits;
    console.error(`FERTutor: ${place.dataset.fertutor} stays a picture:`, error);
  }));
});
