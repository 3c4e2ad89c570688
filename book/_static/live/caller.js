/** A worker whose tasks are called like functions: `await caller.call("denoise", {...})`. */
export class Caller {
  #worker; #waiting = new Map(); #count = 0;

  constructor(url) {
    this.#worker = new Worker(url, { type: "module" });
    this.#worker.onmessage = ({ data: { id, result, error } }) => {
      const { resolve, reject } = this.#waiting.get(id);
      this.#waiting.delete(id);
      error === undefined ? resolve(result) : reject(new Error(error));
    };
    this.#worker.onerror = (event) => this.#fail(event.message || "the worker did not start");
  }

  call(task, input) {
    return new Promise((resolve, reject) => {
      this.#waiting.set(++this.#count, { resolve, reject });
      this.#worker.postMessage({ id: this.#count, task, ...input });
    });
  }

  end() {
    this.#worker.terminate();
    this.#fail("the network was put away"); // nobody waits for ever
  }

  #fail(reason) {
    for (const { reject } of this.#waiting.values()) reject(new Error(reason));
    this.#waiting.clear();
  }
}
