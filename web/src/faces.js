// The row of faces to choose from, with the reader's own photo at its end.

import { h, unique } from "./dom.js";
import { photoLine } from "./kernel.js";
import { photo } from "./photo.js";
import { greyCanvas, SIDE } from "./picture.js";

/**
 * @param model of the widget
 * @param faces {grey: Uint8Array of n x 2304, names: [n]}
 * @param chosen index, or -1 for the own photo
 * @param choose called with the index and the 2304 grey levels
 * @param arrive called with the grey levels of an own photo that Python or another view has chosen
 */
export function picker({ card, model, faces, chosen, choose, arrive }) {
  const group = unique("faces");
  // one array a face, so that a face can be told from another by its array
  const greys = faces.names.map((_, i) => faces.grey.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE));
  const thumb = (i, name, grey) => {
    const radio = h("input", { type: "radio", name: group, value: i, "aria-label": name, checked: i >= 0 && i === chosen,
      change: () => choose(i, i < 0 ? own : greys[i]) });
    const element = h("label", { class: "ft-thumb" }, radio, greyCanvas(grey), h("span", { "aria-hidden": "true" }, name));
    return { radio, element };
  };
  const thumbs = faces.names.map((name, i) => thumb(i, name, greys[i]));
  const row = h("div", { class: "ft-thumbs" }, ...thumbs.map((each) => each.element));
  let own = null;
  let ownThumb = null;
  function setOwn(grey) {
    own = grey;
    const made = thumb(-1, "your photo", grey);
    made.radio.checked = ownThumb ? ownThumb.radio.checked : !thumbs.some(({ radio }) => radio.checked);
    if (ownThumb) ownThumb.element.replaceWith(made.element);
    else row.append(made.element);
    ownThumb = made;
  }
  const line = photoLine(model, (grey) => {
    setOwn(grey);
    arrive(grey);
  });
  const panel = photo({
    card,
    home: model.compute ? "page" : "kernel",
    take(grey) {
      setOwn(grey);
      ownThumb.radio.checked = true;
      line.send(grey);
      choose(-1, grey);
    },
  });
  const element = h("div", { class: "ft-stack" },
    h("fieldset", { class: "ft-group" }, h("legend", {}, "Face"), row), panel.element);
  return {
    element,
    /** The grey levels of a face; of the first one, until the own photo has come. */
    grey: (i) => (i < 0 ? (own ?? greys[0]) : greys[i]),
    show(i) {
      const each = i < 0 ? ownThumb : thumbs[i];
      if (each) each.radio.checked = true;
    },
    close() {
      panel.close();
      line.close();
    },
  };
}
