// The row of faces to choose from, with the reader's own photo at its end.

import { h, unique } from "./dom.js";
import { photo } from "./photo.js";
import { greyCanvas, SIDE } from "./picture.js";

/**
 * @param faces {grey: Uint8Array of n x 2304, names: [n]}
 * @param chosen index, or -1 for the own photo
 * @param choose called with the index and the 2304 grey levels
 */
export function picker({ card, faces, chosen, choose }) {
  const group = unique("faces");
  // one array a face, so that a face can be told from another by its array
  const greys = faces.names.map((_, i) => faces.grey.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE));
  const thumb = (i, name, grey) => {
    const radio = h("input", { type: "radio", name: group, value: i, "aria-label": name, checked: i === chosen,
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
    if (ownThumb) ownThumb.element.replaceWith(made.element);
    else row.append(made.element);
    ownThumb = made;
  }
  const panel = photo({
    card,
    take(grey) {
      setOwn(grey);
      ownThumb.radio.checked = true;
      choose(-1, grey);
    },
  });
  const element = h("div", { class: "ft-stack" },
    h("fieldset", { class: "ft-group" }, h("legend", {}, "Face"), row), panel.element);
  return {
    element,
    grey: (i) => (i < 0 ? own : greys[i]),
    /** Take a photo from Python, which may have it from another view; whether it is new. */
    photo(grey) {
      if (!grey.length || (own && own.every((value, i) => value === grey[i]))) return false;
      setOwn(grey);
      return true;
    },
    show(i) {
      const each = i < 0 ? ownThumb : thumbs[i];
      if (each) each.radio.checked = true;
    },
    close: panel.close,
  };
}
