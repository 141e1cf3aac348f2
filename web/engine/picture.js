// Runs a graph whose arithmetic is mostly element by element, such as the renderer of the drawn faces.
//
// Its thousands of small steps on whole pictures would spend their time carrying pictures to and from
// memory. So runs of such steps are written as one loop over the pixels, compiled once.

import { fold } from "./graph.js";
import { apply, BINARY, broadcast, size, UNARY } from "./ops.js";

const LONGEST = 200; // steps in one loop: much longer ones are not optimised by browsers

export class Picture {
  /**
   * @param graph what `parse` of onnx.js returns
   * @param shapes dimensions of each input
   */
  constructor(graph, shapes) {
    this.graph = fold(graph);
    this.values = new Map(this.graph.constants);
    for (const [name, dims] of Object.entries(shapes)) this.values.set(name, { dims, data: new Float32Array(size(dims)) });
    this.spread();
    this.steps = this.plan();
  }

  /** Find the dimensions of all values: they are fixed. What is pointwise need not be computed for that. */
  spread() {
    const blanks = new Map(); // length → one array of zeros, shared until `keep` gives a value its own
    const blank = (dims) => {
      const length = size(dims);
      if (!blanks.has(length)) blanks.set(length, new Float32Array(length));
      return blanks.get(length);
    };
    for (const node of this.graph.nodes) {
      const inputs = this.inputs(node);
      const pointwise = node.op in UNARY || node.op in BINARY || node.op === "Clip";
      const dims = pointwise ? broadcast(...inputs.filter(Boolean).map((x) => x.dims)) : null;
      const value = dims ? { dims, data: blank(dims) } : apply(node, inputs, (made) => new Float32Array(size(made)));
      this.values.set(node.outputs[0], value);
    }
  }

  /** Give a value an array of its own. */
  keep(name) {
    const { dims, data } = this.values.get(name);
    this.values.set(name, { dims, data: new Float32Array(data.length) });
    return this.values.get(name);
  }

  inputs(node) {
    return node.inputs.map((name) => (name === "" ? undefined : this.values.get(name)));
  }

  length(name) {
    return this.values.get(name).data.length;
  }

  /** Whether a node makes each element of its output from the same element of its inputs, or from numbers. */
  isPointwise({ op, inputs, outputs }) {
    const count = this.length(outputs[0]);
    const fits = inputs.every((name) => name === "" || [1, count].includes(this.length(name)));
    return count > 1 && fits && (op in UNARY || (op in BINARY && inputs.length === 2) || op === "Clip");
  }

  /** The order of work: single nodes, and loops over runs of pointwise nodes of one length. */
  plan() {
    const steps = [];
    let run = [];
    const close = () => {
      if (run.length) steps.push(this.loop(run));
      run = [];
    };
    const small = (node) => this.length(node.outputs[0]) < 1000;
    // small nodes that depend on nothing large are computed first, so that they do not break up the loops
    const late = new Set(); // values that are large, or made from one
    for (const node of this.graph.nodes) {
      if (!small(node) || node.inputs.some((name) => late.has(name))) late.add(node.outputs[0]);
    }
    const early = (node) => !late.has(node.outputs[0]);
    const ordered = [...this.graph.nodes.filter(early), ...this.graph.nodes.filter((node) => !early(node))];
    for (const node of ordered) {
      const count = this.length(node.outputs[0]);
      if (small(node) || !this.isPointwise(node)) {
        close();
        const out = this.keep(node.outputs[0]);
        steps.push(() => {
          this.values.set(node.outputs[0], apply(node, this.inputs(node), () => out.data));
        });
        continue;
      }
      if (run.length === LONGEST || (run.length && this.length(run[0].outputs[0]) !== count)) close();
      run.push(node);
    }
    close();
    return steps;
  }

  /** One loop for a run of nodes; only what later steps read is written to memory. */
  loop(run) {
    const made = new Map(run.map((node, i) => [node.outputs[0], `v${i}`]));
    const inside = new Set(run);
    const wanted = new Set(this.graph.outputs);
    for (const node of this.graph.nodes) if (!inside.has(node)) for (const name of node.inputs) wanted.add(name);
    const given = [...new Set(run.flatMap((node) => node.inputs))].filter((name) => name !== "" && !made.has(name));
    const kept = [...made.keys()].filter((name) => wanted.has(name));
    const count = this.length(run[0].outputs[0]);
    const numbers = given.filter((name) => this.length(name) === 1);
    const term = (name) => {
      if (made.has(name)) return made.get(name);
      return numbers.includes(name) ? `n${given.indexOf(name)}` : `g${given.indexOf(name)}[i]`;
    };
    const lines = run.map(({ op, inputs, outputs }) => `const ${made.get(outputs[0])} = ${formula(op, inputs.map((name) => name && term(name)))};`);
    const source = [
      ...numbers.map((name) => `const n${given.indexOf(name)} = g${given.indexOf(name)}[0];`),
      `for (let i = 0; i < ${count}; i++) {`, ...lines,
      ...kept.map((name, i) => `k${i}[i] = ${made.get(name)};`), "}",
    ].join("\n");
    for (const name of kept) this.keep(name);
    const compute = new Function(...given.map((_, i) => `g${i}`), ...kept.map((_, i) => `k${i}`), source);
    const data = (name) => this.values.get(name).data;
    return () => compute(...given.map(data), ...kept.map(data));
  }

  /** Compute the outputs for `feeds`, input → numbers; an output is good until the next run. */
  run(feeds) {
    for (const [name, data] of Object.entries(feeds)) this.values.get(name).data.set(data);
    for (const step of this.steps) step();
    return Object.fromEntries(this.graph.outputs.map((name) => [name, this.values.get(name)]));
  }
}

/** An operator on terms of source text. */
function formula(op, [a, b, c]) {
  if (op === "Clip") return `Math.min(${c || Infinity}, Math.max(${b || -Infinity}, ${a}))`;
  const text = UNARY[op] ?? BINARY[op];
  return text.replace(/\b[ab]\b/g, (letter) => (letter === "a" ? `(${a})` : `(${b})`));
}
