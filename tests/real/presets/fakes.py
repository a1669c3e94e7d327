"""The least of two servers that real programs speak to: one secret of a Kubernetes API server, and one
config of Doppler. Prints its port, then keeps what it is given in memory."""

import base64
import http.server
import json
import sys
from urllib.parse import parse_qs, urlsplit

SECRET = "/api/v1/namespaces/agents/secrets/kernel"
DOPPLER = "/v3/configs/config/secrets"

data = {}
doppler = {}

DISCOVERY = {
    "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {
        "kind": "APIResourceList",
        "groupVersion": "v1",
        "resources": [
            {
                "name": "secrets",
                "singularName": "secret",
                "namespaced": True,
                "kind": "Secret",
                "verbs": ["get", "patch"],
            }
        ],
    },
}


def secret():
    return {
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {"name": "kernel", "namespace": "agents", "resourceVersion": str(len(data))},
        "type": "Opaque",
        "data": data,
    }


class Handler(http.server.BaseHTTPRequestHandler):
    def reply(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path in DISCOVERY:
            self.reply(DISCOVERY[url.path])
        elif url.path == SECRET:
            self.reply(secret())
        elif url.path == DOPPLER:
            wanted = parse_qs(url.query).get("secrets", [",".join(doppler)])[0].split(",")
            self.reply({"success": True, "secrets": {k: v for k, v in doppler.items() if k in wanted}})
        else:
            self.reply({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}, 404)

    def do_PATCH(self):
        if urlsplit(self.path).path != SECRET or "merge-patch" not in self.headers["Content-Type"]:
            return self.reply({"kind": "Status", "status": "Failure", "code": 404}, 404)
        for name, value in self.body().get("stringData", {}).items():
            data[name] = base64.b64encode(value.encode()).decode()
        self.reply(secret())

    def do_POST(self):
        if urlsplit(self.path).path != DOPPLER:
            return self.reply({"success": False, "messages": ["not found"]}, 404)
        body = self.body()
        changes = body.get("change_requests") or [
            {"name": name, "value": value} for name, value in body.get("secrets", {}).items()
        ]
        for change in changes:
            value = change["value"]
            doppler[change["name"]] = {
                "raw": value,
                "computed": value,
                "rawVisibility": "masked",
                "computedVisibility": "masked",
                "note": "",
            }
        self.reply({"success": True, "secrets": doppler})

    def log_message(self, format, *args):
        if "-v" in sys.argv:
            super().log_message(format, *args)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
