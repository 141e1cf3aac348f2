// What all widgets share: the card, the stylesheet, and who computes.

import css from "./style.css";
import { forBrowser, h } from "./dom.js";
import { kernel } from "./kernel.js";

function addStyle(root) {
  const place = root instanceof ShadowRoot ? root : document.head;
  if (place.querySelector("style[data-fertutor-style]")) return;
  place.append(h("style", { "data-fertutor-style": true }, css));
}

/** Call `draw` when the card has come onto the page or changed its size, and when the reader turns dark. */
export function whenShown(card, draw) {
  const size = new ResizeObserver(draw);
  size.observe(card);
  const dark = new MutationObserver(draw);
  const names = ["data-theme", "theme", "data-jp-theme-light", "class"];
  for (const root of [document.documentElement, document.body]) {
    dark.observe(root, { attributes: true, attributeFilter: names });
  }
  return () => {
    size.disconnect();
    dark.disconnect();
  };
}

/** Make the card of a widget in `el`: {card, compute}. */
export function frame({ model, el, title, lead }) {
  addStyle(el.getRootNode());
  const card = h("section", { class: "ft", "aria-label": title },
    h("p", { class: "ft-title" }, title), h("p", { class: "ft-lead" }, lead));
  // JupyterLab takes the keys of a focused slider or button for commands: an x would cut the cell
  card.addEventListener("keydown", (event) => forBrowser(event) || event.stopPropagation());
  el.replaceChildren(card);
  return { card, compute: model.compute ?? kernel(model) };
}
