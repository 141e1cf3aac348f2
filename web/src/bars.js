// The probabilities as labelled bars: seven, or eight with contempt, as the network has them.

import { h } from "./dom.js";
import expressions from "./expressions.json";

export const names = (count) => expressions.names.slice(0, count);
export const percent = (share) => `${(100 * share).toFixed(share > 0.9995 || share < 0.0005 ? 0 : 1)} %`;

/** Index of the largest number. */
export const top = (values) => values.reduce((best, value, i) => (value > values[best] ? i : best), 0);

function makeRows(count) {
  return names(count).map((name) => {
    const fill = h("span", { class: "ft-fill", style: `background:${expressions.colours[name]}` });
    const mark = h("span", { class: "ft-mark", hidden: true });
    const number = h("span", { class: "ft-number" }, "…");
    const element = h("li", { class: "ft-bar" }, h("span", { class: "ft-name" }, name),
      h("span", { class: "ft-track", "aria-hidden": "true" }, fill, mark), number);
    return { element, fill, mark, number };
  });
}

export function bars(label) {
  let rows = makeRows(7); // so that the page does not jump when the answer comes
  const list = h("ul", { class: "ft-bars", "aria-label": label }, ...rows.map((row) => row.element));
  function lay(count) {
    rows = makeRows(count);
    list.replaceChildren(...rows.map((row) => row.element));
  }
  return {
    element: list,
    /** Show that nothing is known. */
    clear() {
      lay(rows.length);
      delete list.dataset.probabilities;
    },
    /** Show probabilities, and as a mark what they were `before`. */
    show(probabilities, before = null) {
      if (probabilities.length !== rows.length) lay(probabilities.length);
      const best = top(probabilities);
      rows.forEach(({ element, fill, mark, number }, i) => {
        element.classList.toggle("ft-top", i === best);
        fill.style.width = `${100 * probabilities[i]}%`;
        number.textContent = percent(probabilities[i]);
        mark.hidden = !before;
        if (before) mark.style.left = `${100 * before[i]}%`;
      });
      list.dataset.probabilities = probabilities.map((p) => p.toFixed(6)).join(" ");
    },
  };
}
