"""As much of a Kubernetes API server as the page's commands need: it keeps objects, and checks none of them.

    cluster.py PORT-FILE
"""

import base64
import http.server
import json
import sys
from urllib.parse import urlsplit

KINDS = {
    "v1": [("namespaces", "Namespace", False), ("secrets", "Secret", True),
           ("serviceaccounts", "ServiceAccount", True),
           ("persistentvolumeclaims", "PersistentVolumeClaim", True)],
    "rbac.authorization.k8s.io/v1": [("roles", "Role", True), ("rolebindings", "RoleBinding", True)],
    "batch/v1": [("cronjobs", "CronJob", True), ("jobs", "Job", True)],
}
objects = {}
version = 0


def resources(group_version):
    verbs = ["create", "get", "list", "patch", "update"]
    found = [{"name": name, "singularName": kind.lower(), "kind": kind, "namespaced": namespaced, "verbs": verbs}
             for name, kind, namespaced in KINDS[group_version]]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": found}


def groups():
    names = [name for name in KINDS if "/" in name]
    versions = {name: {"groupVersion": name, "version": name.split("/")[1]} for name in names}
    found = [{"name": name.split("/")[0], "versions": [it], "preferredVersion": it} for name, it in versions.items()]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": found}


def openapi(group_version):
    """That the server looks at fields itself, so that kubectl does not."""
    group, _, version = group_version.rpartition("/")
    paths = {}
    for name, kind, _ in KINDS[group_version]:
        paths[f"/{name}"] = {"patch": {
            "parameters": [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}],
            "responses": {"200": {"description": "OK"}},
            "x-kubernetes-action": "patch",
            "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": kind}}}
    return {"openapi": "3.0.0", "info": {"title": "", "version": ""}, "paths": paths}


def at(group_version):
    return f"{'apis' if '/' in group_version else 'api'}/{group_version}"


class Handler(http.server.BaseHTTPRequestHandler):
    def reply(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def fail(self, status, reason):
        self.reply({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason,
                    "message": reason, "code": status}, status)

    def keep(self, path, value):
        global version
        version += 1
        value.setdefault("metadata", {}).update(resourceVersion=str(version), uid=path)
        for name, text in value.pop("stringData", {}).items():
            value.setdefault("data", {})[name] = base64.b64encode(text.encode()).decode()
        if "dryRun" not in self.path:
            objects[path] = value
        self.reply(value)

    def do_GET(self):
        path = urlsplit(self.path).path
        known = {"/api": lambda: {"kind": "APIVersions", "versions": ["v1"]}, "/apis": groups,
                 "/version": lambda: {"major": "1", "minor": "30", "gitVersion": "v1.30.0"},
                 "/openapi/v3": lambda: {"paths": {at(name): {"serverRelativeURL": f"/openapi/v3/{at(name)}"}
                                                   for name in KINDS}},
                 **{f"/{at(name)}": lambda name=name: resources(name) for name in KINDS},
                 **{f"/openapi/v3/{at(name)}": lambda name=name: openapi(name) for name in KINDS}}
        if path in known:
            self.reply(known[path]())
        elif path in objects:
            self.reply(objects[path])
        else:
            self.fail(404, "NotFound")

    def value(self):
        return json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))

    def do_POST(self):
        value, path = self.value(), urlsplit(self.path).path
        path = f"{path}/{value['metadata']['name']}"
        self.fail(409, "AlreadyExists") if path in objects else self.keep(path, value)

    def do_PUT(self):
        value, path = self.value(), urlsplit(self.path).path
        if path not in objects:
            self.fail(404, "NotFound")
        elif value["metadata"].get("resourceVersion") != objects[path]["metadata"]["resourceVersion"]:
            self.fail(409, "Conflict")
        else:
            self.keep(path, value)

    def log_message(self, format, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(sys.argv[1], "w") as file:
    file.write(str(server.server_port))
server.serve_forever()
