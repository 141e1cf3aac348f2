// ONNX operators on plain row-major arrays: {dims, data}. Each takes (inputs, attributes, make), where
// make(dims) returns an array to write the result into, and returns {dims, data}.

export const size = (dims) => dims.reduce((a, b) => a * b, 1);

/** Steps in memory from one index to the next along each dimension, 0 where a dimension is spread. */
function strides(dims, target) {
  const steps = new Array(target.length).fill(0);
  let step = 1;
  for (let i = dims.length - 1, j = target.length - 1; i >= 0; i--, j--) {
    steps[j] = dims[i] === 1 ? 0 : step;
    step *= dims[i];
  }
  return steps;
}

/** The dimensions that arrays of these dimensions have together. */
export function broadcast(...shapes) {
  const rank = Math.max(...shapes.map((dims) => dims.length));
  const target = new Array(rank).fill(1);
  for (const dims of shapes) {
    dims.forEach((extent, i) => {
      const j = rank - dims.length + i;
      if (extent !== 1) target[j] = extent;
    });
  }
  return target;
}

/** For every element of `target`, where it lies in an array of `dims`. */
function positions(dims, target) {
  const steps = strides(dims, target);
  const found = new Int32Array(size(target));
  const index = new Array(target.length).fill(0);
  for (let i = 0, at = 0; i < found.length; i++) {
    found[i] = at;
    for (let d = target.length - 1; d >= 0; d--) {
      at += steps[d];
      if (++index[d] < target[d]) break;
      at -= steps[d] * target[d];
      index[d] = 0;
    }
  }
  return found;
}

const spread = new Map();
function where(dims, target) {
  const key = `${dims}|${target}`;
  if (!spread.has(key)) spread.set(key, positions(dims, target));
  return spread.get(key);
}

const same = (a, b) => a.length === b.length && a.every((extent, i) => extent === b[i]);

// The loops below are written out, as source text, once for each operator: a loop that calls an operator
// through a variable is several times slower. The text is fixed here, nothing from outside enters it.
const unary = (expression) => {
  const loop = new Function("x", "out", `for (let i = 0; i < out.length; i++) { const a = x[i]; out[i] = ${expression}; }`);
  return ([x], _, make) => {
    const out = make(x.dims);
    loop(x.data, out);
    return { dims: x.dims, data: out };
  };
};

const binary = (expression) => {
  const loop = (head, a, b) =>
    new Function("x", "y", "out", "p", "q",
      `${head} for (let i = 0; i < out.length; i++) { const a = ${a}, b = ${b}; out[i] = ${expression}; }`);
  const both = loop("", "x[i]", "y[i]");
  const left = loop("const one = x[0];", "one", "y[i]");
  const right = loop("const one = y[0];", "x[i]", "one");
  const any = loop("", "x[p[i]]", "y[q[i]]");
  const pair = (x, y, make) => {
    const dims = broadcast(x.dims, y.dims);
    const out = make(dims);
    if (x.data.length === out.length && y.data.length === out.length) both(x.data, y.data, out);
    else if (y.data.length === 1) right(x.data, y.data, out);
    else if (x.data.length === 1) left(x.data, y.data, out);
    else any(x.data, y.data, out, where(x.dims, dims), where(y.dims, dims));
    return { dims, data: out };
  };
  return (inputs, _, make) => inputs.slice(1).reduce((x, y) => pair(x, y, make), inputs[0]);
};

/** Fold an array along some axes; `finish` sees the sum and the number of elements. */
const reduce = (start, step, finish) => (inputs, attributes, make) => {
  const [x, given] = inputs;
  const rank = x.dims.length;
  const listed = given ? [...given.data] : (attributes.axes ?? x.dims.map((_, i) => i));
  const axes = listed.map((axis) => (axis + rank) % rank);
  const kept = x.dims.map((extent, i) => (axes.includes(i) ? 1 : extent));
  const totals = new Float64Array(size(kept)).fill(start);
  const to = where(kept, x.dims);
  for (let i = 0; i < x.data.length; i++) totals[to[i]] = step(totals[to[i]], x.data[i]);
  const dims = (attributes.keepdims ?? 1) ? kept : kept.filter((_, i) => !axes.includes(i));
  const out = make(dims);
  const count = x.data.length / totals.length;
  for (let i = 0; i < out.length; i++) out[i] = finish(totals[i], count);
  return { dims, data: out };
};

