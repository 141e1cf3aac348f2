// Computes in the reader's browser what a kernel would: one question at a time, in slices, so that the
// next question can make it void. Runs in a Web Worker, so the page never waits.

import kernels from "kernels.wasm";
import { Network } from "../engine/network.js";
import { parse } from "../engine/onnx.js";
import { Picture } from "../engine/picture.js";
import { floats } from "./kernel.js";
import { starts } from "./windows.js";

const SLICE = 12; // milliseconds of work between two looks at the post
const compiled = Promise.resolve().then(() => WebAssembly.compile(kernels)).catch(() => {
  throw new Error("This browser cannot run the networks: it lacks WebAssembly with SIMD. Try a newer one.");
});
compiled.catch(() => {}); // it is said when a network is asked for
let folder = "";
const latest = new Map(); // widget and kind → id of its newest question

const once = new Map(); // name → what was fetched and laid out on first use

function keep(name, make) {
  if (!once.has(name)) {
    const made = make();
    once.set(name, made);
    made.catch(() => once.delete(name)); // the next question tries again
  }
  return once.get(name);
}

async function graph(name) {
  const response = await fetch(new URL(`networks/${name}.onnx`, folder)).catch(() => {
    throw new Error(`The network ${name} could not be loaded: try again when you are online.`);
  });
  if (!response.ok) throw new Error(`The network ${name} is not in this book.`);
  return parse(await response.arrayBuffer());
}

const network = (name) => keep(name, async () => new Network(await graph(name), await compiled));
const renderer = (name, shapes) => keep(name, async () => new Picture(await graph(name), shapes));

const line = ({ owner, kind }) => `${owner} ${kind}`;
const current = (question) => latest.get(line(question)) === question.id;
const reply = ({ owner, kind, id }, message, ...buffers) => postMessage({ owner, message: { kind, id, ...message }, buffers });
const breathe = () => new Promise((resolve) => setTimeout(resolve));
const levels = (bytes) => Float32Array.from(bytes, (value) => value / 255);

async function occlude(question, [grey]) {
  const { network: name, size, passes } = question;
  const net = await network(name);
  if (!current(question)) return;
  const face = levels(grey);
  const { probabilities: clean } = net.run(face);
  let pause = performance.now() + SLICE;
  for (const stride of passes) {
    const along = starts(size, stride);
    const found = new Float32Array(along.length ** 2 * clean.length);
    for (let i = 0; i < along.length; i++) {
      for (let j = 0; j < along.length; j++) {
        const [y0, x0] = [along[i], along[j]];
        found.set(net.patched({ y0, y1: y0 + size, x0, x1: x0 + size }), (i * along.length + j) * clean.length);
        if (performance.now() < pause) continue;
        await breathe();
        if (!current(question)) return;
        if (net.face !== face) net.run(face); // another widget of the page has used it meanwhile
        reply(question, { progress: (i + 1) / along.length });
        pause = performance.now() + SLICE;
      }
    }
    reply(question, { stride, clean }, new Uint8Array(found.buffer));
  }
}

async function predict(question, [grey]) {
  const { network: name, theta } = question;
  const net = await network(name);
  if (!current(question)) return;
  const own = net.run(levels(grey));
  const forced = theta && own.theta ? net.run(levels(grey), { theta }) : own;
  reply(question, { probabilities: forced.probabilities, theta: own.theta });
}

/** Draw a face: small for the network at once, then large for the reader. */
async function draw(question, inputs) {
  const { network: name } = question;
  const feeds = Object.fromEntries(["action_units", "traits", "scene"].map((input, i) => [input, floats(inputs[i])]));
  const shapes = Object.fromEntries(Object.entries(feeds).map(([input, data]) => [input, [1, data.length]]));
  const grey = ({ picture }) => Uint8Array.from(picture.data, (value) => Math.round(255 * Math.max(0, Math.min(1, value))));
  const small = grey((await renderer("renderer", shapes)).run(feeds));
  const net = await network(name);
  if (!current(question)) return;
  const { probabilities } = net.run(levels(small));
  reply(question, { probabilities, side: Math.sqrt(small.length) }, small);
  const drawer = await renderer("renderer-large", shapes);
  await breathe();
  if (!current(question)) return;
  const large = grey(drawer.run(feeds));
  reply(question, { probabilities, side: Math.sqrt(large.length) }, large, small);
}

const answers = { draw, occlude, predict };

onmessage = async ({ data }) => {
  if (data.folder) {
    folder = data.folder;
    return;
  }
  const { question, bytes } = data;
  latest.set(line(question), question.id);
  try {
    await answers[question.kind](question, bytes);
  } catch (error) {
    reply(question, { error: error.message });
  }
};
