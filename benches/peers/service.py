"""A service that responds as documented to the tasks of `tasks.py`, and records what it is sent."""

import email.parser
import email.policy
import hashlib
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

TIME = "2026-11-01T00:00:00Z"
# The headers that say something to the service; the rest names the client or the connection.
MATTER = ["authorization", "accept", "content-type", "last-event-id", "x-kernel-project"]


def deployment(status):
    return {"id": "d_1", "status": status, "region": "aws.us-east-1a", "created_at": TIME}


def run(status):
    return {"id": "i_1", "app_name": "app", "version": "latest", "action_name": "act",
            "started_at": TIME, "status": status, "output": "1"}


def key(**more):
    return {"id": "k_1", "name": "example", "masked_key": "sk_abcd...wxyz", "created_at": TIME,
            "expires_at": None, "created_by": {"id": "u_1", "email": "e", "name": "n"}, "project_id": None, "project_name": None,
            **more}


def state(kind, value):
    return {"event": f"{kind}_state", "timestamp": TIME, kind: value}


def telemetry(seq):
    return {"seq": seq, "event": {"ts": 1, "type": "console_log", "category": "console",
                                  "source": {"kind": "cdp"}}}


def entry():
    return {"timestamp": TIME, "auth_strategy": "api_key", "user_id": "u", "email": "e",
            "status": 200, "method": "GET", "path": "/", "route": "/", "domain": "d",
            "duration_ms": 1, "client_ip": "192.0.2.1", "user_agent": "a"}


class Events(list):
    """A stream of events, which breaks off if there is more after them."""

    def __init__(self, events, cut=False):
        super().__init__(events)
        self.cut = cut


class Service:
    """The routes, and what was sent to them."""

    def __init__(self):
        self.requests = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle_any(self):
                service.handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def taken(self):
        """What was sent since the last time."""
        taken, self.requests[:] = list(self.requests), []
        return taken

    def session(self):
        return {"session_id": "b_1", "created_at": TIME, "stealth": False, "headless": True,
                "cdp_ws_url": "wss://vm.example/?jwt=session-token", "region": "us-east",
                "webdriver_ws_url": "wss://vm.example/?jwt=session-token", "memory": "2GiB",
                "timeout_seconds": 60, "base_url": f"{self.url}/vm/b_1"}

    def respond(self, method, path, query, headers):
        """Status, more headers, and the body: JSON, bytes, events, or nothing."""
        path = re.sub("^/vm/b_1", "/browsers/b_1", path)
        match method, path:
            case "POST", "/browsers":
                return 200, {}, self.session()
            case "DELETE", _:
                return 204, {}, None
            case "POST", "/browsers/b_1/playwright/execute":
                return 200, {}, {"success": True, "result": "title"}
            case "POST", "/browsers/b_1/computer/screenshot":
                return 200, {"content-type": "image/png"}, b"a picture"
            case "GET", "/browsers/b_1/telemetry/stream":
                if "last-event-id" in headers:
                    return 200, {}, Events([telemetry(2)])
                return 200, {}, Events([telemetry(1)], cut=True)
            case "PUT", "/browsers/b_1/fs/write_file":
                return 201, {}, None
            case "GET", "/browsers/b_1/fs/file_info":
                return 200, {}, {"name": "upload", "path": "/tmp/upload", "size_bytes": 9,
                                 "is_dir": False, "mod_time": TIME, "mode": "0644"}
            case "GET", "/browsers/b_1/fs/read_file":
                return 200, {"content-type": "application/octet-stream"}, b"the bytes"
            case "POST", "/deployments":
                return 201, {}, deployment("queued")
            case "GET", "/deployments/d_1/events":
                return 200, {}, Events([state("deployment", deployment("running"))])
            case "POST", "/invocations":
                return 202, {}, {"id": "i_1", "action_name": "act", "status": "queued"}
            case "GET", "/invocations/i_1/events":
                return 200, {}, Events([state("invocation", run("succeeded"))])
            case "GET", "/invocations/i_1":
                return 200, {}, run("succeeded")
            case "GET", "/audit-logs":
                more = "page_token" not in query
                return 200, {"x-has-more": str(more).lower(),
                             **({"x-next-page-token": "p2"} if more else {})}, [entry()]
            case "POST", "/org/api_keys":
                return 201, {}, key(key="sk_0123456789abcdef")
            case "GET", "/org/api_keys":
                first = query.get("offset", "0") == "0"
                return 200, {"x-has-more": str(first).lower(),
                             "x-next-offset": "1" if first else "0"}, [key()]
        return 404, {}, {"code": "not_found", "message": f"{method} {path}"}

    def handle(self, http):
        url = urlsplit(http.path)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in http.headers.items()}
        body = http.rfile.read(int(headers.get("content-length", 0)))
        if headers.get("transfer-encoding") == "chunked":
            while size := int(http.rfile.readline(), 16):
                body += http.rfile.read(size)
                http.rfile.readline()
            http.rfile.readline()
        self.requests.append({
            "request": f"{http.command} {url.path}",
            "query": query,
            "headers": {name: media_type(headers[name]) for name in MATTER if name in headers},
            "body": readable(headers.get("content-type", ""), body),
        })
        status, more, value = self.respond(http.command, url.path, query, headers)
        send(http, status, more, value)


def send(http, status, headers, value):
    cut = False
    match value:
        case None:
            payload = b""
        case bytes():
            payload = value
        case Events():
            headers = {"content-type": "text/event-stream", "connection": "close", **headers}
            frames = [f"id: {event.get('seq', n)}\ndata: {json.dumps(event)}\n\n"
                      for n, event in enumerate(value, 1)]
            payload, cut = "".join(frames).encode(), value.cut
        case _:
            headers = {"content-type": "application/json", **headers}
            payload = json.dumps(value).encode()
    http.send_response(status)
    for name, text in headers.items():
        http.send_header(name, text)
    if status != 204:
        http.send_header("content-length", str(len(payload) + 1000 * cut))
    http.end_headers()
    http.wfile.write(payload)
    http.close_connection = http.close_connection or cut


def media_type(value):
    """A header without what is chosen anew for each request."""
    return re.sub("; *boundary=.*", "", value)


def readable(content_type, body):
    """A body such that bodies that mean the same are equal."""
    if not body:
        return None
    if content_type.startswith("application/json"):
        return json.loads(body)
    if content_type.startswith("multipart/"):
        head = f"content-type: {content_type}\r\n\r\n".encode()
        parser = email.parser.BytesParser(policy=email.policy.HTTP)
        parts = parser.parsebytes(head + body).iter_parts()
        return sorted(
            (part["content-disposition"].params.get("name", ""), part.get_filename() or "",
             part.get_content_type(), digest(part.get_payload(decode=True)))
            for part in parts)
    return digest(body)


def digest(body):
    return body.decode() if len(body) < 40 else hashlib.sha256(body).hexdigest()[:12]
