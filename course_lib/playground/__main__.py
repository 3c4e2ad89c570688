"""``python -m course_lib.playground [--port 7860]``: the playground in a browser, for this machine alone."""

import argparse

from .page import launch, playground


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m course_lib.playground", description=__doc__)
    parser.add_argument("--port", type=int, help="default: the first free one from 7860 on")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets other machines of your network in")
    args = parser.parse_args()
    app = playground()
    _, address, _ = launch(app, server_name=args.host, server_port=args.port, prevent_thread_lock=True)
    print(f"Open {address} in a browser; Ctrl+C ends it.", flush=True)
    app.block_thread()


if __name__ == "__main__":
    main()