const alias = (data, dims) => ({ dims, data, alias: true });

function reshape([x, shape]) {
  const dims = [...shape.data].map((extent, i) => (extent === 0 ? x.dims[i] : extent));
  const free = dims.indexOf(-1);
  if (free >= 0) dims[free] = -x.data.length / size(dims);
  return alias(x.data, dims);
}

function concat(inputs, { axis }, make) {
  const rank = inputs[0].dims.length;
  const along = (axis + rank) % rank;
  const dims = [...inputs[0].dims];
  dims[along] = inputs.reduce((sum, x) => sum + x.dims[along], 0);
  const out = make(dims);
  const inner = size(dims.slice(along + 1));
  const outer = size(dims.slice(0, along));
  let offset = 0;
  for (const x of inputs) {
    const block = x.dims[along] * inner;
    for (let o = 0; o < outer; o++) {
      out.set(x.data.subarray(o * block, (o + 1) * block), o * dims[along] * inner + offset);
    }
    offset += block;
  }
  return { dims, data: out };
}

function gather([x, indices], { axis = 0 }, make) {
  const along = (axis + x.dims.length) % x.dims.length;
  const dims = [...x.dims.slice(0, along), ...indices.dims, ...x.dims.slice(along + 1)];
  const out = make(dims);
  const inner = size(x.dims.slice(along + 1));
  const outer = size(x.dims.slice(0, along));
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const index of indices.data) {
      const from = (o * x.dims[along] + ((index + x.dims[along]) % x.dims[along])) * inner;
      for (let i = 0; i < inner; i++) out[at++] = x.data[from + i];
    }
  }
  return { dims, data: out };
}

function slice([x, starts, ends, axes, steps], _, make) {
  const rank = x.dims.length;
  const from = new Array(rank).fill(0);
  const step = new Array(rank).fill(1);
  const dims = [...x.dims];
  [...starts.data].forEach((start, i) => {
    const axis = axes ? (axes.data[i] + rank) % rank : i;
    const extent = x.dims[axis];
    const bound = (value) => Math.max(0, Math.min(extent, value < 0 ? value + extent : value));
    step[axis] = steps ? steps.data[i] : 1;
    if (step[axis] < 1) throw new Error("Slice with a negative step is not computed in pages");
    from[axis] = bound(start);
    dims[axis] = Math.max(0, Math.ceil((bound(ends.data[i]) - from[axis]) / step[axis]));
  });
  const full = strides(x.dims, x.dims);
  const out = make(dims);
  const index = new Array(rank).fill(0);
  for (let i = 0; i < out.length; i++) {
    let at = 0;
    for (let d = 0; d < rank; d++) at += (from[d] + index[d] * step[d]) * full[d];
    out[i] = x.data[at];
    for (let d = rank - 1; d >= 0 && ++index[d] === dims[d]; d--) index[d] = 0;
  }
  return { dims, data: out };
}

function transpose([x], { perm = x.dims.map((_, i) => i).reverse() }, make) {
  const dims = perm.map((axis) => x.dims[axis]);
  const steps = perm.map((axis) => size(x.dims.slice(axis + 1)));
  const out = make(dims);
  for (let i = 0; i < out.length; i++) {
    let rest = i;
    let at = 0;
    for (let d = dims.length - 1; d >= 0; d--) {
      at += (rest % dims[d]) * steps[d];
      rest = Math.floor(rest / dims[d]);
    }
    out[i] = x.data[at];
  }
  return { dims, data: out };
}

