// The arithmetic that takes the time, as SIMD WebAssembly (compiled by AssemblyScript).
//
// A map of c channels lies in memory as height x width x stride floats, stride = c rounded up to a
// multiple of four (one channel stays one), so that four output channels are computed at once and
// any rectangle of a map can be computed alone: that is what makes occlusion maps fast (see
// engine/network.js). Weights are laid out [ky][kx][input channel][output channel, rounded up].

const LANES: usize = 16; // bytes of four floats

/** Reserve `bytes` of memory, never given back: networks live as long as the page. */
let top: usize = 0;
export function reserve(bytes: usize): usize {
  if (top == 0) top = (__heap_base + 15) & ~15;
  const start = top;
  top = (top + bytes + 15) & ~15;
  const pages = <i32>((top + 65535) >>> 16);
  if (pages > memory.size()) memory.grow(pages - memory.size());
  return start;
}

/**
 * A convolution, for the rectangle [y0, y1) x [x0, x1) of its output. Zero padding. `depthwise`: each
 * output channel reads the input channel of its own number alone.
 */
export function conv(
  x: usize, w: usize, b: usize, out: usize,
  height: i32, width: i32, channels: i32, xStride: i32,
  outWidth: i32, outStride: i32,
  kh: i32, kw: i32, step: i32, pad: i32, relu: i32, depthwise: i32,
  y0: i32, y1: i32, x0: i32, x1: i32,
): void {
  for (let oy = y0; oy < y1; oy++) {
    const top = oy * step - pad;
    const rowInside = top >= 0 && top + kh <= height;
    let ox = x0;
    while (ox < x1) {
      const left = ox * step - pad;
      const to = out + <usize>((oy * outWidth + ox) * outStride) * 4;
      if (!depthwise && rowInside && left >= 0 && ox + 4 <= x1 && left + 3 * step + kw <= width) {
        four(x + <usize>((top * width + left) * xStride) * 4, w, b, to,
          width, channels, xStride, outStride, kh, kw, step, relu);
        ox += 4;
      } else {
        one(x, w, b, to, height, width, channels, xStride, outStride, kh, kw, top, left, relu, depthwise);
        ox += 1;
      }
    }
  }
}

/** Four neighbouring output pixels whose windows lie inside the map. */
// @ts-ignore: decorator
@inline
function four(
  x: usize, w: usize, b: usize, out: usize, width: i32, channels: i32, xStride: i32, outStride: i32,
  kh: i32, kw: i32, step: i32, relu: i32,
): void {
  const next = <usize>(step * xStride) * 4;
  const line = <usize>(width * xStride) * 4;
  const column = <usize>xStride * 4;
  const row = <usize>outStride * 4;
  const zero = f32x4.splat(0);
  for (let o = 0; o < outStride; o += 8) {
    const pair = o + 8 <= outStride; // eight output channels at once, or the last four
    let a0 = v128.load(b + <usize>o * 4), a1 = a0, a2 = a0, a3 = a0;
    let c0 = pair ? v128.load(b + <usize>o * 4, LANES) : zero, c1 = c0, c2 = c0, c3 = c0;
    let weights = w + <usize>o * 4;
    if (pair) {
      for (let ky = 0; ky < kh; ky++) {
        for (let kx = 0; kx < kw; kx++) {
          let at = x + <usize>ky * line + <usize>kx * column;
          for (let i = 0; i < channels; i++) {
            const w0 = v128.load(weights), w1 = v128.load(weights, LANES);
            const p0 = v128.load32_splat(at);
            const p1 = v128.load32_splat(at + next);
            const p2 = v128.load32_splat(at + 2 * next);
            const p3 = v128.load32_splat(at + 3 * next);
            a0 = f32x4.add(a0, f32x4.mul(p0, w0)); c0 = f32x4.add(c0, f32x4.mul(p0, w1));
            a1 = f32x4.add(a1, f32x4.mul(p1, w0)); c1 = f32x4.add(c1, f32x4.mul(p1, w1));
            a2 = f32x4.add(a2, f32x4.mul(p2, w0)); c2 = f32x4.add(c2, f32x4.mul(p2, w1));
            a3 = f32x4.add(a3, f32x4.mul(p3, w0)); c3 = f32x4.add(c3, f32x4.mul(p3, w1));
            at += 4;
            weights += row;
          }
        }
      }
    } else {
      for (let ky = 0; ky < kh; ky++) {
        for (let kx = 0; kx < kw; kx++) {
          let at = x + <usize>ky * line + <usize>kx * column;
          for (let i = 0; i < channels; i++) {
            const w0 = v128.load(weights);
            a0 = f32x4.add(a0, f32x4.mul(v128.load32_splat(at), w0));
            a1 = f32x4.add(a1, f32x4.mul(v128.load32_splat(at + next), w0));
            a2 = f32x4.add(a2, f32x4.mul(v128.load32_splat(at + 2 * next), w0));
            a3 = f32x4.add(a3, f32x4.mul(v128.load32_splat(at + 3 * next), w0));
            at += 4;
            weights += row;
          }
        }
      }
    }
    if (relu) {
      a0 = f32x4.max(a0, zero); a1 = f32x4.max(a1, zero);
      a2 = f32x4.max(a2, zero); a3 = f32x4.max(a3, zero);
      c0 = f32x4.max(c0, zero); c1 = f32x4.max(c1, zero);
      c2 = f32x4.max(c2, zero); c3 = f32x4.max(c3, zero);
    }
    const to = out + <usize>o * 4;
    v128.store(to, a0);
    v128.store(to + row, a1);
    v128.store(to + 2 * row, a2);
    v128.store(to + 3 * row, a3);
    if (pair) {
      v128.store(to + LANES, c0);
      v128.store(to + row + LANES, c1);
      v128.store(to + 2 * row + LANES, c2);
      v128.store(to + 3 * row + LANES, c3);
    }
  }
}

