// Runs an exported network, and recomputes it cheaply when only a patch of the face has changed.
//
// A convolution or a pooling layer is local: a patch of the input can only change a somewhat larger
// patch of the output. So after one clean run, a window of the occlusion map costs only the patches it
// can reach; what is not local (θ, the sampler, the fully connected layers) is recomputed in full. The
// numbers are those of the full computation, not an approximation.

import { fold } from "./graph.js";
import { apply, size } from "./ops.js";

const roundUp = (channels) => (channels === 1 ? 1 : (channels + 3) & ~3);

/** The smallest rectangle around two, either of which may be null. */
const union = (a, b) =>
  a && b
    ? { y0: Math.min(a.y0, b.y0), y1: Math.max(a.y1, b.y1), x0: Math.min(a.x0, b.x0), x1: Math.max(a.x1, b.x1) }
    : (a ?? b);

/** A layer's value in WebAssembly memory: height x width x stride floats; a vector is 1 x 1 x n. */
class Slot {
  constructor(kernels, channels, height = 1, width = 1, vector = false) {
    Object.assign(this, { channels, height, width, vector });
    this.stride = vector ? (channels + 3) & ~3 : roundUp(channels);
    this.length = this.stride * height * width;
    this.at = kernels.reserve(this.length * 4);
    this.all = { y0: 0, y1: height, x0: 0, x1: width };
    this.clean = new Float32Array(this.length);
  }

  /** Memory may have moved while the network was laid out; views are made when it is complete. */
  open(memory) {
    this.data = new Float32Array(memory.buffer, this.at, this.length);
  }

  keep() {
    this.clean.set(this.data);
  }

  restore({ y0, y1, x0, x1 }) {
    for (let y = y0; y < y1; y++) {
      const from = (y * this.width + x0) * this.stride;
      const to = (y * this.width + x1) * this.stride;
      for (let i = from; i < to; i++) this.data[i] = this.clean[i];
    }
  }

  /** The value as ONNX has it: [1, channels, height, width], or [1, n]. */
  plain() {
    const { channels, height, width, stride, data } = this;
    if (this.vector) return { dims: [1, channels], data: data.subarray(0, channels) };
    const out = new Float32Array(channels * height * width);
    for (let p = 0, plane = height * width; p < plane; p++) {
      for (let c = 0; c < channels; c++) out[c * plane + p] = data[p * stride + c];
    }
    return { dims: [1, channels, height, width], data: out };
  }

  /** Take over a value that a plain operator computed. */
  load(value) {
    const plane = this.height * this.width;
    for (let p = 0; p < plane; p++) {
      for (let c = 0; c < this.channels; c++) this.data[p * this.stride + c] = value.data[c * plane + p];
    }
  }
}

export class Network {
  /**
   * @param graph what `parse` of onnx.js returns, exported for one face
   * @param module the compiled kernels.wasm
   */
  constructor(graph, module) {
    this.kernels = new WebAssembly.Instance(module, {}).exports;
    this.graph = fold(graph);
    this.slots = new Map(); // values in WebAssembly memory
    this.values = new Map(this.graph.constants); // values in JavaScript arrays
    this.shapes = new Map();
    this.copies = [];
    this.input = this.slot(this.graph.inputs[0], 1, 48, 48);
    const readers = new Map();
    for (const { inputs } of this.graph.nodes) for (const name of inputs) readers.set(name, (readers.get(name) ?? 0) + 1);
    this.steps = [];
    for (let i = 0; i < this.graph.nodes.length; i++) {
      let node = this.graph.nodes[i];
      const next = this.graph.nodes[i + 1];
      const fused =
        ["Conv", "MaxPool", "AveragePool", "Gemm"].includes(node.op) &&
        next?.op === "Relu" && next.inputs[0] === node.outputs[0] && readers.get(node.outputs[0]) === 1;
      if (fused) {
        node = { ...node, outputs: next.outputs, relu: 1 };
        i += 1;
      }
      this.steps.push(this.plan(node));
    }
    for (const slot of this.slots.values()) slot.open(this.kernels.memory);
    for (const { at, data } of this.copies) new Float32Array(this.kernels.memory.buffer, at, data.length).set(data);
    this.copies = [];
  }