function expand([x, shape], _, make) {
  const dims = broadcast(x.dims, [...shape.data]);
  if (same(dims, x.dims)) return alias(x.data, dims);
  const out = make(dims);
  const from = where(x.dims, dims);
  for (let i = 0; i < out.length; i++) out[i] = x.data[from[i]];
  return { dims, data: out };
}

function unsqueeze([x, axes]) {
  const rank = x.dims.length + axes.data.length;
  const added = [...axes.data].map((axis) => (axis + rank) % rank);
  const rest = [...x.dims];
  return alias(x.data, Array.from({ length: rank }, (_, i) => (added.includes(i) ? 1 : rest.shift())));
}

function squeeze([x, axes]) {
  const rank = x.dims.length;
  const gone = axes ? [...axes.data].map((axis) => (axis + rank) % rank) : null;
  return alias(x.data, x.dims.filter((extent, i) => (gone ? !gone.includes(i) : extent !== 1)));
}

function gemm([x, w, b], { alpha = 1, beta = 1, transA = 0, transB = 0 }, make) {
  if (transA) throw new Error("Gemm with transA is not computed in pages");
  const [n, inputs] = x.dims;
  const outputs = transB ? w.dims[0] : w.dims[1];
  const out = make([n, outputs]);
  for (let row = 0; row < n; row++) {
    for (let o = 0; o < outputs; o++) {
      let sum = 0;
      for (let i = 0; i < inputs; i++) {
        sum += x.data[row * inputs + i] * w.data[transB ? o * inputs + i : i * outputs + o];
      }
      out[row * outputs + o] = alpha * sum + (b ? beta * b.data[b.data.length === 1 ? 0 : o] : 0);
    }
  }
  return { dims: [n, outputs], data: out };
}

function affineGrid([theta, shape], { align_corners = 0 }, make) {
  const [n, , height, width] = shape.data;
  const dims = [n, height, width, 2];
  const out = make(dims);
  const place = (i, extent) => (align_corners ? (2 * i) / Math.max(1, extent - 1) - 1 : (2 * i + 1) / extent - 1);
  for (let k = 0, at = 0; k < n; k++) {
    const [a, b, c, d, e, f] = theta.data.subarray(k * 6, k * 6 + 6);
    for (let i = 0; i < height; i++) {
      const y = place(i, height);
      for (let j = 0; j < width; j++) {
        const x = place(j, width);
        out[at++] = a * x + b * y + c;
        out[at++] = d * x + e * y + f;
      }
    }
  }
  return { dims, data: out };
}

/** Bring a coordinate back between `low` and `high` by mirroring. */
function mirror(value, low, high) {
  const span = high - low;
  if (span <= 0) return 0;
  const distance = Math.abs(value - low);
  const extra = distance % span;
  return Math.floor(distance / span) % 2 ? high - extra : low + extra;
}

function gridSample([x, grid], { mode = "linear", padding_mode = "zeros", align_corners = 0 }, make) {
  if (mode !== "linear" && mode !== "bilinear") throw new Error(`GridSample ${mode} is not computed in pages`);
  const [n, channels, height, width] = x.dims;
  const [, rows, columns] = grid.dims;
  const dims = [n, channels, rows, columns];
  const out = make(dims);
  const pixel = (t, extent) => {
    let at = align_corners ? ((t + 1) / 2) * (extent - 1) : ((t + 1) * extent - 1) / 2;
    if (padding_mode === "reflection") at = align_corners ? mirror(at, 0, extent - 1) : mirror(at, -0.5, extent - 0.5);
    if (padding_mode !== "zeros") at = Math.max(0, Math.min(extent - 1, at));
    return at;
  };
  const plane = height * width;
  for (let k = 0; k < n; k++) {
    for (let p = 0; p < rows * columns; p++) {
      const at = (k * rows * columns + p) * 2;
      const u = pixel(grid.data[at], width);
      const v = pixel(grid.data[at + 1], height);
      const left = Math.floor(u);
      const top = Math.floor(v);
      const du = u - left;
      const dv = v - top;
      for (let c = 0; c < channels; c++) {
        const base = (k * channels + c) * plane;
        let sum = 0;
        for (let dy = 0; dy < 2; dy++) {
          for (let dx = 0; dx < 2; dx++) {
            const px = left + dx;
            const py = top + dy;
            if (px < 0 || px >= width || py < 0 || py >= height) continue;
            sum += x.data[base + py * width + px] * (dx ? du : 1 - du) * (dy ? dv : 1 - dv);
          }
        }
        out[(k * channels + c) * rows * columns + p] = sum;
      }
    }
  }
  return { dims, data: out };
}

