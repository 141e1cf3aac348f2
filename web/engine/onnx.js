// Reads an ONNX file: the part of its protocol-buffer schema that holds graphs and tensors.

const cut = () => new Error("the ONNX file is cut short or damaged");

/** Yield [field number, value] of a message: numbers for scalars, bytes for everything else. */
function* fields(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = () => {
    if (bytes[at] < 128) return bytes[at++]; // most are this short, and BigInt is slow
    let value = 0n;
    for (let shift = 0n; at < bytes.length; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(BigInt.asIntN(64, value));
    }
    throw cut();
  };
  const pass = (size) => {
    if (size < 0 || size > bytes.length - at) throw cut();
    at += size;
    return at - size;
  };
  while (at < bytes.length) {
    const key = varint();
    const kind = key & 7;
    if (kind === 0) yield [key >> 3, varint()];
    else if (kind === 5) yield [key >> 3, view.getFloat32(pass(4), true)];
    else if (kind === 1) yield [key >> 3, view.getFloat64(pass(8), true)];
    else if (kind === 2) {
      const start = pass(varint());
      yield [key >> 3, bytes.subarray(start, at)];
    } else throw new Error(`not an ONNX file: wire type ${kind}`);
  }
}

const text = (bytes) => new TextDecoder().decode(bytes);

/** The numbers of a repeated field, packed or not. */
function numbers(value) {
  if (typeof value === "number") return [value];
  const found = [];
  let current = 0n;
  let shift = 0n;
  for (const byte of value) {
    current |= BigInt(byte & 127) << shift;
    shift += 7n;
    if (byte < 128) {
      found.push(Number(BigInt.asIntN(64, current)));
      current = shift = 0n;
    }
  }
  return found;
}

/** Element types: ONNX's number → array made of little-endian bytes. */
const READERS = {
  1: (raw) => new Float32Array(raw),
  6: (raw) => Float32Array.from(new Int32Array(raw)),
  7: (raw) => Float32Array.from(new BigInt64Array(raw), Number),
  9: (raw) => Float32Array.from(new Uint8Array(raw)),
  11: (raw) => Float32Array.from(new Float64Array(raw)),
};

/** A tensor as {dims, data}; whole numbers are kept as floats, which hold every one we meet. */
function tensor(bytes) {
  const dims = [];
  let type = 1;
  let name = "";
  let data = null;
  const listed = [];
  for (const [field, value] of fields(bytes)) {
    if (field === 1) dims.push(...numbers(value));
    else if (field === 2) type = value;
    else if (field === 4) data = new Float32Array(value.slice().buffer);
    else if (field === 5 || field === 7) listed.push(...numbers(value));
    else if (field === 8) name = text(value);
    else if (field === 9) {
      if (!READERS[type]) throw new Error(`tensor ${name}: element type ${type} is not read`);
      data = READERS[type](value.slice().buffer);
    }
  }
  return { name, dims, data: data ?? Float32Array.from(listed) };
}

function attribute(bytes) {
  let name = "";
  let value;
  const list = [];
  for (const [field, content] of fields(bytes)) {
    if (field === 1) name = text(content);
    else if (field === 2 || field === 3) value = content;
    else if (field === 4) value = text(content);
    else if (field === 5) value = tensor(content);
    else if (field === 8) list.push(...numbers(content));
  }
  return [name, list.length ? list : value];
}

function node(bytes) {
  const made = { op: "", inputs: [], outputs: [], attributes: {} };
  for (const [field, value] of fields(bytes)) {
    if (field === 1) made.inputs.push(text(value));
    else if (field === 2) made.outputs.push(text(value));
    else if (field === 4) made.op = text(value);
    else if (field === 5) {
      const [name, content] = attribute(value);
      made.attributes[name] = content;
    }
  }
  return made;
}

function nameOf(bytes) {
  for (const [field, value] of fields(bytes)) if (field === 1) return text(value);
  return "";
}

/** Parse an ONNX file into {nodes, constants: Map, inputs: [name], outputs: [name]}. */
export function parse(buffer) {
  const graph = { nodes: [], constants: new Map(), inputs: [], outputs: [] };
  for (const [field, value] of fields(new Uint8Array(buffer))) {
    if (field !== 7) continue;
    for (const [part, content] of fields(value)) {
      if (part === 1) graph.nodes.push(node(content));
      else if (part === 5) {
        const { name, ...rest } = tensor(content);
        graph.constants.set(name, rest);
      } else if (part === 11) graph.inputs.push(nameOf(content));
      else if (part === 12) graph.outputs.push(nameOf(content));
    }
  }
  graph.inputs = graph.inputs.filter((name) => !graph.constants.has(name));
  return graph;
}
