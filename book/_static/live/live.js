// A denoiser of the course on the reader's own photograph, in the page: no kernel, and nothing is uploaded.
//
//   import { start } from "./live.js";
//   start(element, { networks: [{ name: "dncnn-s25", title: "DnCNN", kind: "dncnn", bytes: 1123978, told: false }] })
//
// The weights lie beside this file as weights/NAME.safetensors; kind is a name in architectures.js.
import * as look from "./look.js";
import { Network, obstacle } from "./network.js";
import { addNoise, psnr } from "./noise.js";
import { LARGEST, draw, readPicture } from "./pictures.js";

export { obstacle };

const here = (file) => new URL(file, import.meta.url);
const SAMPLES = [["chelsea", "a cat"], ["rocket", "a rocket"], ["brick", "a brick wall"]];
const PARTS = [
  [256, "256 × 256 from the middle"],
  [512, "512 × 512 from the middle"],
  [0, `the whole picture, at most ${LARGEST.side} a side`],
];
const ERROR_GAIN = 4;

/** Put the controls in the place of what is seen before the click, and run the first sample. */
export async function start(element, { networks }) {
  await style();
  const root = Object.assign(document.createElement("div"), { innerHTML: markup(networks) });
  element.replaceChildren(...element.querySelectorAll("style"), root); // the styles are for what comes, too
  const page = parts(root), { field } = page;
  const keep = store(); // the picture and the network that are loaded
  let noisy, running = Promise.resolve(), job = new AbortController();

  const lookAgain = look.pointer({
    ...page.look,
    picture: () => noisy,
    look: (row, column) => keep.network?.view(noisy, told(), row, column),
  });
  const told = () => field.told.value / 255;

  /** The newest wish counts: the job before it is stopped, and has ended when the next one begins. */
  function run() {
    job.abort();
    const own = (job = new AbortController()), before = running;
    running = (async () => {
      await before;
      if (!own.signal.aborted) await attempt(own.signal);
    })();
  }

  async function attempt(signal) {
    page.begin();
    try {
      page.say(await denoiseOnce(signal));
    } catch (error) {
      page.say(signal.aborted ? "Stopped." : error.message);
    }
    page.end();
  }

  /** One picture through one network, and a sentence about it. */
  async function denoiseOnce(signal) {
    const { name, title, kind, bytes } = networks.find((network) => network.name === field.network.value);
    const progress = page.progress(`Fetching ${title}, ${(bytes / 1e6).toFixed(1)} MB …`);
    const url = here(`weights/${name}.safetensors`);
    const network = await keep.once("network", name, () => Network.load({ url, kind, bytes }, { signal, progress }));
    const file = field.file.files[0], side = Number(field.side.value);
    const source = file ?? here(`samples/${field.sample.value}.webp`);
    const key = [file ? [file.name, file.size, file.lastModified] : source.href, side].join();
    const clean = await keep.once("picture", key, () => readPicture(source, side));
    signal.throwIfAborted();
    const observed = addNoise(clean, field.level.value / 255);
    page.noisy.show(observed, `noisy, ${decibels(observed, clean)}`);
    const begun = performance.now();
    const estimate = await network.denoise(observed, told(), { signal, progress: page.progress("Denoising …") });
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    page.denoised.show(estimate, `denoised, ${decibels(estimate, clean)}`);
    const error = { ...clean, pixels: clean.pixels.map((y, i) => 0.5 + ERROR_GAIN * (estimate.pixels[i] - y)) };
    page.error.show(error, `error, ${ERROR_GAIN} times as strong`);
    noisy = observed;
    lookAgain();
    return `${clean.width} × ${clean.height} pixels in ${seconds} s.`;
  }

  field.form.addEventListener("submit", (event) => event.preventDefault());
  field.form.addEventListener("input", ({ target }) => {
    if (target === field.level) field.told.value = target.value; // told the truth, until it is told otherwise
    if (target === field.sample) field.file.value = "";
    settle();
    run();
  });
  page.stop.addEventListener("click", () => job.abort());
  root.addEventListener("dragover", (event) => event.preventDefault());
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    field.file.files = event.dataTransfer.files;
    run();
  });

  /** What is written beside the sliders. */
  function settle() {
    const chosen = networks.find((network) => network.name === field.network.value);
    field.told.closest("label").hidden = !chosen.told;
    field.levelText.value = field.level.value;
    field.toldText.value = field.told.value;
  }
  settle();
  field.sample.focus({ preventScroll: true }); // the button that had the focus is gone
  run();
}

