// Asks Python. The page's own computer (page.js) answers the same questions in the same form.

import { turns } from "./turns.js";

const random = () => crypto.getRandomValues(new Uint32Array(2)).join("-");

/** {ask, close}: see turns.js. */
export function kernel(model) {
  const view = random(); // another view counts its own questions
  const { ask, hear } = turns((question, bytes) =>
    model.send({ ...question, view }, undefined, bytes.map((array) => array.slice().buffer)));
  const listen = (message, buffers) => message.view === view && hear(message, buffers.map(bytesOf));
  model.on("msg:custom", listen);
  return { ask, close: () => model.off("msg:custom", listen) };
}

/**
 * Share the reader's own photo with Python and the other views, which hear of it by `take`. It goes in messages of
 * its own: what is part of the model's state is saved with the notebook. A page has no one to share it with.
 */
export function photoLine(model, take) {
  if (model.compute) return { send() {}, close() {} };
  const view = random();
  const listen = (message, buffers) =>
    message.kind === "photo" && message.view !== view && take(bytesOf(buffers[0]));
  model.on("msg:custom", listen);
  model.send({ kind: "photo", view }); // is there one already?
  return {
    send: (grey) => model.send({ kind: "photo", view }, undefined, [grey.slice().buffer]),
    close: () => model.off("msg:custom", listen),
  };
}

const bytesOf = (view) =>
  new Uint8Array(view.buffer.slice(view.byteOffset ?? 0, (view.byteOffset ?? 0) + view.byteLength));

/** Bytes of a trait, which a kernel sends as a DataView. */
export function bytes(model, name) {
  const value = model.get(name);
  return value ? bytesOf(value) : new Uint8Array();
}

/** The bytes of an answer as floats. */
export const floats = (array) => new Float32Array(array.buffer, array.byteOffset, array.byteLength / 4);
