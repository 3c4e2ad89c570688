// The file format of the course's weights: the length of the header (8 bytes), the header (JSON), the numbers.
// https://huggingface.co/docs/safetensors

/** ArrayBuffer -> {name: Float32Array with a `shape`}; tensors of whole numbers (the counters of batch norm) are left out. */
export function readSafetensors(buffer) {
  const start = 8 + Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, start - 8)));
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(header)) {
    const bytes = offsets && buffer.slice(...offsets.map((n) => start + n));
    if (dtype === "F16") tensors[name] = Float32Array.from(new Uint16Array(bytes), half);
    else if (dtype === "F32") tensors[name] = new Float32Array(bytes);
    if (tensors[name]) tensors[name].shape = shape;
  }
  return tensors;
}

/** The 16 bits of a number in half precision -> the number. (The weights hold neither infinity nor NaN.) */
function half(bits) {
  const exponent = (bits >> 10) & 31, fraction = bits & 1023;
  const value = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction;
  return bits & 0x8000 ? -value : value;
}