  slot(name, channels, height, width) {
    const slot = new Slot(this.kernels, channels, height, width, height === undefined);
    this.slots.set(name, slot);
    this.shapes.set(name, slot.vector ? [1, channels] : [1, channels, height, width]);
    return slot;
  }

  /** Put constant numbers into WebAssembly memory. */
  store(data) {
    const at = this.kernels.reserve(data.length * 4);
    this.copies.push({ at, data });
    return at;
  }

  /**
   * Decide how a node is computed: the node with `compute`, the `slot` of its value if that lies in
   * WebAssembly memory, and `local` with the `reach` of a rectangle of its input.
   */
  plan(node) {
    const shape = this.shapes.get(node.inputs[0]);
    const map = shape?.length === 4;
    if (map && node.op === "Conv") return this.convolution(node);
    if (map && (node.op === "MaxPool" || node.op === "AveragePool")) return this.pooling(node);
    if (node.op === "Gemm" && this.isWeight(node)) return this.dense(node);
    return this.elementwise(node) ?? this.general(node);
  }

  isWeight({ inputs, attributes }) {
    const plainFactors = (attributes.alpha ?? 1) === 1 && (attributes.beta ?? 1) === 1 && !attributes.transA;
    return plainFactors && inputs.slice(1).every((name) => this.graph.constants.has(name));
  }

  /** The slot of a value, which a plain value gets here, at the price of a copy in each run. */
  asMap(name) {
    const slot = this.slots.get(name);
    if (slot) return slot;
    const [, channels, height, width] = this.shapes.get(name);
    const made = this.slot(name, channels, height, width);
    this.steps.push({
      outputs: [name], inputs: [], local: false, slot: made,
      after: name,
      compute: () => made.load(this.values.get(name)),
    });
    return made;
  }

  window(node, height, width) {
    const { kernel_shape: kernel, strides = [1, 1], pads = [0, 0, 0, 0], dilations = [1, 1] } = node.attributes;
    const even = (list) => list.every((value) => value === list[0]);
    if (!even(strides) || !even(pads) || !even(kernel) || dilations.some((d) => d !== 1) || node.attributes.ceil_mode) {
      throw new Error(`${node.op}: uneven windows, dilation and ceil_mode are not computed in pages`);
    }
    const [k, step, pad] = [kernel[0], strides[0], pads[0]];
    const after = (extent) => Math.floor((extent + 2 * pad - k) / step) + 1;
    const rows = after(height);
    const columns = after(width);
    const first = (from) => Math.max(0, Math.ceil((from + pad - k + 1) / step));
    const end = (to, extent) => Math.min(extent, Math.floor((to - 1 + pad) / step) + 1);
    const reach = ({ y0, y1, x0, x1 }) => ({
      y0: first(y0), y1: end(y1, rows), x0: first(x0), x1: end(x1, columns),
    });
    return { k, step, pad, rows, columns, reach };
  }

  convolution(node) {
    const x = this.asMap(node.inputs[0]);
    const weight = this.graph.constants.get(node.inputs[1]);
    const bias = this.graph.constants.get(node.inputs[2]);
    const [outputs, each, k] = weight.dims;
    const groups = node.attributes.group ?? 1;
    const { step, pad, rows, columns, reach } = this.window(
      { ...node, attributes: { kernel_shape: [k, weight.dims[3]], ...node.attributes } }, x.height, x.width,
    );
    const out = this.slot(node.outputs[0], outputs, rows, columns);
    const depthwise = groups > 1 && each === 1 && outputs === x.channels ? 1 : 0;
    const deep = depthwise ? 1 : x.channels;
    const w = new Float32Array(k * k * deep * out.stride);
    const perGroup = outputs / groups;
    for (let o = 0; o < outputs; o++) {
      const first = depthwise ? 0 : Math.floor(o / perGroup) * each;
      for (let i = 0; i < each; i++) {
        for (let t = 0; t < k * k; t++) {
          w[(t * deep + first + i) * out.stride + o] = weight.data[(o * each + i) * k * k + t];
        }
      }
    }
    const b = new Float32Array(out.stride);
    if (bias) b.set(bias.data);
    const wAt = this.store(w);
    const bAt = this.store(b);
    const relu = node.relu ?? 0;
    const { conv } = this.kernels;
    return {
      ...node, local: true, slot: out, reach,
      compute: ({ y0, y1, x0, x1 }) =>
        conv(x.at, wAt, bAt, out.at, x.height, x.width, x.channels, x.stride, columns, out.stride,
          k, k, step, pad, relu, depthwise, y0, y1, x0, x1),
    };
  }

