"""python.py PORT LOG: the standard library's HTTP server, with bodies. Every request that it sees becomes a line of LOG,
in the form of go/main.go."""

import json
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT, LOG = int(sys.argv[1]), open(sys.argv[2], "a", buffering=1)
LOCK = threading.Lock()


def record(**fields):
    with LOCK:
        LOG.write(json.dumps(fields) + "\n")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    chunks = []

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.serve
        raise AttributeError(name)

    def serve(self):
        self.chunks = []
        whole = self.read_body()
        record(
            method=self.command,
            target=self.path,
            host=self.headers.get("Host", ""),
            marks=self.headers.get("X-Request-Start", ""),
            body=b"".join(self.chunks).decode("latin-1"),
            whole=whole,
        )
        if not whole:
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Saw", f"{self.command} {self.path}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self.read_chunks()
        return self.read(int(self.headers.get("Content-Length") or 0))

    def read_chunks(self):
        while line := self.rfile.readline():
            size = int(line.split(b";")[0], 16)
            if size == 0:
                while (line := self.rfile.readline()).strip():
                    pass
                return line != b""
            if not self.read(size) or self.rfile.readline() != b"\r\n":
                return False
        return False

    def read(self, size):
        data = self.rfile.read(size)
        self.chunks.append(data)
        return len(data) == size

    def send_error(self, code, message=None, explain=None):
        record(refused=f"{code} {message}")
        super().send_error(code, message, explain)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128


SERVER = Server(("127.0.0.1", PORT), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=SERVER.shutdown).start())
SERVER.serve_forever()
SERVER.server_close()
