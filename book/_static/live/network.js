// A network in as many workers as there are cores, and a picture in tiles.
import { Caller } from "./caller.js";
import { crop } from "./pictures.js";

const here = (file) => new URL(file, import.meta.url);
const TILE = 128; // pixels a side, of the size that the network works at
const MOST_WORKERS = 4;
// The smallest module with a SIMD instruction: what does not compile it is too old.
const SIMD = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11]);

/** Why this browser cannot run it, in words for the reader; "" if it can. */
export function obstacle() {
  const simd = globalThis.WebAssembly && WebAssembly.validate(SIMD);
  if (simd && modulesInWorkers()) return "";
  return "This browser is too old for it: Chrome or Edge 91, Firefox 114 and Safari 16.4 are the first that can.";
}

/** A browser that knows of them asks for the type. */
function modulesInWorkers() {
  let asked = false;
  const options = { get type() { asked = true; return "module"; } };
  try {
    new Worker("data:,", options).terminate();
  } catch {
    return asked;
  }
  return asked;
}

export class Network {
  /** kind: a name in architectures.js. progress(fraction) is told how much of `bytes` has come. */
  static async load({ url, kind, bytes = 0 }, { signal, progress } = {}) {
    const [wasm, weights] = await Promise.all([fetched(here("conv.wasm"), { signal }), fetched(url, { signal, bytes, progress })]);
    const network = new Network();
    const count = Math.max(1, Math.min(MOST_WORKERS, navigator.hardwareConcurrency || 1));
    network.workers = Array.from({ length: count }, () => new Caller(here("worker.js")));
    const [facts] = await Promise.all(network.workers.map((worker) => worker.call("load", { wasm, weights, kind })));
    return Object.assign(network, facts);
  }

  close() {
    for (const worker of this.workers) worker.end();
  }

  /** image: {pixels: Float32Array, width, height}. Each tile has the context that makes the result exact. */
  async denoise(image, sigma, { signal, progress = () => {} } = {}) {
    const { width, height } = image, side = TILE * this.scale;
    const pixels = new Float32Array(width * height), tiles = [];
    for (let top = 0; top < height; top += side) for (let left = 0; left < width; left += side) tiles.push({ top, left });
    const all = tiles.length;
    let done = 0;
    const work = async (worker) => {
      for (let next; (next = tiles.shift()); progress(++done / all)) {
        signal?.throwIfAborted();
        const inner = { ...next, bottom: Math.min(height, next.top + side), right: Math.min(width, next.left + side) };
        const outer = this.around(image, inner), tile = crop(image, outer);
        const cut = ["top", "bottom", "left", "right"].map((edge) => Math.abs(inner[edge] - outer[edge]));
        const result = await worker.call("denoise", { tile, sigma, cut });
        for (let row = inner.top; row < inner.bottom; row++) {
          const from = (row - outer.top) * tile.width + inner.left - outer.left;
          pixels.set(result.subarray(from, from + inner.right - inner.left), row * width + inner.left);
        }
      }
    };
    await Promise.all(this.workers.map(work));
    signal?.throwIfAborted();
    return { pixels, width, height };
  }

  /** The gradient of one output pixel: {pixels, width, height, left, top}, the part of the image that it can see. */
  async view(image, sigma, row, column) {
    const { scale } = this, top = row - (row % scale), left = column - (column % scale);
    const box = this.around(image, { top, left, bottom: top + scale, right: left + scale });
    const tile = crop(image, box);
    const pixels = await this.workers[0].call("view", { tile, sigma, row: row - box.top, column: column - box.left });
    return { ...tile, pixels, left: box.left, top: box.top };
  }

  /** The box and all that its pixels can see. */
  around({ width, height }, { top, bottom, left, right }) {
    const { reach } = this;
    return {
      top: Math.max(0, top - reach), bottom: Math.min(height, bottom + reach),
      left: Math.max(0, left - reach), right: Math.min(width, right + reach),
    };
  }
}

async function fetched(url, { signal, bytes, progress }) {
  const answer = await fetch(url, { signal });
  if (!answer.ok) throw new Error(`${url.pathname}: the server answers ${answer.status}`);
  if (!progress) return answer.arrayBuffer();
  const parts = [];
  let got = 0;
  for (const reader = answer.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return new Blob(parts).arrayBuffer();
    parts.push(value);
    progress(Math.min(1, (got += value.length) / bytes)); // not Content-Length, which counts compressed bytes
  }
}
