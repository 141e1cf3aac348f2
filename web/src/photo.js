// The reader's own photo: from a file, dropped, or from the webcam; crop.js makes a face of it.
// The photo never leaves the page; with a kernel the small grey face goes to Python.

import { cropper } from "./crop.js";
import { h } from "./dom.js";

const STAYS = {
  page: "The photo stays in this page.",
  kernel: "The photo stays in this page; its 48 × 48 grey pixels go to Python, where your kernel runs.",
};

/** `home` is "page" or "kernel": who answers. */
export function photo({ card, take, home }) {
  const status = h("p", { class: "ft-note", role: "status" });
  const file = h("input", { type: "file", accept: "image/*", class: "ft-visually-hidden", tabindex: "-1",
    "aria-label": "Photo file", change: () => file.files[0] && open(file.files[0]) });
  const video = h("video", { playsinline: true, muted: true, hidden: true, "aria-label": "Webcam" });
  const crop = cropper({ take });
  const snap = h("button", { type: "button", class: "ft-primary", click: () => shoot() }, "Take picture");
  const body = h("div", { class: "ft-photo", hidden: true }, status, video, snap, ...crop.elements);
  const upload = h("button", { type: "button", click: () => {
    file.value = ""; // so that the same file can be chosen again
    file.click();
  } }, "Your own photo…");
  const webcam = h("button", { type: "button", click: () => (stream ? stop() : start()) }, "Webcam");
  const element = h("div", { class: "ft-stack" }, h("div", { class: "ft-row" }, upload, webcam, file), body);
  let stream = null;
  let request = 0; // counts what was asked of camera and file: the answer may come when nobody waits for it any more

  const say = (text) => {
    status.textContent = text;
    body.hidden = false;
  };

  async function open(blob) {
    stop();
    const mine = request;
    try {
      const image = await createImageBitmap(blob);
      if (mine === request) {
        crop.show(image, image.width, image.height);
        say(`Place the box on the face. ${STAYS[home]}`);
      }
      image.close();
    } catch {
      if (mine !== request) return;
      crop.hide();
      say("This file is not a picture that the browser can read. Try a JPEG or PNG.");
    }
  }

  async function start() {
    const mine = ++request;
    try {
      const opened = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
      if (mine !== request) return release(opened);
      video.srcObject = stream = opened;
      await video.play();
      if (mine !== request) return;
    } catch {
      if (mine !== request) return;
      stop();
      say("The webcam cannot be used here. Choose a photo instead.");
      return;
    }
    video.hidden = snap.hidden = false;
    crop.hide();
    webcam.textContent = "Stop webcam";
    say(STAYS[home]);
  }

  function shoot() {
    const held = snap.matches(":focus");
    crop.show(video, video.videoWidth, video.videoHeight);
    stop();
    if (held) crop.focus(); // the button is gone
    say("Place the box on the face.");
  }

  function release(opened) {
    for (const track of opened?.getTracks() ?? []) track.stop();
  }

  function stop() {
    request += 1;
    release(stream);
    stream = video.srcObject = null;
    video.hidden = snap.hidden = true;
    webcam.textContent = "Webcam";
  }

  const over = (event) => {
    if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
    event.preventDefault();
    card.classList.toggle("ft-over", event.type !== "dragleave");
  };
  const drop = (event) => {
    over(event);
    card.classList.remove("ft-over");
    if (event.dataTransfer.files[0]) open(event.dataTransfer.files[0]);
  };
  card.addEventListener("dragover", over);
  card.addEventListener("dragleave", over);
  card.addEventListener("drop", drop);
  stop();
  return { element, close: stop };
}
