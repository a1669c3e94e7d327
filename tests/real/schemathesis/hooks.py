"""What Schemathesis has to know about the server beyond the document.

The document is the vendor's contract, field for field, and stays so. Where the service refuses more
than its document says, the copy that is tested here says it too; each addition gives its reason.
"""

import json
import os
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import schemathesis

SERVER = json.loads(Path(os.environ["SERVER_FILE"]).read_text())
BEARER = f"Bearer {SERVER['key']}"


def own_id():
    """The id of the key that all requests are made with: at the start there is no other."""
    request = Request(f"{SERVER['url']}/org/api_keys", headers={"Authorization": BEARER})
    with urlopen(request, timeout=10) as response:
        [key] = json.load(response)
    return key["id"]


OWN_ID = own_id()


@schemathesis.auth()
class Key:
    def get(self, case, context):
        return BEARER

    def set(self, case, bearer, context):
        case.headers["Authorization"] = bearer


@schemathesis.hook
def before_call(context, case, kwargs):
    """Keeps the key in use alive: ids come from listings, its own too. The server refuses to delete
    it (400, as the document says in prose only), but rotating it would make it expire."""
    ends_a_key = case.method.upper() == "DELETE" or case.path.endswith("/rotate")
    if ends_a_key and case.path_parameters.get("id") == OWN_ID:
        case.path_parameters["id"] = "key_of_nobody"


@schemathesis.check
def deleted_keys_are_hidden(ctx, response, case):
    """Instead of `use_after_free`, which takes a response to `include_deleted=true` for a failure."""
    if response.request.method != "GET" or response.status_code != 200:
        return
    if not case.path.startswith("/org/api_keys"):
        return
    query = parse_qs(urlsplit(response.request.url).query)
    if query.get("include_deleted") == ["true"] or "status" in query:
        return
    body = response.json()
    for key in body if isinstance(body, list) else [body]:
        assert key["deleted_at"] is None, f"{key['id']} was deleted, and nobody asked for such keys"


@schemathesis.hook
def before_load_schema(context, document):
    paths, components = document["paths"], document["components"]
    schemas = components["schemas"]
    keys, key = paths["/org/api_keys"], paths["/org/api_keys/{id}"]
    parameters = {parameter["name"]: parameter["schema"] for parameter in keys["get"]["parameters"]}
    create = schemas["CreateApiKeyRequest"]

    # The bounds of paging are in prose only; an offset is a 64-bit number.
    parameters["limit"]["minimum"] = 1
    parameters["offset"].update(minimum=0, maximum=2**63 - 1)

    # A parameter that is out of bounds is a bad request, which no GET declares.
    for operation in keys["get"], key["get"]:
        operation["responses"]["400"] = {"$ref": "#/components/responses/BadRequest"}

    # An id that is empty names no project.
    create["properties"]["project_id"]["minLength"] = 1

    # A permission for nothing, or on nothing, is a mistake.
    for text in schemas["ApiKeyPolicyStatement"]["properties"].values():
        text["pattern"] = r"\S"

    # An exact expiry is a time to come.
    create["properties"]["expires_at"]["pattern"] = (
        "^2[1-9][0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
        "T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$"
    )
    # It excludes a lifetime in days, which the document says in prose only.
    create["not"] = {
        "required": ["days_to_expire", "expires_at"],
        "properties": {"days_to_expire": {"type": "integer"}, "expires_at": {"type": "string"}},
    }
