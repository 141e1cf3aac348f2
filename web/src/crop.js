// A square box on a picture, to be moved and resized by hand or by keys, and what is in it as a grey face.

import { forBrowser, h, slider } from "./dom.js";
import { SIDE } from "./picture.js";

const LARGEST = 640; // pixels of the longer side that are kept

/** {elements, show(source, width, height), hide(), focus()}: `take` gets the grey face whenever the box changes. */
export function cropper({ take }) {
  const picture = h("canvas", { role: "img", "aria-label": "Your photo" });
  const box = h("div", { class: "ft-crop", tabindex: "0", role: "application",
    "aria-label": "Crop box: arrow keys move it, plus and minus change its size" });
  const frame = h("div", { class: "ft-frame" }, picture, box);
  const size = slider({ label: "Crop", min: 10, max: 100, value: 70, format: (v) => `${v} %`, input: (v) => resize(v / 100) });
  const where = h("p", { class: "ft-visually-hidden", "aria-live": "polite" }); // for those who cannot see the box
  const crop = { x: 0, y: 0, side: 0 }; // in pixels of the picture

  const reveal = (there) => {
    frame.hidden = size.element.hidden = !there;
  };
  reveal(false);

  function show(source, width, height) {
    const shrink = Math.min(1, LARGEST / Math.max(width, height));
    picture.width = Math.max(1, Math.round(width * shrink));
    picture.height = Math.max(1, Math.round(height * shrink));
    const context = picture.getContext("2d");
    context.fillStyle = "#fff"; // shows where the photo is transparent: BACKGROUND of fertutor/faces/pictures.py
    context.fillRect(0, 0, picture.width, picture.height);
    context.drawImage(source, 0, 0, picture.width, picture.height);
    frame.style.maxWidth = `min(20rem, ${(30 * picture.width) / picture.height}rem)`; // a tall photo fits the screen
    reveal(true);
    crop.side = 0.7 * Math.min(picture.width, picture.height);
    crop.x = (picture.width - crop.side) / 2;
    crop.y = (picture.height - crop.side) / 2;
    size.show(70);
    place();
  }

  function place() {
    crop.x = Math.max(0, Math.min(picture.width - crop.side, crop.x));
    crop.y = Math.max(0, Math.min(picture.height - crop.side, crop.y));
    const share = (value, whole) => `${(100 * value) / whole}%`;
    Object.assign(box.style, {
      left: share(crop.x, picture.width), top: share(crop.y, picture.height),
      width: share(crop.side, picture.width), height: share(crop.side, picture.height),
    });
    take(grey());
  }

  function resize(part) {
    const side = part * Math.min(picture.width, picture.height);
    crop.x += (crop.side - side) / 2;
    crop.y += (crop.side - side) / 2;
    crop.side = side;
    place();
  }

  /** The crop as 48 x 48 grey levels. It is halved step by step, so that no pixel is left out. */
  function grey() {
    let from = picture;
    let [x, y, side] = [crop.x, crop.y, crop.side];
    while (side > 2 * SIDE) {
      const half = h("canvas", { width: Math.round(side / 2), height: Math.round(side / 2) });
      half.getContext("2d").drawImage(from, x, y, side, side, 0, 0, half.width, half.height);
      [from, x, y, side] = [half, 0, 0, half.width];
    }
    const small = h("canvas", { width: SIDE, height: SIDE });
    const context = small.getContext("2d");
    context.drawImage(from, x, y, side, side, 0, 0, SIDE, SIDE);
    const { data } = context.getImageData(0, 0, SIDE, SIDE);
    // the luma of ITU-R BT.601, as Pillow turns pictures grey
    return Uint8Array.from({ length: SIDE * SIDE }, (_, i) =>
      Math.round(0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2]));
  }

  const scale = () => picture.width / picture.getBoundingClientRect().width;
  box.addEventListener("pointerdown", (down) => {
    if (!down.isPrimary || down.button) return; // a second finger, or a menu
    const origin = { ...crop };
    box.setPointerCapture(down.pointerId);
    const move = (event) => {
      if (event.pointerId !== down.pointerId) return;
      crop.x = origin.x + (event.clientX - down.clientX) * scale();
      crop.y = origin.y + (event.clientY - down.clientY) * scale();
      place();
    };
    box.addEventListener("pointermove", move);
    box.addEventListener("lostpointercapture", () => box.removeEventListener("pointermove", move), { once: true });
  });
  box.addEventListener("keydown", (event) => {
    if (forBrowser(event)) return;
    const step = event.shiftKey ? 10 : 2;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const [dx, dy] = moves[event.key] ?? [0, 0];
    const grow = { "+": 5, "=": 5, "-": -5 }[event.key] ?? 0;
    if (!dx && !dy && !grow) return;
    event.preventDefault();
    crop.x += dx;
    crop.y += dy;
    if (grow) {
      size.show(Math.max(10, Math.min(100, Number(size.input.value) + grow)));
      resize(Number(size.input.value) / 100);
    } else place();
    tell();
  });

  /** Say where the box lies: how far its left and upper edge are from those of the picture. */
  function tell() {
    const [left, top] = [crop.x / picture.width, crop.y / picture.height].map((share) => Math.round(100 * share));
    where.textContent = `${left} % from the left, ${top} % from the top, ${size.input.value} % of the shorter side`;
  }

  return { elements: [frame, size.element, where], show, hide: () => reveal(false), focus: () => box.focus() };
}
