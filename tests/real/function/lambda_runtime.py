"""The side of Lambda: runs a function for one event, over the runtime API."""

import json
import re
import subprocess
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        server.started = server.started or time.monotonic()
        event, server.event = server.event, None
        if event is None:
            # Until the process is ended.
            server.over.wait()
            return
        body = json.dumps(event).encode()
        self.send_response(200)
        self.send_header("lambda-runtime-aws-request-id", str(uuid.uuid4()))
        self.send_header("lambda-runtime-deadline-ms", str(int((time.time() + 60) * 1000)))
        self.send_header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:x")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(202)
        self.send_header("content-length", "0")
        self.end_headers()
        self.server.result = (self.path.rsplit("/", 1)[1], body.decode())
        self.server.done.set()

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        # A process that was killed has closed the connection.
        pass


class Ran:
    """What came back (`None` from a process that was killed before), what was printed, how long it
    took until the function was ready, in ms, and the most memory that it had, in MB."""

    def __init__(self, result, printed, start, memory):
        self.result, self.printed, self.start, self.memory = result, printed, start, memory


def call(function, environment, event, kill_after=None):
    """Runs the function for one event in a process of its own, which may be killed after a time."""
    server = Server(("127.0.0.1", 0), Api)
    server.event, server.result, server.started = event, None, None
    server.done, server.over = threading.Event(), threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = environment | {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
        "AWS_LAMBDA_FUNCTION_NAME": "rotate",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
    }
    began = time.monotonic()
    process = subprocess.Popen(
        [function], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    server.done.wait(60 if kill_after is None else kill_after)
    try:
        with open(f"/proc/{process.pid}/status") as status:
            memory = int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1)) / 1e3
    except (OSError, AttributeError):
        memory = None
    process.kill()
    printed = process.communicate()[0]
    server.over.set()
    server.shutdown()
    start = (server.started - began) * 1e3 if server.started else None
    return Ran(server.result, printed, start, memory)
