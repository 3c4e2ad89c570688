// Runs in a Web Worker: a network of 3 x 3 convolutions, one tile at a time.
//
// A tile is {pixels: Float32Array, width, height}: a part of a picture, with as much around it as the network sees.
import { describe } from "./architectures.js";
import { apply, borrow, compile, convolution, eights, even, floats, mask, scratch, volume } from "./memory.js";
import { readSafetensors } from "./safetensors.js";

let network;
const tasks = { load, denoise, view };

onmessage = async ({ data: { id, task, ...input } }) => {
  try {
    postMessage({ id, result: await tasks[task](input) });
  } catch (error) {
    postMessage({ id, error: error.message });
  }
};

async function load({ wasm, weights, kind }) {
  await compile(wasm);
  network = describe(kind, readSafetensors(weights));
  network.compiled = network.layers.map(convolution);
  network.widest = Math.max(...network.layers.flatMap(({ cin, cout }) => [cin, cout]));
  const { told, scale, reach } = network;
  return { told, scale, reach };
}

/** The tile denoised, of the same size; in the `cut` pixels of context at its top, bottom, left and right it is wrong. */
function denoise({ tile, sigma, cut }) {
  return borrow(() => {
    const { volumes } = forward(tile, sigma, cut, false);
    const heap = floats(), pixels = new Float32Array(tile.pixels.length);
    each(tile, network.layers.at(-1).cout, volumes.at(-1), (pixel, at) => {
      pixels[pixel] = network.residual ? tile.pixels[pixel] - heap[at] : heap[at];
    });
    return pixels;
  });
}

/** The gradient of one output pixel with respect to every pixel of the tile: back through the network. */
function view({ tile, sigma, row, column }) {
  const { layers, residual } = network;
  network.backwards ??= layers.map(backwards).map(convolution);
  return borrow(() => {
    const { volumes, size, room } = forward(tile, sigma, [0, 0, 0, 0], true);
    let gradient = volume(size, layers.at(-1).cout);
    const chosen = row * tile.width + column;
    each(tile, layers.at(-1).cout, gradient, (pixel, at) => {
      if (pixel === chosen) floats()[at] = residual ? -1 : 1;
    });
    for (let k = layers.length - 1; k >= 0; k--) {
      const before = volume(size, layers[k].cin);
      apply(network.backwards[k], gradient, before, size, room);
      if (k > 0) mask(before, volumes[k], size, layers[k].cin);
      gradient = before;
    }
    const heap = floats(), weights = new Float32Array(tile.pixels.length);
    each(tile, layers[0].cin, gradient, (pixel, at) => (weights[pixel] = heap[at]));
    if (residual) weights[chosen] += 1; // y = z - f(z)
    return weights;
  });
}

/** The volumes between the layers, the tile's first. Without `keep` two of them take turns. */
function forward(tile, sigma, cut, keep) {
  const { layers, compiled, scale, told, widest } = network, last = layers.length;
  const size = { height: tile.height / scale, width: tile.width / scale };
  const room = scratch(size, widest), volumes = [volume(size, layers[0].cin)], heap = floats();
  each(tile, layers[0].cin, volumes[0], (pixel, at, first) => {
    heap[at] = tile.pixels[pixel];
    if (told) heap[first + scale ** 2] = sigma;
  });
  compiled.forEach((layer, k) => {
    volumes.push(!keep && k >= 2 && k < last - 1 ? volumes[k - 1] : volume(size, layer.cout));
    const unused = cut.map((n) => Math.max(0, n / scale - (last - 1 - k))); // context that no later layer needs
    apply(layer, volumes[k], volumes[k + 1], size, room, unused);
  });
  return { volumes, size, room };
}

/** Every pixel of a tile, its place in a volume, and that of the first channel there. */
function each({ width, height }, channels, address, visit) {
  const { scale } = network, wide = even(width / scale) + 2;
  for (let y = 0, pixel = 0; y < height; y++)
    for (let x = 0; x < width; x++, pixel++) {
      const row = Math.floor(y / scale) + 1, column = Math.floor(x / scale) + 1;
      const first = address / 4 + (row * wide + column) * eights(channels);
      visit(pixel, first + (y % scale) * scale + (x % scale), first);
    }
}

/** The convolution that leads gradients back: (cout, cin, 3, 3) -> (cin, cout, 3, 3), turned by half a turn. */
function backwards({ weight, cin, cout }) {
  const turned = new Float32Array(weight.length);
  for (let o = 0; o < cout; o++)
    for (let c = 0; c < cin; c++)
      for (let i = 0; i < 9; i++) turned[9 * (c * cout + o) + 8 - i] = weight[9 * (o * cin + c) + i];
  return { weight: turned, bias: [], cin: cout, cout: cin, relu: false };
}
