/** Gaussian noise of standard deviation sigma. The numbers are the same for every sigma: a slider only makes them larger. */
export function addNoise({ pixels, ...size }, sigma) {
  const uniform = mulberry32(1);
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()); // Box and Muller
  return { ...size, pixels: pixels.map((y) => y + sigma * normal()) };
}

/** Tommy Ettinger's generator of 32 bits: seed -> a function that returns numbers in [0, 1). */
function mulberry32(seed) {
  return () => {
    let t = (seed = (seed + 0x6d2b79f5) | 0);
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** As course_lib.metrics.psnr: the estimate is clamped, the data range is 1. */
export function psnr(estimate, clean) {
  const error = (y, i) => Math.min(1, Math.max(0, estimate.pixels[i])) - y;
  const sum = clean.pixels.reduce((total, y, i) => total + error(y, i) ** 2, 0);
  return -10 * Math.log10(sum / clean.pixels.length);
}
