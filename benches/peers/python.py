"""Rotations by the guide's steps with the official Python client: create, store, verify, delete.

A plan comes on standard input; a line for each rotation goes to standard output.
"""

import json
import os
import sys

from kernel import Kernel

plan = json.load(sys.stdin)


def client(key):
    return Kernel(api_key=key, base_url=plan["url"], timeout=plan["timeout"])


def write(path, key):
    with open(path + ".new", "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
        file.write(key)
    os.replace(path + ".new", path)


def by_creating(admin, old):
    new = admin.api_keys.create(name=old["name"], days_to_expire=plan["days"])
    write(old["store"], new.key)
    client(new.key).api_keys.list(limit=1)
    admin.api_keys.delete(old["id"])


def by_rotating(old):
    with open(old["store"]) as file:
        own = client(file.read())
    new = own.api_keys.rotate(old["id"], expire_in_days=0)
    write(old["store"], new.key)
    client(new.key).api_keys.list(limit=1)


admin = client(plan["key"])
for old in plan["keys"]:
    error = None
    try:
        if plan["way"] == "rotate":
            by_rotating(old)
        else:
            by_creating(admin, old)
    except Exception as failure:
        error = type(failure).__name__
    print(json.dumps({"id": old["id"], "error": error}), flush=True)
