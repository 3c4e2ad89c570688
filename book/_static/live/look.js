// Point at a pixel of the denoised picture and see the noisy pixels that it was computed from.
import { crop, draw } from "./pictures.js";

const COLOUR = [232, 72, 12]; // vermilion, as in course_lib.explore.hover
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const PACE = 4; // pixels a key; with the shift key one

export const MARKUP = `
  <div class="live-stack" tabindex="0" role="application" aria-roledescription="picture with a pointer"
    aria-label="the picture denoised; the arrow keys move a pixel and show what it was computed from">
    <canvas role="img" aria-label="the picture denoised"></canvas><canvas class="live-over" aria-hidden="true"></canvas>
    <div class="live-mark"></div></div>`;

/** Let the pointer and the arrow keys choose a pixel in `stack`.
 *
 * look(row, column) -> the view of that pixel, or undefined while there is nothing to look at; picture() -> the noisy
 * picture. `detail` is the canvas that shows the neighbourhood, `words` the element that tells about it.
 */
export function pointer({ stack, detail, words, look, picture }) {
  const over = stack.querySelector(".live-over"), mark = stack.querySelector(".live-mark");
  let at, wish, looking = false;

  /** One look at a time; while one is computed, only the last wish is kept. */
  async function show(row, column) {
    if (!picture()) return;
    const { width, height } = picture(), inside = (n, all) => Math.min(all - 1, Math.max(0, n));
    at = wish = [inside(row, height), inside(column, width)];
    if (looking) return;
    looking = true;
    try {
      while (wish) {
        const [r, c] = wish;
        wish = undefined;
        const view = await look(r, c);
        if (view) overlay(view, r, c);
      }
    } catch {
      // the network was exchanged meanwhile; the next picture is looked at anew
    } finally {
      looking = false;
    }
  }

  function overlay(view, row, column) {
    const noisy = picture(), { left, top, width, height } = view;
    const strength = view.pixels.map(Math.abs), most = strength.reduce((a, b) => Math.max(a, b));
    const image = new ImageData(width, height);
    strength.forEach((s, i) => image.data.set([...COLOUR, 255 * Math.sqrt(s / most)], 4 * i));
    draw(detail, crop(noisy, { left, top, right: left + width, bottom: top + height }));
    Object.assign(over, { width: noisy.width, height: noisy.height }).getContext("2d").putImageData(image, left, top);
    detail.getContext("2d").drawImage(over, -left, -top);
    const share = (part, all) => `${(100 * part) / all}%`;
    Object.assign(mark.style, {
      left: share(left, noisy.width), width: share(width, noisy.width),
      top: share(top, noisy.height), height: share(height, noisy.height),
    });
    const far = radius(strength, view, row, column).toFixed(1);
    words.textContent = `Row ${row}, column ${column}: it could see ${height} × ${width} pixels; the radius of what it looked at is ${far} pixels.`;
  }

  const point = ({ clientX, clientY }) => {
    const box = stack.getBoundingClientRect(), { width, height } = picture() ?? {};
    show(Math.floor(((clientY - box.top) / box.height) * height), Math.floor(((clientX - box.left) / box.width) * width));
  };
  stack.addEventListener("pointermove", point);
  stack.addEventListener("pointerdown", point);
  stack.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (!step || !at) return;
    event.preventDefault();
    const pace = event.shiftKey ? 1 : PACE;
    show(at[0] + pace * step[0], at[1] + pace * step[1]);
  });
  /** Look again: at the same pixel, or at the middle of the first picture. */
  return () => show(...(at ?? [picture().height >> 1, picture().width >> 1]));
}

/** As course_lib.receptive_fields: the standard deviation along an axis, in pixels. */
function radius(strength, { left, top, width }, row, column) {
  let sum = 0, total = 0;
  strength.forEach((s, i) => {
    const [y, x] = [Math.floor(i / width) + top, (i % width) + left];
    total += s;
    sum += (s * ((y - row) ** 2 + (x - column) ** 2)) / 2;
  });
  return Math.sqrt(sum / total);
}
