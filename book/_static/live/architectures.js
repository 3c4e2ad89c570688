// The networks that the page can compute, as plain lists of 3 x 3 convolutions; each with a ReLU behind it but the last.
// They are course_lib.denoising.DnCNN, BiasFreeDnCNN and FFDNet in evaluation mode.
//
// scale: FFDNet works at half the size; every 2 x 2 square of pixels is dealt out to four channels.
// told: it is told the noise level, as one more channel behind these.
// residual: it predicts the noise, which is subtracted.
//
// A U-Net is no such list: it needs steps of its own (pooling, enlarging, the volume of an earlier layer beside the
// present one), each with its way back for the view of a pixel, and tiles that begin at multiples of its stride.
const ARCHITECTURES = {
  dncnn: { names: (tensors) => ["first.0", ...numbered(tensors, "middle", ".0"), "last"], scale: 1, told: false, residual: true },
  ffdnet: { names: (tensors) => numbered(tensors, "body", ""), scale: 2, told: true, residual: false },
};

/** {layers: [{weight, bias, cin, cout, relu}], scale, told, residual, reach}; reach: how far an output pixel can see. */
export function describe(kind, tensors) {
  const { names, ...facts } = ARCHITECTURES[kind];
  const layers = names(tensors).map((name, index, all) => ({ ...convolution(tensors, name), relu: index < all.length - 1 }));
  return { layers, ...facts, reach: facts.scale * layers.length };
}

/** The prefixes that have a kernel of four dimensions, in the order of their numbers. */
function numbered(tensors, prefix, suffix) {
  const kernels = Object.keys(tensors).filter((name) => name.startsWith(`${prefix}.`) && tensors[name].shape.length === 4);
  const numbers = kernels.map((name) => Number(name.split(".")[1])).sort((a, b) => a - b);
  return numbers.map((number) => `${prefix}.${number}${suffix}`);
}

/** A convolution, the batch norm behind it folded in: that scales and shifts each channel. Bias-free ones only scale. */
function convolution(tensors, name) {
  const weight = tensors[`${name}.weight`], [cout, cin] = weight.shape;
  const bias = tensors[`${name}.bias`] || new Float32Array(cout);
  const norm = (part) => tensors[`${name.replace(/0$/, "1")}.${part}`];
  const variance = norm("running_var");
  for (let o = 0; variance && o < cout; o++) {
    const factor = norm("weight")[o] / Math.sqrt(variance[o] + 1e-5);
    for (let i = 9 * cin * o; i < 9 * cin * (o + 1); i++) weight[i] *= factor;
    bias[o] = (norm("bias")?.[o] ?? 0) - (norm("running_mean")?.[o] ?? 0) * factor;
  }
  return { weight, bias, cin, cout };
}
