// Questions in turn: while a network is at one, the newest of its kind waits for the first answer.

/**
 * @param post called with a question, which has an id then, and its bytes
 * @returns {ask(question, bytes, answer, late), hear(message, buffers), fail(error)}: `answer(message, buffers)`
 *   is called with each part that comes back; a later question of the same kind makes an earlier one void. With
 *   `late` the first answer is shown though a later question waits: what follows a hand must not stand still
 *   until the hand rests.
 */
export function turns(post) {
  const asked = new Map(); // kind → {id, network, answer, late, heard}
  const held = new Map(); // kind → the question that waits
  let serial = 0;

  function send(question, bytes, answer, late) {
    const id = ++serial;
    asked.set(question.kind, { id, network: question.network, answer, late, heard: false });
    held.delete(question.kind);
    post({ ...question, id }, bytes);
  }

  return {
    ask(question, bytes, answer, late = false) {
      const open = asked.get(question.kind);
      // another network is asked at once: the one before may still be on its way here
      if (open && !open.heard && open.network === question.network) held.set(question.kind, [question, bytes, answer, late]);
      else send(question, bytes, answer, late);
    },
    hear(message, buffers) {
      const open = asked.get(message.kind);
      if (open?.id !== message.id) return;
      open.heard = true;
      const next = held.get(message.kind);
      if (next) send(...next);
      if (!next || open.late) open.answer(message, buffers);
    },
    /** Whoever answers is gone: say so to all that wait, or did. */
    fail(error) {
      held.clear();
      for (const open of asked.values()) {
        open.heard = true;
        open.answer({ error }, []);
      }
    },
  };
}
