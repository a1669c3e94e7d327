"""A document of an invented service, as large as one likes; the same number, the same document.

A resource has eight operations: a list with pages, create, get, update, delete, an action, a search,
and in turn an upload or a stream of events. Its schemas have what those of large services have: many
fields, bounds, lists, maps, null, objects in place, `allOf`, choices with and without a
discriminator, and references to the schemas of other resources, so that almost every type can reach
almost every other.
"""

import random

WORDS = """account agent alert archive asset balance batch billing branch budget bundle
campaign capture card catalog channel charge claim cluster comment commit contact contract coupon
credit customer dashboard dataset delivery deployment device discount dispute document domain draft
endpoint engine entity entry environment event export facility feature feed folder forecast gateway
group handler health history image import index insight instance invoice issue item job journal key
label layer ledger license limit listing location lock machine mandate margin market member message
meter metric milestone model module monitor network note notice object offer option order package
page partner patch payment payout period permit person pipeline plan policy pool position price
product profile program project promotion proposal provider quota quote rate reader receipt record
refund region release reminder report review reward role route rule sample schedule schema
scope search secret segment sensor session shipment signal site snapshot source stage statement
station stock storage stream subject subscription summary supplier survey tag target task tax
team template tenant term test thread ticket token topic trace transfer trigger unit update upload
usage user value vault vendor version view visit volume warehouse webhook widget worker zone""".split()

FIELDS = """amount area balance_due category code color count country currency depth duration email
external_id family first_name format frequency grade height host interval language last_name latitude
level locale longitude mode name notes number origin owner path phone port priority quantity
range rank ratio reason reference score sequence serial size slug source state step subject summary
symbol target threshold timezone title total url usage value variant vendor weight width zone""".split()


def schema(name):
    return {"$ref": f"#/components/schemas/{name}"}


def json(of, description="What there is."):
    return {"description": description, "content": {"application/json": {"schema": of}}}