/** One output pixel, whose window may reach over the edge. */
// @ts-ignore: decorator
@inline
function one(
  x: usize, w: usize, b: usize, out: usize, height: i32, width: i32, channels: i32, xStride: i32,
  outStride: i32, kh: i32, kw: i32, top: i32, left: i32, relu: i32, depthwise: i32,
): void {
  const row = <usize>outStride * 4;
  const deep = depthwise ? 1 : channels;
  for (let o = 0; o < outStride; o += 4) {
    let sum = v128.load(b + <usize>o * 4);
    for (let ky = max(0, -top); ky < kh && top + ky < height; ky++) {
      for (let kx = max(0, -left); kx < kw && left + kx < width; kx++) {
        let at = x + <usize>(((top + ky) * width + left + kx) * xStride) * 4;
        let weights = w + <usize>((ky * kw + kx) * deep) * row + <usize>o * 4;
        if (depthwise) {
          sum = f32x4.add(sum, f32x4.mul(v128.load(at + <usize>o * 4), v128.load(weights)));
        } else {
          for (let i = 0; i < channels; i++) {
            sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(at), v128.load(weights)));
            at += 4;
            weights += row;
          }
        }
      }
    }
    if (relu) sum = f32x4.max(sum, f32x4.splat(0));
    v128.store(out + <usize>o * 4, sum);
  }
}

/** A pooling layer: the largest value, or with `average` the mean, of each k x k window. */
export function pool(
  x: usize, out: usize, height: i32, width: i32, stride: i32, outWidth: i32,
  k: i32, step: i32, pad: i32, average: i32, relu: i32,
  y0: i32, y1: i32, x0: i32, x1: i32,
): void {
  const share = f32x4.splat(<f32>1 / <f32>(k * k));
  for (let oy = y0; oy < y1; oy++) {
    const top = oy * step - pad;
    for (let ox = x0; ox < x1; ox++) {
      const left = ox * step - pad;
      for (let c = 0; c < stride; c += 4) {
        let value = f32x4.splat(average ? 0 : -Infinity);
        for (let y = max(0, top); y < min(height, top + k); y++) {
          for (let u = max(0, left); u < min(width, left + k); u++) {
            const here = v128.load(x + <usize>((y * width + u) * stride + c) * 4);
            value = average ? f32x4.add(value, here) : f32x4.max(value, here);
          }
        }
        if (average) value = f32x4.mul(value, share);
        if (relu) value = f32x4.max(value, f32x4.splat(0));
        v128.store(out + <usize>((oy * outWidth + ox) * stride + c) * 4, value);
      }
    }
  }
}

/** A fully connected layer: out = x w + b, with w as [input][output, rounded up]. */
export function dense(x: usize, w: usize, b: usize, out: usize, inputs: i32, outStride: i32, relu: i32): void {
  const row = <usize>outStride * 4;
  for (let o = 0; o < outStride; o += 4) {
    let even = v128.load(b + <usize>o * 4);
    let odd = f32x4.splat(0);
    let weights = w + <usize>o * 4;
    let i = 0;
    for (; i + 2 <= inputs; i += 2) {
      even = f32x4.add(even, f32x4.mul(v128.load32_splat(x + <usize>i * 4), v128.load(weights)));
      odd = f32x4.add(odd, f32x4.mul(v128.load32_splat(x + <usize>i * 4 + 4), v128.load(weights + row)));
      weights += 2 * row;
    }
    if (i < inputs) even = f32x4.add(even, f32x4.mul(v128.load32_splat(x + <usize>i * 4), v128.load(weights)));
    even = f32x4.add(even, odd);
    if (relu) even = f32x4.max(even, f32x4.splat(0));
    v128.store(out + <usize>o * 4, even);
  }
}
