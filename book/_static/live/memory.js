// The memory that conv.wasm works in, and what a layer of it looks like from here.
const PAGE = 65536;
const memory = new WebAssembly.Memory({ initial: 2 });
let heap = new Float32Array(memory.buffer);
let free = 2 * PAGE; // the first address that is not in use; below it conv.c keeps its stack
let kernel;

export async function compile(wasm) {
  kernel = (await WebAssembly.instantiate(wasm, { env: { memory } })).instance.exports;
}

export const eights = (n) => 8 * Math.ceil(n / 8); // conv.c takes channels by eights; those too many are zero
export const even = (n) => n + (n & 1);
/** All floats: address / 4 is an index into them. */
export const floats = () => heap;

/** The address, in bytes, of so many zeros. */
export function take(count) {
  const address = free;
  free += 4 * eights(count);
  const missing = free - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
  if (heap.buffer !== memory.buffer) heap = new Float32Array(memory.buffer); // growing takes the old view away
  heap.fill(0, address / 4, free / 4);
  return address;
}

/** What `work` returns; what it took is free again. */
export function borrow(work) {
  const before = free;
  try {
    return work();
  } finally {
    free = before;
  }
}

export const volume = ({ height, width }, channels) => take(size({ height, width }, channels));
const size = ({ height, width }, channels) => (even(height) + 2) * (even(width) + 2) * eights(channels);

// Weights (cout, cin, 3, 3) become G g G' and lie as conv.c reads them: (16, cout / 8, cin, 8).
const G = [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]];
export function convolution({ weight, bias, cin, cout, relu }) {
  const inputs = eights(cin), outputs = eights(cout), u = take(16 * inputs * outputs), b = take(outputs);
  heap.set(bias, b / 4);
  for (let o = 0; o < cout; o++)
    for (let c = 0; c < cin; c++) {
      const g = weight.subarray(9 * (o * cin + c));
      const rows = G.map((r) => [0, 1, 2].map((x) => r[0] * g[x] + r[1] * g[3 + x] + r[2] * g[6 + x]));
      for (let k = 0; k < 16; k++) {
        const r = rows[k >> 2], s = G[k & 3];
        heap[u / 4 + (k * outputs + (o & ~7)) * inputs + 8 * c + (o & 7)] = r[0] * s[0] + r[1] * s[1] + r[2] * s[2];
      }
    }
  return { cin, cout, relu, u, b };
}

/** Room for the transformed inputs and outputs of one row of tiles. */
export const scratch = ({ width }, channels) => [0, 1].map(() => take(16 * eights(channels) * (even(width) / 2 + 1)));

/** From one volume into another; `unused`: rows and columns at the top, bottom, left and right that nobody needs. */
export function apply({ u, b, cin, cout, relu }, from, to, { height, width }, [v, m], unused = [0, 0, 0, 0]) {
  const [top, bottom, left, right] = unused;
  kernel.conv(from, to, u, b, v, m, height, width, eights(cin), eights(cout),
    top & ~1, height - bottom, left & ~1, width - right, relu);
}

/** The way back through a ReLU. */
export const mask = (gradient, activation, extent, channels) => kernel.mask(gradient, activation, size(extent, channels));