  pooling(node) {
    const x = this.asMap(node.inputs[0]);
    if (x.channels === 1) throw new Error("pooling of one channel is not computed in pages");
    const average = node.op === "AveragePool" ? 1 : 0;
    const { k, step, pad, rows, columns, reach } = this.window(node, x.height, x.width);
    if (average && pad) throw new Error("AveragePool with padding is not computed in pages");
    const out = this.slot(node.outputs[0], x.channels, rows, columns);
    const relu = node.relu ?? 0;
    const { pool } = this.kernels;
    return {
      ...node, local: true, slot: out, reach,
      compute: ({ y0, y1, x0, x1 }) =>
        pool(x.at, out.at, x.height, x.width, x.stride, columns, k, step, pad, average, relu, y0, y1, x0, x1),
    };
  }

  dense(node) {
    const weight = this.graph.constants.get(node.inputs[1]);
    const bias = this.graph.constants.get(node.inputs[2]);
    const transposed = node.attributes.transB ?? 0;
    const [inputs, outputs] = transposed ? [weight.dims[1], weight.dims[0]] : weight.dims;
    const out = this.slot(node.outputs[0], outputs);
    const w = new Float32Array(inputs * out.stride);
    for (let i = 0; i < inputs; i++) {
      for (let o = 0; o < outputs; o++) {
        w[i * out.stride + o] = weight.data[transposed ? o * inputs + i : i * outputs + o];
      }
    }
    const b = new Float32Array(out.stride);
    if (bias) b.set(bias.data);
    const wAt = this.store(w);
    const bAt = this.store(b);
    const from = this.kernels.reserve(inputs * 4);
    const relu = node.relu ?? 0;
    return {
      ...node, local: false, slot: out,
      compute: () => {
        new Float32Array(this.kernels.memory.buffer, from, inputs).set(this.plain(node.inputs[0]).data);
        this.kernels.dense(from, wAt, bAt, out.at, inputs, out.stride, relu);
      },
    };
  }

  /** Addition of two maps, arithmetic with a number or with one number a channel, and Relu, on maps. */
  elementwise(node) {
    const shape = this.shapes.get(node.inputs[0]);
    if (shape?.length !== 4) return null;
    const x = () => this.asMap(node.inputs[0]);
    if (node.op === "Relu") return this.scaled(node, x(), 1, 0, true);
    const constant = this.graph.constants.get(node.inputs[1]);
    if (constant?.data.length === 1) {
      const number = constant.data[0];
      if (node.op === "Sub") return this.scaled(node, x(), 1, -number);
      if (node.op === "Add") return this.scaled(node, x(), 1, number);
      if (node.op === "Mul") return this.scaled(node, x(), number, 0);
      if (node.op === "Div") return this.scaled(node, x(), 1 / number, 0);
    }
    if (node.op === "Add" && String(this.shapes.get(node.inputs[1])) === String(shape)) {
      return this.sum(node, x(), this.asMap(node.inputs[1]));
    }
    return null;
  }

  scaled(node, x, factor, offset, relu = false) {
    const out = this.slot(node.outputs[0], x.channels, x.height, x.width);
    return this.each(node, out, (i) => {
      const value = x.data[i] * factor + offset;
      out.data[i] = relu && value < 0 ? 0 : value;
    });
  }

