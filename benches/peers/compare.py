"""Takes each client through the same rotations under the same faults, and counts what is left.

The counting asks the server alone, by plain HTTP, and uses none of the clients.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

HERE = Path(__file__).parent
KEYS = "/org/api_keys"
DAYS = 30
TIMEOUT = 2.0  # Seconds; a response that is late comes after twice that.


@dataclass(frozen=True)
class Case:
    """One fault, and the way of rotating that it strikes."""

    name: str
    way: str
    method: str
    path: str
    do: object


CASES = [
    Case("create: the connection is dropped", "create", "POST", KEYS, "drop"),
    Case("create: 503", "create", "POST", KEYS, {"status": {"code": 503}}),
    Case("create: the response comes after the client's timeout", "create", "POST", KEYS,
         {"delay": {"ms": int(TIMEOUT * 2000)}}),
    Case("delete: the connection is dropped", "create", "DELETE", KEYS + "/{id}", "drop"),
    Case("the server's own rotate: the connection is dropped", "rotate", "POST",
         KEYS + "/{id}/rotate", "drop"),
]


@dataclass
class Count:
    """What is left when a client is through."""

    failed: int
    in_truth_done: int
    orphans: int
    locked_out: int
    struck: int = 0
    remark: str = ""

    def cell(self):
        return f"{self.failed} / {self.orphans} / {self.locked_out}"


class Server:
    """`kernel-keys serve` with one fault, and plain requests to it."""

    def __init__(self, program, case, args, folder):
        faults = folder / "faults.json"
        faults.write_text(json.dumps([{
            "method": case.method, "path": case.path, "do": case.do, "when": "after",
            "probability": args.chance, "seed": args.seed,
            # The keys that are there to be rotated are made in peace.
            "from": args.rotations + 1 if (case.method, case.path) == ("POST", KEYS) else 1,
        }]))
        self.process = subprocess.Popen(
            [program, "serve", "--json", "--faults", faults],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        said = json.loads(self.process.stdout.readline())
        self.url, self.key = said["url"], said["key"]

    def stop(self):
        """Says how often the fault struck."""
        self.process.terminate()
        said, _ = self.process.communicate()
        return json.loads(said)["fired"][0]

    def ask(self, method, path, key, body=None):
        request = Request(self.url + path, method=method, headers={
            "Authorization": f"Bearer {key}", "Content-Type": "application/json"})
        data = None if body is None else json.dumps(body).encode()
        with urlopen(request, data=data, timeout=30) as response:
            return json.load(response)

    def live(self):
        """Every key that authenticates."""
        keys = []
        while page := self.ask("GET", f"{KEYS}?limit=100&sort_direction=asc&offset={len(keys)}",
                               self.key):
            keys += page
        now = datetime.now(timezone.utc)
        return [key for key in keys if key["expires_at"] is None or when(key) > now]

    def lets_in(self, key):
        try:
            self.ask("GET", f"{KEYS}?limit=1", key)
        except HTTPError as error:
            if error.code == 401:
                return False
            raise
        return True


def when(key):
    return datetime.fromisoformat(key["expires_at"].replace("Z", "+00:00"))


def mask(plaintext):
    return f"sk_{plaintext[3:7]}...{plaintext[-4:]}"


def count(server, keys, errors):
    """What the server and the stores say."""
    held = {key["id"]: Path(key["store"]).read_text().strip() for key in keys}
    masks = {mask(plaintext) for plaintext in held.values()}
    old = {key["id"]: key["masked"] for key in keys}
    live = server.live()
    soon = datetime.now(timezone.utc) + timedelta(days=1)
    # An old key in its grace period is not forgotten: its end is set.
    ending = {key["id"] for key in live
              if key["id"] in old and key["expires_at"] and when(key) <= soon}
    works = {id: server.lets_in(plaintext) for id, plaintext in held.items()}
    done = [id for id in errors
            if works[id] and mask(held[id]) != old[id]
            and (id in ending or all(key["id"] != id for key in live))]
    return Count(
        failed=len(errors),
        in_truth_done=len(done),
        orphans=sum(key["name"] != "bootstrap" and key["masked_key"] not in masks
                    and key["id"] not in ending for key in live),
        locked_out=sum(not works for works in works.values()))


def by_script(command):
    """A client of another language: it gets the plan and says of each rotation whether it failed."""

    def run(case, server, keys, _folder):
        plan = {"url": server.url, "key": server.key, "timeout": TIMEOUT, "days": DAYS,
                "way": case.way, "keys": keys}
        done = subprocess.run(command, input=json.dumps(plan), text=True, check=True,
                              stdout=subprocess.PIPE)
        said = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(said) == len(keys), "a rotation was left out"
        return [line["id"] for line in said if line["error"]], ""

    return run


def ours(program):
    """This project, as a person uses it: one `kernel-keys rotate` after the other."""

    def call(server, folder, *arguments, key=True):
        env = {**os.environ, "KERNEL_BASE_URL": server.url}
        env.pop("KERNEL_API_KEY", None)
        if key:
            env["KERNEL_API_KEY"] = server.key
        return subprocess.run(
            [program, *arguments, "--timeout", str(TIMEOUT), "--journal", folder / "journals"],
            env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode

    def run(case, server, keys, folder):
        failed, codes = [], Counter()
        for key in keys:
            store = key["store"]
            if case.way == "rotate":
                # Without any grace is what it refuses; a day is the least.
                how = ["--retire", "grace", "--grace-days", "1", "--key-file", store]
            else:
                how = ["--retire", "delete"]
            code = call(server, folder, "rotate", "--store", f"file:{store}", "--overlap", "0",
                        *how, key=case.way == "create")
            codes[code] += 1
            if code != 0:
                failed.append(key["id"])
        # What needs attention is resumed once, as it says.
        resumed = call(server, folder, "resume")
        return failed, f"; exit codes {dict(codes)}, of `resume` in the end {resumed}"

    return run


def measure(case, client, program, args):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = Server(program, case, args, folder)
        try:
            keys = []
            for number in range(args.rotations):
                made = server.ask("POST", KEYS, server.key,
                                  {"name": f"workload-{number}", "days_to_expire": DAYS})
                store = folder / f"key-{number}"
                store.write_text(made["key"])
                keys.append({"id": made["id"], "name": made["name"], "store": str(store),
                             "masked": made["masked_key"]})
            errors, remark = client(case, server, keys, folder)
            result = count(server, keys, errors)
        finally:
            struck = server.stop()
        return replace(result, struck=struck, remark=remark)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="kernel-keys")
    parser.add_argument("--node-folder", type=Path, required=True)
    parser.add_argument("--rotations", type=int, default=200)
    parser.add_argument("--chance", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()

    sdk = json.loads((args.node_folder / "node_modules/@onkernel/sdk/package.json").read_text())
    own = subprocess.run([args.program, "--version"], capture_output=True, text=True, check=True)
    clients = {
        f"Python {version('kernel')}": by_script([sys.executable, HERE / "python.py"]),
        f"TypeScript {sdk['version']}": by_script(["node", args.node_folder / "typescript.mjs"]),
        own.stdout.strip(): ours(args.program),
    }
    # Each has a server of its own, so that they do not disturb one another.
    with ThreadPoolExecutor(max_workers=5) as pool:
        rows = [(case, [pool.submit(measure, case, client, args.program, args)
                        for client in clients.values()])
                for case in CASES]
    print(f"{args.rotations} rotations each; the fault strikes after the effect in "
          f"{args.chance:.0%} of the named calls, seed {args.seed}; timeout {TIMEOUT:g} s.")
    print("failed / orphans / locked out\n")
    print("| fault |", " | ".join(clients), "|")
    print("|---" * (len(clients) + 1) + "|")
    for case, row in rows:
        print(f"| {case.name} |", " | ".join(future.result().cell() for future in row), "|")
    print()
    for case, row in rows:
        for name, future in zip(clients, row):
            result = future.result()
            done = f"; {result.in_truth_done} of the failed ones were done" * (result.failed > 0)
            print(f"{case.name}; {name}: it struck {result.struck} times{done}{result.remark}")


if __name__ == "__main__":
    main()
