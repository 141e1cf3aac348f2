// Asks Python. The page's own computer (page.js) answers the same questions in the same form.

/**
 * @returns {ask(question, bytes, answer), close()}: `answer(message, buffers)` is called with each part
 *   that comes back; a later question of the same kind makes an earlier one void.
 */
export function kernel(model) {
  const asked = new Map(); // kind → {id, answer, heard}
  const held = new Map(); // kind → a question that waits for the first answer to the one before
  const view = crypto.getRandomValues(new Uint32Array(2)).join("-"); // another view may use the same numbers
  let serial = 0;

  function send(question, bytes, answer) {
    const id = ++serial;
    asked.set(question.kind, { id, answer, heard: false });
    model.send({ ...question, id, view }, undefined, bytes.map((array) => array.slice().buffer));
  }

  function hear(message, buffers) {
    const open = asked.get(message.kind);
    if (message.view !== view || open?.id !== message.id) return;
    open.heard = true;
    const next = held.get(message.kind);
    if (next) {
      held.delete(message.kind);
      send(...next);
    } else open.answer(message, buffers.map(bytesOf));
  }

  model.on("msg:custom", hear);
  return {
    ask(question, bytes, answer) {
      const open = asked.get(question.kind);
      if (open && !open.heard) held.set(question.kind, [question, bytes, answer]);
      else send(question, bytes, answer);
    },
    close: () => model.off("msg:custom", hear),
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
