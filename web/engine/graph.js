// Makes a graph that was read from an ONNX file simpler before it is run.

import { apply, size } from "./ops.js";

/** Evaluate at once every node that depends on constants only. */
export function fold(graph) {
  const constants = new Map(graph.constants);
  const nodes = [];
  for (const node of graph.nodes.flatMap((each) => (each.op === "Split" ? slices(each, graph, constants) : [each]))) {
    if (node.inputs.every((name) => name === "" || constants.has(name))) {
      const inputs = node.inputs.map((name) => constants.get(name));
      constants.set(node.outputs[0], apply(node, inputs, (dims) => new Float32Array(size(dims))));
    } else nodes.push(node);
  }
  return { ...graph, nodes, constants };
}

/** A Split as one Slice for each of its parts, so that every node has one output. */
function slices({ inputs: [from, sizes], outputs, attributes: { axis = 0 } }, graph, constants) {
  const number = (value) => ({ dims: [1], data: Float32Array.of(value) });
  const given = constants.get(sizes) ?? graph.nodes.find((node) => node.outputs[0] === sizes).attributes.value;
  let start = 0;
  return outputs.map((name, i) => {
    const ends = [start, (start += given.data[i]), axis];
    const names = ends.map((value, k) => `${name} slice ${k}`);
    names.forEach((constant, k) => constants.set(constant, number(ends[k])));
    return { op: "Slice", inputs: [from, ...names], outputs: [name], attributes: {} };
  });
}
