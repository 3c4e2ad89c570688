(root, data) => {
  const stack = root.querySelector(".cl-stack");
  const over = root.querySelector(".cl-over");
  const mark = root.querySelector(".cl-mark");
  const output = root.querySelector("output");
  let [row, column] = data.start;

  // The views lie side by side in one picture, enlarged so that exactly one of them fills the image.
  const share = (i, all) => `${(100 * i) / Math.max(1, all.length - 1)}%`;
  const clamp = (i, all) => Math.min(all.length - 1, Math.max(0, i));
  const show = () => {
    over.style.backgroundPosition = `${share(column, data.columns)} ${share(row, data.rows)}`;
    mark.style.left = `${(100 * data.columns[column]) / data.width}%`;
    mark.style.top = `${(100 * data.rows[row]) / data.height}%`;
    output.textContent = data.captions[row][column];
  };
  show();

  const nearest = (place, all) =>
    all.reduce((best, p, i) => (Math.abs(p + 0.5 - place) < Math.abs(all[best] + 0.5 - place) ? i : best), 0);
  const look = (event) => {
    const box = stack.getBoundingClientRect();
    column = nearest(((event.clientX - box.left) / box.width) * data.width, data.columns);
    row = nearest(((event.clientY - box.top) / box.height) * data.height, data.rows);
    show();
  };
  stack.addEventListener("pointerdown", look); // a finger does not hover: it taps, or drags sideways
  stack.addEventListener("pointermove", look);
  stack.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    row = clamp(row + step[0], data.rows);
    column = clamp(column + step[1], data.columns);
    show();
  });
}
