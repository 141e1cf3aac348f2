// The confusion explorer: a matrix of counts whose cells open onto the faces in them.

import { bars, names, percent } from "./bars.js";
import { bind, forBrowser, h, put, whenAgain } from "./dom.js";
import { frame, whenShown } from "./frame.js";
import { bytes } from "./kernel.js";
import { greyCanvas, SIDE } from "./picture.js";

const whole = (share) => `${Math.round(100 * share)} %`; // the faces of a page came along with two decimals
const sum = (counts) => counts.reduce((a, b) => a + b, 0);

function render({ model, el }) {
  const { card, compute } = frame({
    model, el,
    title: "Confusion explorer",
    lead: "Rows are what the faces show, columns what the network said. Choose a cell to see the faces in it.",
  });
  const matrix = () => model.get("matrix");
  const classes = matrix().length;
  const labels = names(classes);
  const buttons = labels.map((_, truth) => labels.map((__, said) =>
    h("button", { type: "button", "aria-pressed": "false", tabindex: "-1", click: () => put(model, { cell: [truth, said] }) })));
  const heading = h("p", { role: "status", style: "font-weight:600" });
  const shelf = h("div", { class: "ft-thumbs" });
  const more = h("button", { type: "button", hidden: true, click: () => ask(shown.length) }, "More faces");
  const answer = bars("Probability of each expression");
  const detail = h("fieldset", { class: "ft-group", hidden: true }, h("legend", {}, "What the network says of the chosen face"), answer.element);
  let shown = [];

  // ---- faces of a cell: those that came along, or those that Python sends --------------------------
  const along = () => {
    const grey = bytes(model, "faces");
    const [truth, said] = model.get("cell");
    return model.get("rows").flatMap(([t, s, sure], i) =>
      t === truth && s === said ? [{ sure, grey: grey.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE) }] : []);
  };

  function ask(from = 0) {
    const [truth, said] = model.get("cell");
    if (!from) {
      shown = along();
      show();
    }
    if (model.compute) return; // a published page has the faces that came along
    compute.ask({ kind: "cell", truth, said, from }, [], (message, [grey]) => {
      if (message.error) {
        heading.textContent = message.error;
        return;
      }
      const found = message.sure.map((sure, i) => ({ sure, grey: grey.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE) }));
      shown = from ? [...shown, ...found] : found;
      show();
    });
  }

  function show() {
    const [truth, said] = model.get("cell");
    const count = matrix()[truth][said];
    const total = sum(matrix()[truth]);
    const called = truth === said ? "and called so" : `but called ${labels[said]}`;
    const some = model.compute && shown.length && shown.length < count; // a page has some of the faces only
    heading.textContent = `${labels[truth]}, ${called}: ${count} of ${total} (${percent(total ? count / total : 0)})` +
      (some ? `; here the surest ${shown.length > 1 ? shown.length : "one"}` : "");
    detail.hidden = true;
    const [held, before] = [more.matches(":focus"), shelf.children.length];
    shelf.replaceChildren(...shown.map(({ sure, grey }) => {
      const picture = greyCanvas(grey);
      picture.style.cssText = "width:4rem;height:4rem;display:block;border-radius:0.25rem";
      return h("button", { type: "button", style: "padding:0.25rem", "aria-pressed": "false",
        "aria-label": `Face, ${whole(sure)} sure`, click: (event) => look(event.currentTarget, grey) },
        picture, h("span", { style: "font-size:0.75rem" }, whole(sure)));
    }));
    if (!count) shelf.replaceChildren(h("p", { class: "ft-note" }, "No face is in this cell."));
    more.hidden = Boolean(model.compute) || shown.length >= count;
    if (held && more.hidden) shelf.children[before]?.focus();
  }

  function look(button, grey) {
    for (const other of shelf.children) other.setAttribute("aria-pressed", String(other === button));
    answer.clear();
    compute.ask({ kind: "predict", network: model.get("network") }, [grey], (message) => {
      if (!button.isConnected) return; // another cell has been opened
      if (message.error) {
        detail.hidden = true;
        heading.textContent = message.error;
        return;
      }
      detail.hidden = false;
      answer.show(message.probabilities);
    });
  }

  // ---- the matrix -------------------------------------------------------------------------------------
  function fill() {
    buttons.forEach((row, t) => row.forEach((button, s) => {
      button.textContent = matrix()[t][s];
      button.setAttribute("aria-label", `${labels[t]} called ${labels[s]}: ${matrix()[t][s]}`);
    }));
    colour();
  }

  function colour() {
    const warm = getComputedStyle(card).getPropertyValue("--ft-warm");
    const cool = getComputedStyle(card).getPropertyValue("--ft-cool");
    const [truth, said] = model.get("cell");
    buttons.forEach((row, t) => row.forEach((button, s) => {
      const share = matrix()[t][s] / Math.max(1, sum(matrix()[t]));
      button.style.background = `rgba(${t === s ? cool : warm}, ${0.5 * share})`; // more would drown the number on a dark page
      const chosen = t === truth && s === said;
      button.setAttribute("aria-pressed", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    }));
  }

  const table = h("table", { class: "ft-matrix", "aria-label": "Counts of faces; arrow keys go from cell to cell" },
    h("thead", {}, h("tr", {}, h("td", {}), ...labels.map((name) => h("th", { scope: "col" }, h("span", {}, name))))),
    h("tbody", {}, ...buttons.map((row, t) =>
      h("tr", {}, h("th", { scope: "row" }, labels[t]), ...row.map((button) => h("td", {}, button))))));
  table.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!step || forBrowser(event)) return;
    event.preventDefault();
    const clamp = (value) => Math.max(0, Math.min(classes - 1, value));
    const cell = model.get("cell").map((value, i) => clamp(value + step[i]));
    put(model, { cell });
    buttons[cell[0]][cell[1]].focus();
  });

  const stops = [
    whenShown(card, colour),
    bind(model, "cell", () => (colour(), ask())),
    bind(model, "matrix", () => (fill(), ask())), // of another network
    whenAgain(model, ask),
  ];
  card.append(
    h("div", { class: "ft-main ft-wide" },
      h("div", { style: "overflow-x:auto;min-width:0;padding-bottom:2px" }, table), // room for the ring of the focus
      h("div", { class: "ft-stack" }, heading, shelf, h("div", {}, more), detail)),
  );
  fill();
  ask();
  return () => {
    for (const stop of stops) stop();
    compute.close();
  };
}

export default { render };