function constantOfShape([shape], { value }, make) {
  const dims = [...shape.data];
  const out = make(dims);
  out.fill(value ? value.data[0] : 0);
  return { dims, data: out };
}

function select([condition, a, b], _, make) {
  const dims = broadcast(condition.dims, a.dims, b.dims);
  const out = make(dims);
  const [p, q, r] = [condition, a, b].map((x) => where(x.dims, dims));
  for (let i = 0; i < out.length; i++) out[i] = condition.data[p[i]] ? a.data[q[i]] : b.data[r[i]];
  return { dims, data: out };
}

function clip([x, low, high], _, make) {
  const out = make(x.dims);
  const least = low ? low.data[0] : -Infinity;
  const most = high ? high.data[0] : Infinity;
  for (let i = 0; i < out.length; i++) out[i] = Math.min(most, Math.max(least, x.data[i]));
  return { dims: x.dims, data: out };
}

/** Operators that work element by element, as JavaScript of their inputs a and b. */
export const UNARY = {
  Neg: "-a",
  Abs: "Math.abs(a)",
  Exp: "Math.exp(a)",
  Log: "Math.log(a)",
  Sqrt: "Math.sqrt(a)",
  Sin: "Math.sin(a)",
  Cos: "Math.cos(a)",
  Tanh: "Math.tanh(a)",
  Sigmoid: "1 / (1 + Math.exp(-a))",
  Reciprocal: "1 / a",
  Relu: "(a > 0 ? a : 0)",
  Round: "(Math.abs(a % 1) === 0.5 ? 2 * Math.round(a / 2) : Math.round(a))", // halves to even
};
export const BINARY = {
  Add: "a + b",
  Sub: "a - b",
  Mul: "a * b",
  Div: "a / b",
  Pow: "(b === 2 ? a * a : Math.pow(a, b))",
  Max: "(a > b ? a : b)",
  Min: "(a < b ? a : b)",
};

const each = (table, loop) => Object.fromEntries(Object.entries(table).map(([name, text]) => [name, loop(text)]));

const OPS = {
  ...each(UNARY, unary),
  ...each(BINARY, binary),
  Clip: clip,
  Where: select,
  ReduceMean: reduce(0, (a, b) => a + b, (total, count) => total / count),
  ReduceSum: reduce(0, (a, b) => a + b, (total) => total),
  ReduceMax: reduce(-Infinity, Math.max, (most) => most),
  GlobalAveragePool: (inputs, _, make) =>
    reduce(0, (a, b) => a + b, (total, count) => total / count)(inputs, { axes: [2, 3] }, make),
  Cast: ([x]) => alias(x.data, x.dims),
  Identity: ([x]) => alias(x.data, x.dims),
  Constant: (_, { value }) => value,
  ConstantOfShape: constantOfShape,
  Shape: ([x]) => ({ dims: [x.dims.length], data: Float32Array.from(x.dims) }),
  Reshape: reshape,
  Flatten: ([x], { axis = 1 }) => alias(x.data, [size(x.dims.slice(0, axis)), size(x.dims.slice(axis))]),
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Expand: expand,
  Concat: concat,
  Gather: gather,
  Slice: slice,
  Transpose: transpose,
  Gemm: gemm,
  AffineGrid: affineGrid,
  GridSample: gridSample,
};

/** Run one node. */
export function apply(node, inputs, make) {
  const op = OPS[node.op];
  if (!op) throw new Error(`the operator ${node.op} is not computed in pages`);
  return op(inputs, node.attributes, make);
}
