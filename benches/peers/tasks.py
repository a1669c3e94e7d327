"""The tasks of the examples with the official Python client and with this project: what each sends.

Both talk to `kernel-keys serve`, which writes down every request.
"""

import argparse
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from pathlib import Path

import httpx
from kernel import Kernel

CODE = "await page.goto(\"https://example.com\")"
# What the server does not make from the document by itself.
STUBS = [
    {"operation": "browsers.telemetry.stream", "cut_after": 1, "events": [
        {"seq": seq, "event": {"ts": 1, "type": "console_log", "category": "console",
                               "source": {"kind": "cdp"}}} for seq in [1, 2]]},
]
# The headers that say something to the service; the rest names the client or the connection.
MATTER = ["authorization", "accept", "content-type", "last-event-id", "x-kernel-project"]
# What differs with the clock, and means the same.
CLOCK = {"start", "end"}


def browser(client, folder):
    session = client.browsers.create(headless=True, timeout_seconds=60)
    try:
        code = f"{CODE}; return await page.title()"
        client.browsers.playwright.execute(session.session_id, code=code)
        picture = client.browsers.computer.capture_screenshot(session.session_id)
        picture.write_to_file(folder / "page.png")
    finally:
        client.browsers.delete_by_id(session.session_id)


def direct(client, folder):
    session = client.browsers.create(headless=True, timeout_seconds=60)
    try:
        client.browsers.playwright.execute(session.session_id, code=CODE)
        for number in [1, 2]:
            picture = client.browsers.computer.capture_screenshot(session.session_id)
            picture.write_to_file(folder / f"{number}.png")
    finally:
        client.browsers.delete_by_id(session.session_id)


def telemetry(client, _):
    # It does not resume by itself: the caller goes on after the last event.
    more = {}
    for _ in range(2):
        try:
            for event in client.browsers.telemetry.stream("b_1", **more):
                more["last_event_id"] = str(event.seq)
            return
        except httpx.RemoteProtocolError:
            pass


def files(client, folder):
    fs = client.browsers.fs
    fs.write_file("b_1", folder / "file", path="/tmp/upload")
    fs.file_info("b_1", path="/tmp/upload")
    fs.read_file("b_1", path="/tmp/upload").write_to_file(folder / "copy")


def deploy(client, folder):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.write(folder / "app" / "main.ts", "main.ts")
    made = client.deployments.create(
        file=("app.zip", archive.getvalue()), entrypoint_rel_path="main.ts")
    for _ in client.deployments.follow(made.id):
        pass


def invoke(client, _):
    started = client.invocations.create(
        app_name="app", version="latest", action_name="act", payload="{}", async_=True)
    for _ in client.invocations.follow(started.id):
        pass


def audit_logs(client, _):
    end = datetime.now(timezone.utc)
    for _ in client.audit_logs.list(start=end - timedelta(days=1), end=end, limit=100):
        pass


def keys(client, _):
    made = client.api_keys.create(name="example", days_to_expire=1)
    for _ in client.api_keys.list(sort_by="created_at"):
        pass
    client.api_keys.delete(made.id)


def rotate(client, folder):
    """As Kernel's guide has it: create, store, verify, delete."""
    store = folder / "key"
    made = client.api_keys.create(name="workload", days_to_expire=30)
    store.write_text(made.key)
    for _ in client.with_options(api_key=store.read_text()).api_keys.list():
        break
    client.api_keys.delete((folder / "id").read_text())


# The tasks by the example that does them, with its arguments; `rotate` is the program's own command.
TASKS = {
    browser: ["examples/browser", "https://example.com", "{folder}/page.png"],
    direct: ["examples/direct", "https://example.com", "{folder}", "2"],
    telemetry: ["examples/telemetry", "b_1"],
    files: ["examples/files", "b_1", "{folder}/file", "{folder}/copy"],
    deploy: ["examples/deploy", "{folder}/app", "main.ts"],
    invoke: ["examples/invoke", "app", "act", "{}"],
    audit_logs: ["examples/audit_logs"],
    keys: ["examples/keys"],
    rotate: ["kernel-keys", "rotate", "--store", "file:{folder}/key", "--retire", "delete",
             "--overlap", "0", "--journal", "{folder}/journal"],
}


