(root, data) => {
  const button = root.querySelector("button");
  const say = (text) => {
    button.hidden = true;
    root.querySelector("[role=status]").textContent = text;
  };
  // Every page of the book knows where its top is; a notebook does not, and has no files beside it.
  const top = document.documentElement.dataset.content_root;
  if (top === undefined) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (location.protocol === "file:")
      return say("A page opened as a file may not load the network: run “make serve” and open the address that it prints.");
    button.disabled = true;
    try {
      const { obstacle, start } = await import(new URL(`${top}_static/live/live.js`, location));
      if (obstacle()) return say(obstacle());
      await start(root, data);
    } catch (error) {
      say(`It could not be loaded: ${error.message}`);
    }
  });
}
