"""Ten tasks with the official Python client and with this project's examples: what each sends.

The service is `service.py`: it shares no code with either.
"""

import argparse
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from pathlib import Path

import httpx
from kernel import Kernel
from service import Service

CODE = "await page.goto(\"https://example.com\"); return await page.title()"


def browser(client, folder):
    session = client.browsers.create(headless=True, timeout_seconds=60)
    try:
        client.browsers.playwright.execute(session.session_id, code=CODE)
        picture = client.browsers.computer.capture_screenshot(session.session_id)
        picture.write_to_file(folder / "page.png")
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


# The tasks by the example that does them, with its arguments.
TASKS = {
    browser: ["https://example.com", "{folder}/page.png"],
    telemetry: ["b_1"],
    files: ["b_1", "{folder}/file", "{folder}/copy"],
    deploy: ["{folder}/app", "main.ts"],
    invoke: ["app", "act", "{}"],
    audit_logs: [],
    keys: [],
}
# What differs in every request of a kind or with the clock, and means the same.
CLOCK = {"start", "end"}


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
    """The requests of both side by side: those to one path belong together."""
    left = list(ours)
    for request in theirs:
        end = request["request"].rsplit("/", 1)
        fits = [it for it in left if it["request"].rsplit("/", 1)[1] == end[1]]
        match = fits[0] if fits else None
        if match:
            left.remove(match)
        yield request, match
    for request in left:
        yield None, request


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=Path, required=True, help="their folder")
    parser.add_argument("--verbose", action="store_true", help="print every request")
    args = parser.parse_args()

    service = Service()
    secret = "sk_0123456789abcdef"
    environment = {**os.environ, "KERNEL_BASE_URL": service.url, "KERNEL_API_KEY": secret}
    print(f"| task | requests: Python {version('kernel')} / here | differences |")
    print("|---|---|---|")
    failed = False
    for task, arguments in TASKS.items():
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "file").write_text("the bytes")
            (folder / "app").mkdir()
            (folder / "app" / "main.ts").write_text("start()")
            task(Kernel(api_key=secret, base_url=service.url), folder)
            theirs = service.taken()
            words = [word.replace("{folder}", name) for word in arguments]
            done = subprocess.run([args.examples / task.__name__, *words], env=environment,
                                  capture_output=True, text=True)
            ours = service.taken()
        if done.returncode != 0:
            failed = True
            print(f"{task.__name__}: {done.stderr}", file=sys.stderr)
        found = [line for a, b in pair(theirs, ours) for line in differences(a, b)]
        counts = f"{len(theirs)} / {len(ours)}"
        print(f"| `{task.__name__}` | {counts} | {'<br>'.join(found) or 'none'} |")
        if args.verbose:
            for who, requests in [("Python", theirs), ("here", ours)]:
                for request in requests:
                    print(f"{who}: {request}", file=sys.stderr)
    sys.exit(failed)


if __name__ == "__main__":
    main()
