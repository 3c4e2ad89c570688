(root, data) => {
  const slider = root.querySelector("input");
  const stack = root.querySelector(".cl-stack");
  const over = root.querySelector(".cl-over");
  const line = root.querySelector(".cl-line");

  const show = () => {
    const left = Number(slider.value);
    over.style.clipPath = `inset(0 ${100 - left}% 0 0)`;
    line.style.left = `${left}%`;
    slider.setAttribute("aria-valuetext", `${left} % ${data.before}, ${100 - left} % ${data.after}`);
  };
  slider.addEventListener("input", show);
  show();

  // Dragging on the picture moves the slider. Mouse, pen and finger are all pointers; a vertical swipe still
  // scrolls the page (touch-action in explore.css).
  const drag = (event) => {
    const box = stack.getBoundingClientRect();
    slider.value = Math.round((100 * (event.clientX - box.left)) / box.width);
    show();
  };
  stack.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    stack.setPointerCapture(event.pointerId);
    slider.focus({ preventScroll: true }); // the arrow keys go on from here
    drag(event);
  });
  stack.addEventListener("pointermove", (event) => {
    if (stack.hasPointerCapture(event.pointerId)) drag(event);
  });
}