const decibels = (image, clean) => `${psnr(image, clean).toFixed(2)} dB`;

/** {once(kind, key, load)}: the newest value of each kind, which is loaded when its key is another. */
function store() {
  const keys = {}, values = {
    async once(kind, key, load) {
      if (keys[kind] === key) return values[kind];
      const value = await load();
      values[kind]?.close?.();
      keys[kind] = key;
      return (values[kind] = value);
    },
  };
  return values;
}

/** The style sheet, once; when it is there nothing jumps any more. */
async function style() {
  const href = here("live.css").href;
  if ([...document.styleSheets].some((sheet) => sheet.href === href)) return;
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
  await new Promise((resolve) => {
    link.onload = link.onerror = resolve;
    document.head.append(link);
  });
}

function markup(networks) {
  const options = (pairs) => pairs.map(([value, text]) => `<option value="${value}">${text}</option>`).join("");
  const slider = (name) => `<output name="${name}Text"></output> of 255 <input name="${name}" type="range" min="0" max="75" value="25">`;
  const figure = (inside) => `<figure>${inside}<figcaption></figcaption></figure>`;
  return `
    <form class="live-controls">
      <label>Picture <select name="sample">${options(SAMPLES)}</select></label>
      <label>or your own <input name="file" type="file" accept="image/*"></label>
      <label>Part <select name="side">${options(PARTS)}</select></label>
      <label>Network <select name="network">${options(networks.map(({ name, title }) => [name, title]))}</select></label>
      <label class="live-wide">Noise: σ = ${slider("level")}</label>
      <label class="live-wide" hidden>The network is told: σ = ${slider("told")}</label>
    </form>
    <p class="live-status" role="status"></p>
    <p class="live-busy"><progress max="1" aria-label="progress"></progress> <button type="button">Stop</button></p>
    <div class="live-pictures">
      ${figure('<canvas class="live-noisy" role="img" aria-label="the picture with noise"></canvas>')}
      ${figure(look.MARKUP)}
      ${figure('<canvas class="live-error" role="img" aria-label="denoised minus clean"></canvas>')}
      <figure><canvas class="live-detail" role="img" aria-label="the noisy pixels that one denoised pixel was computed from"></canvas>
        <figcaption>what one pixel looked at</figcaption></figure>
    </div>
    <p class="live-seen" aria-live="polite">Point at a pixel of the denoised picture, or move there with the arrow keys, to see what it was computed from.</p>
    <p class="live-small">Everything is computed in this page. Your picture does not leave your device.</p>`;
}

/** What the page consists of, by its purpose. */
function parts(root) {
  const find = (selector) => root.querySelector(selector);
  const form = find("form"), busy = find(".live-busy"), bar = find("progress"), status = find(".live-status");
  const picture = (selector) => {
    const canvas = find(selector), caption = canvas.closest("figure").querySelector("figcaption");
    return { show: (image, text) => (draw(canvas, image), (caption.textContent = text)) };
  };
  const say = (text) => (status.textContent = text);
  return {
    say,
    field: Object.assign({ form }, Object.fromEntries([...form.elements].map((element) => [element.name, element]))),
    stop: busy.querySelector("button"),
    begin: () => (bar.removeAttribute("value"), busy.classList.add("live-is-busy")),
    end: () => busy.classList.remove("live-is-busy"),
    progress: (text) => (fraction) => ((bar.value = fraction), say(text)),
    noisy: picture(".live-noisy"),
    denoised: picture(".live-stack canvas"),
    error: picture(".live-error"),
    look: { stack: find(".live-stack"), detail: find(".live-detail"), words: find(".live-seen") },
  };
}
