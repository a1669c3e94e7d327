"""Rotates a secret of moto by the function, as AWS does: each step by the runtime API of Lambda.

    drive.py FUNCTION MOTO SERVER.JSON
"""

import base64
import json
import os
import pathlib
import sys
import time
import urllib.error
import urllib.request
import uuid

import boto3

from lambda_runtime import call

STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]
AWS = {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}


def request(url, key, method="GET", body=None):
    data = json.dumps(body).encode() if body is not None else None
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    return json.load(urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)))


def works(url, key):
    try:
        request(url + "/org/api_keys?limit=1", key)
        return True
    except urllib.error.HTTPError as error:
        if error.code == 401:
            return False
        raise


def until(condition):
    end = time.monotonic() + 60
    while True:
        try:
            return condition()
        except (OSError, ValueError):
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def main():
    function, moto, said = sys.argv[1:]
    said = until(lambda: json.loads(pathlib.Path(said).read_text()))
    url, admin = said["url"], said["key"]
    until(lambda: urllib.request.urlopen(f"{moto}/moto-api/data.json"))
    # The function is there, and is run by this program instead of by moto.
    config = json.dumps({"lambda": {"use_docker": False}}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{moto}/moto-api/config", config, method="POST"))
    os.environ |= AWS | {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_ENDPOINT_URL": moto}
    secrets, functions = boto3.client("secretsmanager"), boto3.client("lambda")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    empty_zip = base64.b64decode("UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==")
    arn = functions.create_function(
        FunctionName="rotate", Runtime="provided.al2023", Role=role, Handler="bootstrap",
        Code={"ZipFile": empty_zip},
    )["FunctionArn"]
    first = request(url + "/org/api_keys", admin, "POST", {"name": "ci", "days_to_expire": 30})
    text = '{ "other": 1.0, "key": "%s" }'
    secret = secrets.create_secret(Name="kernel/ci", SecretString=text % first["key"])["ARN"]
    secrets.create_secret(Name="admin", SecretString=admin)
    environment = AWS | {
        "AWS_ENDPOINT_URL": moto, "KERNEL_BASE_URL": url, "KERNEL_KEYS_CALLER": "admin",
        "KERNEL_KEYS_FIELD": "key", "KERNEL_KEYS_OVERLAP_MINUTES": "0",
    }
    seen, printed = [admin, first["key"]], ""

    def current(stage="AWSCURRENT"):
        text = secrets.get_secret_value(SecretId=secret, VersionStage=stage)["SecretString"]
        return json.loads(text)["key"]

    for number in range(12):
        # Killed after so many milliseconds, in each step once.
        kill_after = number * 0.004
        token = str(uuid.uuid4())
        secrets.rotate_secret(
            SecretId=secret, ClientRequestToken=token, RotationLambdaARN=arn,
            RotationRules={"AutomaticallyAfterDays": 30},
        )
        for step in STEPS:
            event = {"SecretId": secret, "ClientRequestToken": token, "Step": step}
            printed += call(function, environment, event, kill_after).printed
            assert works(url, current()), f"{number} {step}: a dead key is current"
            ran = call(function, environment, event)
            printed += ran.printed
            assert ran.result and ran.result[0] == "response", f"{number} {step}: {printed}"
            assert works(url, current()), f"{number} {step}: a dead key is current"
        seen.append(current())
        stages = secrets.describe_secret(SecretId=secret)["VersionIdsToStages"]
        assert stages[token] == ["AWSCURRENT"], stages
        assert works(url, current("AWSPREVIOUS")), f"{number}: the key before is dead"
    live = {key["id"] for key in request(url + "/org/api_keys?limit=100", admin)}
    names = [key["name"] for key in request(url + "/org/api_keys?limit=100", admin)]
    assert len(live) == 3, f"the current, the previous and the function's own: {names}"
    assert len(set(seen)) == 14, "each rotation is another key"
    assert not any(key in printed for key in seen), "a plaintext has leaked"
    print("moto: 12 rotations, each step killed once; one key a label is left")


main()
