"""Has each client do the same, in turn, and writes what it took: medians, and how many times ours.

A ratio is the median of the rounds' own, in each of which the clients follow one another.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

HERE = Path(__file__).parent
NUMBERS = HERE / "speed.json"
KEYS = 10_000
LATENCY = 50  # Milliseconds.
CALLS = {"turn": 1_000, "many": 4_000}

# What is read of which task: its name, its unit, and a number of it.
MEASURES = [
    ("from the start of the process to the first response", "ms", "first", lambda it: it["start"] * 1e3),
    (f"list {KEYS:,} keys, {LATENCY} ms a response", "s", "pages", lambda it: it["wall"]),
    ("a call, one after another", "µs", "turn", lambda it: it["wall"] * 1e6 / CALLS["turn"]),
    ("a call, one after another: CPU", "µs", "turn", lambda it: it["cpu"] * 1e6 / CALLS["turn"]),
    ("a call, 64 at a time", "µs", "many", lambda it: it["wall"] * 1e6 / CALLS["many"]),
    ("a call, 64 at a time: CPU", "µs", "many", lambda it: it["cpu"] * 1e6 / CALLS["many"]),
    ("peak memory, one call", "MB", "first", lambda it: it["memory"]),
    (f"peak memory, {KEYS:,} keys", "MB", "pages", lambda it: it["memory"]),
]


class Server:
    """Responds from memory, after so many milliseconds; ends with its standard input."""

    def __init__(self, program, latency):
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "ONKERNEL_BENCH_SERVES": "1", "ONKERNEL_BENCH_KEYS": str(KEYS),
                 "ONKERNEL_BENCH_TAKES": str(latency)})
        self.url = self.process.stdout.readline().strip()

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def sample(command, task, server):
    """Seconds from the start to the end of the task, its own, CPU seconds, and the peak in MB."""
    environment = {**os.environ, "KERNEL_BASE_URL": server.url, "KERNEL_API_KEY": "sk_live_01234567"}
    number = KEYS if task == "pages" else CALLS.get(task)
    words = [*command, task] + [str(number)] * (number is not None)
    began = time.monotonic()
    with subprocess.Popen(words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        said = process.stdout.readline()
        start = time.monotonic() - began
        # Of the program itself: what `wait` says includes the memory of whoever started it.
        status = Path(f"/proc/{process.pid}/status").read_text()
        process.stdin.close()
    if process.returncode != 0:
        sys.exit(f"{command[0]} {task} failed")
    [peak] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return {**json.loads(said), "start": start, "memory": int(peak) * 1024 / 1e6}


def measure(clients, runs, program):
    near, far = Server(program, 0), Server(program, LATENCY)
    rounds = []
    try:
        for number in range(runs):
            print(f"round {number + 1} of {runs}", file=sys.stderr)
            rounds.append({
                task: [sample(command, task, far if task == "pages" else near)
                       for command in clients.values()]
                for task in ["first", *CALLS, "pages"]})
    finally:
        near.stop()
        far.stop()
    return rounds


def summary(what, unit, task, read, rounds):
    figures = [[read(it) for it in each[task]] for each in rounds]
    ratios = [[figure / row[0] for figure in row] for row in figures]
    return {"what": what, "unit": unit, **{
        name: [float(f"{statistics.median(column):.3g}") for column in zip(*rows)]
        for name, rows in [("figures", figures), ("ratios", ratios)]}}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="the server, and this client")
    parser.add_argument("--python", type=Path, help="where the official client is installed")
    parser.add_argument("--node", type=Path, help="the folder in which the official client is installed")
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--print", action="store_true", help="write nothing")
    args = parser.parse_args()

    clients = {"onkernel": [args.program]}
    if args.python:
        version = subprocess.check_output(
            [args.python, "-c", "import kernel; print(kernel.__version__)"], text=True).strip()
        clients[f"Python {version}"] = [args.python, HERE / "calls/python.py"]
    if args.node:
        sdk = json.loads((args.node / "node_modules/@onkernel/sdk/package.json").read_text())
        clients[f"TypeScript {sdk['version']}"] = ["node", args.node / "calls.mjs"]

    # What else is running, on average over the last minute, before this begins and at its end.
    load = [os.getloadavg()[0]]
    rounds = measure(clients, args.runs, args.program)
    load.append(os.getloadavg()[0])
    numbers = {
        "date": date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "load": [round(it, 1) for it in load],
        "runs": args.runs,
        "clients": list(clients),
        "measures": [summary(*measure, rounds) for measure in MEASURES],
    }
    written = json.dumps(numbers, indent=1, ensure_ascii=False)
    print(written)
    if not args.print:
        NUMBERS.write_text(written + "\n")


if __name__ == "__main__":
    main()
