"""A web server on 127.0.0.1 that misbehaves on request."""

import contextlib
import functools
import http.server
import threading

import pytest


class Server(http.server.ThreadingHTTPServer):
    """Serves ``files`` under any folder; ``faults[folder]`` says how that folder misbehaves."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.faults, self.asked = {}, {}, []

    def url(self, folder):
        return f"http://127.0.0.1:{self.server_port}/{folder}/"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # noqa: N802 (the name http.server calls)
        folder, name = self.path.strip("/").split("/", 1)  # names may have folders of their own
        self.server.asked.append((folder, name))
        fault = self.server.faults.get(folder)
        fault = fault(name) if callable(fault) else fault
        body = self.server.files.get(name)
        if fault == "404" or body is None:
            return self.send_error(404)
        if fault == "wrong":
            body = b"!" + body[1:]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # a client that was killed
            self.wfile.write(body[: len(body) // 2] if fault == "truncated" else body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("COURSE_DATA", raising=False)
    server = Server()
    threading.Thread(target=functools.partial(server.serve_forever, poll_interval=0.01), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()
