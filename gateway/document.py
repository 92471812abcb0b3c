"""Writes the page about the API from its OpenAPI document: ``python -m gateway.document > docs/api.md``."""

import json
import sys
from collections.abc import Iterator
from typing import Any

from gateway.app import create_app
from gateway.settings import GatewaySettings

Schema = dict[str, Any]
INTRODUCTION = """# The API

Written from the gateway's OpenAPI document by `python -m gateway.document > docs/api.md`; do not edit. A running
gateway shows the same at `/docs`, where *Authorize* takes a token and each route can be tried. [The job
service](service.md) tells how jobs go.

Send `Authorization: Bearer TOKEN`; `sluice token` prints one of this machine. A token names an organization and a
role: viewer, operator or admin, each of which may also do what those before it may. Every answer in JSON is

    {"success": true, "message": "...", "data": ...}

and where it fails

    {"success": false, "message": "...", "data": null, "error": {"status": 404, "detail": "...", ...}}

`error` holds [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problem details: besides these `title`, `type`,
`instance`, `category`, `errors` (each wrong field, and why) and `facts` (what a program would want to know).
What is of another organization is answered as if it were not there. Nothing but 429 and 503 is worth sending
again as it is: wait as long as `Retry-After` says.
"""


def page(document: Schema) -> str:
    """The page, in Markdown."""
    return "\n".join([INTRODUCTION, *_routes(document), *_models(document)]) + "\n"


def _routes(document: Schema) -> Iterator[str]:
    seen = ""
    for path, methods in sorted(
        document["paths"].items(), key=lambda one: (_tag(next(iter(one[1].values()))), one[0])
    ):
        for method, route in methods.items():
            if seen != _tag(route):
                seen = _tag(route)
                yield f"## {seen.capitalize()}\n"
            yield from _route(document, method.upper(), path, route)


def _route(document: Schema, method: str, path: str, route: Schema) -> Iterator[str]:
    yield f"### {method} {path}\n"
    yield f"{route.get('description', '').strip()}\n"
    yield f"Who may: {_who(path, route)}.\n"
    if rows := list(_parameters(route)):
        yield from ("| parameter | in | type | |", "| --- | --- | --- | --- |", *rows, "")
    for kind, content in route.get("requestBody", {}).get("content", {}).items():
        named = _named(content["schema"]) if kind == "application/json" else ""
        yield f"Body: `{kind}`{named}\n"
        if kind == "application/json":
            yield f"    {json.dumps(_example(document, content['schema']))}\n"
        elif "$ref" in content["schema"]:
            yield from _fields(_model(document, content["schema"]))
    for status, answer in sorted(route["responses"].items()):
        if int(status) < 300:
            yield f"Answers {status}{_answered(document, answer)}"
    refused = [status for status in sorted(route["responses"]) if int(status) >= 400]
    yield f"\nErrors: {', '.join(refused) or 'none'}\n"


def _answered(document: Schema, answer: Schema) -> str:
    for kind, content in answer.get("content", {}).items():
        schema = content.get("schema", {})
        if kind == "application/json" and "$ref" in schema:
            data = _model(document, schema)["properties"].get("data", {})
            return f", `data`{_named(data)}" if _named(data) else ""
        return f": `{kind}`"
    return ""


def _who(path: str, route: Schema) -> str:
    for demands in route.get("security", []):
        return f"{''.join(*demands.values())} and above"
    if path.startswith("/api/uploads/"):
        return "who has the signed URL; no token is needed"
    return (
        "who signs with the webhook's secret" if path.endswith(("/callback", "/github/webhook")) else "anyone"
    )


def _parameters(route: Schema) -> Iterator[str]:
    for one in route.get("parameters", []):
        text = one.get("description") or one["schema"].get("description", "")
        name = f"`{one['name']}`" + (" (required)" if one["required"] and one["in"] != "path" else "")
        yield f"| {name} | {one['in']} | {_type(one['schema'])} | {text} |"


def _models(document: Schema) -> Iterator[str]:
    yield "## Values\n"
    yield "| error | when |\n| --- | --- |"
    told = {
        status: answer["description"]
        for methods in document["paths"].values()
        for route in methods.values()
        for status, answer in route["responses"].items()
        if int(status) >= 400
    }
    yield from (f"| {status} | {text} |" for status, text in sorted(told.items()))
    for name, model in sorted(document["components"]["schemas"].items()):
        if not name.startswith(("Envelope", "Body_", "Failure", "HTTPValidation", "ValidationError")):
            yield f"\n### {name}\n\n{model.get('description', '').strip()}\n"
            yield from _fields(model)


def _fields(model: Schema) -> Iterator[str]:
    yield "| field | type | |\n| --- | --- | --- |"
    needed = model.get("required", [])
    for name, field in model.get("properties", {}).items():
        text = field.get("description", "")
        if field.get("default") not in (None, "", [], {}):
            text = f"{text} Default: `{json.dumps(field['default'])}`.".strip()
        yield f"| `{name}`{' (required)' if name in needed else ''} | {_type(field)} | {text} |"
    yield ""


def _type(schema: Schema) -> str:
    """The type in words: a model by its link."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema or "oneOf" in schema:
        kinds = schema.get("anyOf") or schema["oneOf"]
        return " or ".join("none" if one.get("type") == "null" else _type(one) for one in kinds)
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if schema.get("format") in ("binary", "date-time") or schema.get("contentMediaType"):
        return "moment" if schema.get("format") == "date-time" else "file"
    return str(schema.get("type", "any"))


def _named(schema: Schema) -> str:
    return f": {_type(schema)}" if "$ref" in schema else ""


def _model(document: Schema, schema: Schema) -> Schema:
    found: Schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def _example(document: Schema, schema: Schema) -> Any:
    """A value of the schema: its own example, else of what it can't do without."""
    if given := schema.get("examples"):
        return given[0]
    if "$ref" in schema:
        return _example(document, _model(document, schema))
    if kinds := schema.get("anyOf") or schema.get("oneOf"):
        return _example(document, kinds[0])
    if schema.get("type") == "object":
        needed = schema.get("required", [])
        chosen = {name: field for name, field in schema.get("properties", {}).items() if name in needed}
        return {name: _example(document, field) for name, field in chosen.items()}
    if schema.get("type") == "array":
        return [_example(document, schema["items"])]
    return schema.get("const") or schema.get("default") or (schema.get("enum") or ["..."])[0]


def _tag(route: Schema) -> str:
    return str(route.get("tags", ["other"])[0])


if __name__ == "__main__":
    sys.stdout.write(page(create_app(GatewaySettings()).openapi()))