  sum(node, x, y) {
    const out = this.slot(node.outputs[0], x.channels, x.height, x.width);
    return this.each(node, out, (i) => {
      out.data[i] = x.data[i] + y.data[i];
    });
  }

  each(node, out, set) {
    return {
      ...node, local: true, slot: out, reach: (rect) => rect,
      compute: ({ y0, y1, x0, x1 }) => {
        for (let y = y0; y < y1; y++) {
          const to = (y * out.width + x1) * out.stride;
          for (let i = (y * out.width + x0) * out.stride; i < to; i++) set(i);
        }
      },
    };
  }

  /** Everything else: computed in full on plain arrays, whatever changed. */
  general(node) {
    const make = (dims) => new Float32Array(size(dims));
    const compute = () => {
      const inputs = node.inputs.map((name) => (name === "" ? undefined : this.plain(name)));
      this.values.set(node.outputs[0], apply(node, inputs, make));
    };
    // shapes are fixed, so one run on zeros tells them
    const zeros = (name) =>
      this.graph.constants.get(name) ??
      { dims: this.shapes.get(name), data: new Float32Array(size(this.shapes.get(name))) };
    const made = apply(node, node.inputs.map((name) => (name === "" ? undefined : zeros(name))), make);
    this.shapes.set(node.outputs[0], made.dims);
    return { ...node, local: false, compute };
  }

  plain(name) {
    return this.slots.get(name)?.plain() ?? this.values.get(name);
  }

  /**
   * Compute the network for one face.
   *
   * @param face 2304 grey levels in [0, 1]
   * @param given values that replace computed ones, e.g. {theta: six numbers}
   * @returns {probabilities, theta}: theta is null for a network without a transformer
   */
  run(face, given = {}) {
    this.face = Object.keys(given).length ? null : face;
    this.input.data.set(face);
    this.input.keep();
    for (const step of this.steps) {
      const name = step.outputs[0];
      if (given[name]) this.force(name, given[name]);
      else step.compute(step.slot?.all);
      if (step.slot) step.slot.keep();
      else step.kept = this.values.get(name);
    }
    const theta = this.shapes.has("theta") ? Array.from(this.plain("theta").data) : null;
    return { probabilities: this.probabilities(), theta };
  }

  force(name, data) {
    const slot = this.slots.get(name);
    if (slot) slot.data.set(data);
    else this.values.set(name, { dims: this.shapes.get(name), data: Float32Array.from(data) });
  }

  /** Probabilities when `rect` of the face of the last `run` is painted with `fill`. */
  patched(rect, fill = 0) {
    const { width, data } = this.input;
    for (let y = rect.y0; y < rect.y1; y++) data.fill(fill, y * width + rect.x0, y * width + rect.x1);
    const changed = new Map([[this.graph.inputs[0], rect]]);
    for (const step of this.steps) {
      const before = step.inputs.reduce((all, name) => union(all, changed.get(name) ?? null), changed.get(step.after) ?? null);
      if (!before) continue;
      const now = step.local ? step.reach(before) : (step.slot?.all ?? before);
      if (now.y0 >= now.y1 || now.x0 >= now.x1) continue; // a pooling layer may drop the last row
      step.compute(now);
      changed.set(step.outputs[0], now);
    }
    const probabilities = this.probabilities();
    this.input.restore(rect);
    for (const step of this.steps) {
      const reached = changed.get(step.outputs[0]);
      if (!reached) continue;
      if (step.slot) step.slot.restore(reached);
      else this.values.set(step.outputs[0], step.kept);
    }
    return probabilities;
  }

  probabilities() {
    const logits = this.plain(this.graph.outputs[0]).data;
    const most = Math.max(...logits);
    const weights = Array.from(logits, (logit) => Math.exp(logit - most));
    const total = weights.reduce((a, b) => a + b, 0);
    return weights.map((weight) => weight / total);
  }
}