class Service:
    def __init__(self, operations):
        self.dice = random.Random(2026)
        count = -(-operations // 8)
        pairs = [(a, b) for a in WORDS for b in WORDS if a != b]
        names = [(word, "") for word in WORDS] + self.dice.sample(pairs, max(0, count - len(WORDS)))
        self.resources = [tuple(filter(None, pair)) for pair in names[:count]]
        self.entities = ["".join(word.capitalize() for word in words) for words in self.resources]
        self.schemas = {
            "Problem": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "details": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
                },
            },
            "Money": {
                "type": "object",
                "required": ["amount", "currency"],
                "properties": {
                    "amount": {"type": "integer", "format": "int64", "minimum": 0},
                    "currency": {"type": "string", "minLength": 3, "maxLength": 3, "pattern": "^[A-Z]{3}$"},
                },
            },
            "Meta": {
                "type": "object",
                "required": ["id", "created_at"],
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "created_at": {"type": "string", "format": "date-time"},
                    "updated_at": {"type": ["string", "null"], "format": "date-time"},
                },
            },
        }
        self.paths = {}
        self.left = operations
        for number, words in enumerate(self.resources):
            self.resource(number, words)

    def field(self, depth=0):
        """The schema of one field, of all kinds that occur."""
        dice = self.dice
        choice = dice.randrange(20 if depth == 0 else 14)
        words = f"The {dice.choice(FIELDS).replace('_', ' ')} of this, as the service knows it."
        if choice < 4:
            return {"type": "string", "description": words, "minLength": 1, "maxLength": dice.choice([40, 80, 255])}
        if choice < 6:
            return {"type": "integer", "description": words, "minimum": 0, "maximum": dice.choice([100, 1000])}
        if choice == 6:
            return {"type": "number", "description": words}
        if choice == 7:
            return {"type": "boolean", "description": words, "default": False}
        if choice == 8:
            return {"type": ["string", "null"], "description": words}
        if choice == 9:
            return {"type": "string", "format": "date-time", "description": words}
        if choice == 10:
            values = dice.sample(FIELDS, dice.randrange(3, 7))
            return {"type": "string", "enum": values, "description": words}
        if choice == 11:
            return {"type": "array", "maxItems": 50, "items": {"type": "string", "maxLength": 64}, "description": words}
        if choice == 12:
            return {"type": "object", "additionalProperties": {"type": "string"}, "description": words}
        if choice == 13:
            return schema("Money")
        if choice < 17:
            return schema(dice.choice(self.entities))
        if choice == 17:
            return {"type": "array", "items": schema(dice.choice(self.entities))}
        if choice == 18:
            return {"anyOf": [schema(dice.choice(self.entities)), {"type": "null"}], "description": words}
        return self.object(dice.randrange(2, 6), 1)

    def object(self, fields, depth=0):
        names = self.dice.sample(FIELDS, fields)
        return {
            "type": "object",
            "description": "Some of what belongs together here.",
            "required": names[: fields // 3],
            "properties": {name: self.field(depth) for name in names},
        }

    def add(self, path, method, operation):
        if self.left == 0:
            return
        self.left -= 1
        operation["responses"]["default"] = json(schema("Problem"), "What went wrong.")
        self.paths.setdefault(path, {})[method] = operation

    def resource(self, number, words):
        dice, entity = self.dice, self.entities[number]
        noun = " ".join(words)
        path, one = f"/{'_'.join(words)}s", f"/{'_'.join(words)}s/{{id}}"
        place = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}, "description": "Which one."}
        self.schemas[entity] = {
            "description": f"One {noun}.",
            "allOf": [schema("Meta"), self.object(dice.randrange(8, 20))],
        }
        self.schemas[f"Create{entity}"] = self.object(dice.randrange(5, 12), 1)
        self.schemas[f"Update{entity}"] = self.object(dice.randrange(5, 12), 1)
        kinds = [f"{entity}{kind}" for kind in ("Started", "Changed", "Failed")]
        for kind in kinds:
            change = self.object(dice.randrange(2, 6), 1)
            change["properties"]["type"] = {"type": "string", "const": kind}
            change["required"].append("type")
            self.schemas[kind] = change
        self.schemas[f"{entity}Change"] = {
            "description": f"What can happen to one {noun}.",
            "oneOf": [schema(kind) for kind in kinds],
            "discriminator": {"propertyName": "type"},
        }
        self.schemas[f"{entity}Filter"] = {
            "description": "A name, names, or conditions.",
            "oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, self.object(4, 1)],
        }

        def operation(summary, responses, parameters=(), body=None, media="application/json"):
            made = {"tags": ["_".join(words)], "summary": f"{summary} {noun}", "responses": responses}
            made["description"] = f"{summary} {noun}, under the account that the credentials belong to."
            if parameters:
                made["parameters"] = list(parameters)
            if body:
                made["requestBody"] = {"required": True, "content": {media: {"schema": body}}}
            return made

        def query(name, of):
            return {"name": name, "in": "query", "schema": of, "description": f"Select by {name}."}

        page = json({"type": "array", "items": schema(entity)})
        page["headers"] = {name: {"schema": {"type": of}} for name, of in (("X-Has-More", "boolean"), ("X-Next-Offset", "integer"))}
        filters = [query("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20})]
        filters.append(query("offset", {"type": "integer", "minimum": 0, "default": 0}))
        filters.append(query("order", {"type": "string", "enum": ["asc", "desc"]}))
        filters.extend(query(name, {"type": "string"}) for name in dice.sample(FIELDS, 3))
        self.add(path, "get", operation("List each", {"200": page}, filters))
        self.add(path, "post", operation("Create a", {"201": json(schema(entity))}, body=schema(f"Create{entity}")))
        self.add(one, "get", operation("Get a", {"200": json(schema(entity))}, [place]))
        self.add(one, "patch", operation("Update a", {"200": json(schema(entity))}, [place], schema(f"Update{entity}")))
        self.add(one, "delete", operation("Delete a", {"204": {"description": "It is gone."}}, [place]))
        act = self.object(dice.randrange(2, 6), 1)
        self.add(f"{one}/{dice.choice(['start', 'close', 'approve'])}", "post",
                 operation("Act on a", {"200": json(schema(f"{entity}Change"))}, [place], act))
        search = {"type": "object", "required": ["filter"], "properties": {"filter": schema(f"{entity}Filter"), "take": {"type": "integer", "minimum": 1}}}
        self.add(f"{path}/search", "post", operation("Search for a", {"200": json({"type": "array", "items": schema(entity)})}, body=search))
        if number % 2:
            form = {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}, "name": {"type": "string"}}}
            self.add(f"{one}/file", "put", operation("Upload the file of a", {"200": json(schema(entity))}, [place], form, "multipart/form-data"))
        else:
            events = {"200": {"description": "As they happen.", "content": {"text/event-stream": {"schema": schema(f"{entity}Change")}}}}
            self.add(f"{one}/events", "get", operation("Follow a", events, [place]))

    def document(self):
        return {
            "openapi": "3.1.0",
            "info": {"title": "An invented service", "version": "1"},
            "servers": [{"url": "https://service.example"}],
            "paths": self.paths,
            "components": {"schemas": self.schemas},
        }


def document(operations):
    """OpenAPI 3.1, as a value, with exactly so many operations."""
    return Service(operations).document()
