"""What `benches/peers/speed` has each client do, by the official Python client."""

import asyncio
import json
import sys
import time

from kernel import AsyncKernel, Kernel


def now():
    return time.perf_counter(), time.process_time()


def first():
    client = Kernel()
    began = now()
    client.api_keys.retrieve("key_1")
    return began


def turn(calls):
    client = Kernel()
    for _ in range(calls // 5):
        client.api_keys.retrieve("key_1")
    began = now()
    for _ in range(calls):
        client.api_keys.retrieve("key_1")
    return began


async def some(client, calls):
    left = iter(range(calls))

    async def worker():
        for _ in left:
            await client.api_keys.retrieve("key_1")

    await asyncio.gather(*(worker() for _ in range(64)))


async def many(calls):
    client = AsyncKernel()
    await some(client, calls // 5)
    began = now()
    await some(client, calls)
    return began


def pages(keys):
    client = Kernel()
    began = now()
    count = sum(1 for _ in client.api_keys.list(limit=100))
    assert count == keys, count
    return began


task, numbers = sys.argv[1], [int(number) for number in sys.argv[2:]]
wall, cpu = asyncio.run(many(*numbers)) if task == "many" else globals()[task](*numbers)
ended = now()
print(json.dumps({"wall": ended[0] - wall, "cpu": ended[1] - cpu}), flush=True)
# Its memory is looked at meanwhile.
sys.stdin.read()
