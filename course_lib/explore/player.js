(root, data) => {
  const slider = root.querySelector("input");
  const output = root.querySelector("output");
  const caption = root.querySelector(".cl-caption");
  const images = [...root.querySelectorAll("img")];
  const names = images.map((image) => image.alt);

  // The frame in the page fills the gaps of the pool: it is stored only once.
  const shown = data.frames[slider.defaultValue];
  shown.forEach((key, k) => { data.pool[key] = images[k].getAttribute("src"); });
  // Decoded ahead, so that no frame flickers when it is first shown.
  const ahead = data.pool.map((uri) => Object.assign(new Image(), { src: uri }));
  root.ahead = ahead;

  const show = () => {
    const i = Number(slider.value);
    data.frames[i].forEach((key, k) => {
      images[k].src = data.pool[key];
      images[k].alt = `${names[k]}, ${data.label} ${data.labels[i]}`;
    });
    output.textContent = data.labels[i];
    slider.setAttribute("aria-valuetext", data.labels[i]);
    caption.textContent = data.captions[i];
    caption.hidden = !data.captions[i];
  };
  slider.addEventListener("input", show);
  show(); // a browser may have kept the slider's position over a reload
}