class Server:
    """`kernel-keys serve`, and what was sent to it."""

    def __init__(self, program, folder):
        stubs, record = folder / "stubs.json", folder / "record.jsonl"
        stubs.write_text(json.dumps(STUBS))
        self.process = subprocess.Popen(
            [program, "serve", "--json", "--stubs", stubs, "--record", record],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        said = json.loads(self.process.stdout.readline())
        self.url, self.key = said["url"], said["key"]
        self.lines = open(record)

    def taken(self):
        """What was sent since the last time. A request is in the file before its response is sent."""
        return [readable(json.loads(line)) for line in self.lines]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def readable(request):
    """A request without what is chosen anew for each."""
    # Ids have digits, and no step of a path has.
    path = re.sub("/[^/]*[0-9][^/]*", "/{id}", request["path"])
    headers = {name: request["headers"][name] for name in MATTER if name in request["headers"]}
    if "content-type" in headers:
        headers["content-type"] = re.sub("; *boundary=.*", "", headers["content-type"])
    body = request["body"]
    if isinstance(body, dict) and str(body.get("name")).startswith("~onk-"):
        body["name"] = "a marker"
    if isinstance(body, list):
        body = sorted(({**part, "content": contents(part["content"])} for part in body),
                      key=lambda part: part["name"])
    return {"request": f"{request['method']} {path}", "query": request["query"],
            "headers": headers, "body": body}


def contents(text):
    return "an archive" if text.startswith("PK") else text


def differences(theirs, ours):
    """What differs between two requests, in words."""
    if theirs is None or ours is None:
        present, who = (ours, "only here") if theirs is None else (theirs, "only in Python")
        return [f"{who}: `{present['request']}`"]
    found = []
    if theirs["request"] != ours["request"]:
        found.append(f"`{theirs['request']}` there, `{ours['request']}` here")
    for part in ["query", "headers"]:
        for name in sorted({*theirs[part], *ours[part]} - CLOCK):
            a, b = theirs[part].get(name), ours[part].get(name)
            if a != b:
                found.append(f"{part} `{name}`: {shown(a)} there, {shown(b)} here")
    if theirs["body"] != ours["body"]:
        found.append(f"body: {shown(theirs['body'])} there, {shown(ours['body'])} here")
    return found


def shown(value):
    return "none" if value is None else f"`{value}`"


def pair(theirs, ours):
    """The requests of both side by side: those with one method and one end of the path."""
    def end(request):
        method, path = request["request"].split(" ")
        return method, path.rsplit("/", 1)[1]

    left = list(ours)
    for request in theirs:
        match = next((it for it in left if end(it) == end(request)), None)
        if match:
            left.remove(match)
        yield request, match
    for request in left:
        yield None, request


def prepare(folder, server):
    """What the tasks find in their folder."""
    (folder / "file").write_text("the bytes")
    (folder / "app").mkdir()
    (folder / "app" / "main.ts").write_text("start()")
    made = Kernel(api_key=server.key, base_url=server.url).api_keys.create(
        name="workload", days_to_expire=30)
    (folder / "id").write_text(made.id)
    (folder / "key").write_text(made.key)
    server.taken()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=Path, required=True, help="their folder")
    parser.add_argument("--verbose", action="store_true", help="print every request")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as name:
        server = Server(args.programs / "kernel-keys", Path(name))
        try:
            failed = compare(server, args)
        finally:
            server.stop()
    sys.exit(failed)


def compare(server, args):
    environment = {**os.environ, "KERNEL_BASE_URL": server.url, "KERNEL_API_KEY": server.key}
    print(f"| task | requests: Python {version('kernel')} / here | differences |")
    print("|---|---|---|")
    failed = False
    for task, arguments in TASKS.items():
        # The Python client goes straight to the machine by itself, this one where it is told to.
        os.environ["KERNEL_BROWSER_ROUTING_SUBRESOURCES"] = "computer,playwright" * (task is direct)
        with tempfile.TemporaryDirectory() as name:
            prepare(Path(name), server)
            task(Kernel(api_key=server.key, base_url=server.url), Path(name))
            theirs = server.taken()
        with tempfile.TemporaryDirectory() as name:
            prepare(Path(name), server)
            program, *words = [word.replace("{folder}", name) for word in arguments]
            done = subprocess.run([args.programs / program, *words], env=environment,
                                  capture_output=True, text=True)
            ours = server.taken()
        if done.returncode != 0:
            failed = True
            print(f"{task.__name__}: {done.stderr}", file=sys.stderr)
        found = Counter(line for a, b in pair(theirs, ours) for line in differences(a, b))
        lines = [line + f" ({times} times)" * (times > 1) for line, times in found.items()]
        counts = f"{len(theirs)} / {len(ours)}"
        print(f"| `{task.__name__}` | {counts} | {'<br>'.join(lines) or 'none'} |")
        if args.verbose:
            for who, requests in [("Python", theirs), ("here", ours)]:
                for request in requests:
                    print(f"{who}: {request}", file=sys.stderr)
    return failed


if __name__ == "__main__":
    main()
