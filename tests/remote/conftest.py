from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest


@pytest.fixture(autouse=True)
def _no_sign_in_of_the_developers_own(monkeypatch, tmp_path):
    """No test signs in with what this machine has, nor writes into its user's folders."""
    import os

    for name in list(os.environ):
        if name.startswith(("DATABRICKS_", "ARM_", "AZURE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "databrickscfg"))
    monkeypatch.setenv("NBH_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def server():
    """A web server whose answers a test gives: ``answers[path]`` is a list of (status, body, headers), the last one stays."""
    seen = []
    answers = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self):
            size = int(self.headers.get("Content-Length") or 0)
            path, _, query = self.path.partition("?")
            seen.append(
                SimpleNamespace(method=self.command, path=path, query=query, body=self.rfile.read(size), headers=self.headers)
            )
            given = answers.get(path) or [(404, {"error_code": "ENDPOINT_NOT_FOUND", "message": f"no {path}"}, {})]
            status, body, headers = given.pop(0) if len(given) > 1 else given[0]
            if status == 0:
                self.close_connection = True
                return
            text = json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = _answer  # noqa: N815 - the standard library's names

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_):
            pass

    http = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    answers["/.well-known/databricks-config"] = [(200, {}, {})]
    answers["/api/2.0/preview/scim/v2/Me"] = [(200, {"userName": "me@example.com", "groups": [{"display": "team"}]}, {})]
    yield SimpleNamespace(host=f"http://127.0.0.1:{http.server_port}", answers=answers, seen=seen)
    http.shutdown()
    http.server_close()
    thread.join()
