"""The OpenAPI 3.1 document, generated from the table of endpoints and the models that validate the requests."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.web.endpoint import Endpoint
from gateway.web.problem import CONTENT_TYPE

_REF = "#/components/schemas/{model}"
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "problem": {"type": "string"}},
            },
        },
    },
}


def document(endpoints: Iterable[Endpoint], version: str) -> dict[str, Any]:
    """The whole document. Plain values, ready for json.dumps."""
    table = list(endpoints)
    wanted = {(model, mode) for one in table for model, mode in _models(one) if model is not None}
    ordered = sorted(wanted, key=lambda pair: (pair[0].__name__, pair[1]))
    refs, schemas = models_json_schema(ordered, ref_template=_REF)  # type: ignore[arg-type]
    queries = [one.query.model_json_schema(ref_template=_REF) for one in table if one.query]
    named = {name: schema for query in queries for name, schema in query.get("$defs", {}).items()}
    paths: dict[str, dict[str, Any]] = {}
    for one in table:
        path = re.sub(r"\{(\w+):[^}]*\}", r"{\1}", one.path)
        paths.setdefault(path, {})[one.method.lower()] = _operation(one, refs)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Carrier gateway", "version": version, "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {
            "schemas": {**named, **schemas.get("$defs", {}), "Problem": _PROBLEM},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(one: Endpoint, refs: Any) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "tags": [one.tag],
        "summary": one.summary,
        "operationId": f"{one.method.lower()}{re.sub(r'[^A-Za-z0-9]+', '_', one.path)}",
        "parameters": [*_path_parameters(one.path), *_query_parameters(one.query), *_header_parameters(one)],
        "responses": {
            **{
                str(status): {"description": HTTPStatus(status).phrase, **_answers(one, model, refs)}
                for status, model in ((one.status, one.answers), *one.also)
            },
            "default": {
                "description": "A problem document (RFC 9457)",
                "content": {CONTENT_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}},
            },
        },
    }
    taken = one.body or one.reads
    if taken is not None:
        operation["requestBody"] = {"required": True, **_content(refs[(taken, "validation")])}
    if one.role is not None:
        operation["security"] = [{"key": []}]
        operation["description"] = f"Role: {one.role.name.lower()} or above."
    return operation


def _models(one: Endpoint) -> list[tuple[type[BaseModel] | None, str]]:
    return [
        (one.body, "validation"),
        (one.reads, "validation"),
        *((model, "serialization") for _, model in ((0, one.answers), *one.also)),
    ]


def _content(schema: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _answers(one: Endpoint, model: type[BaseModel] | None, refs: Any) -> dict[str, Any]:
    """A stream is documented by what each of its events holds, a list also as a table."""
    schema = refs[(model, "serialization")] if model else {}
    content = {one.media: {"schema": schema}} if model or one.media != "application/json" else {}
    table = {"text/csv": {"schema": {"type": "string"}}} if one.lists else {}
    return {"content": {**content, **table}} if content or table else {}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    names = re.findall(r"\{(\w+)", path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(model: type[BaseModel] | None) -> list[dict[str, Any]]:
    schema = model.model_json_schema(ref_template=_REF) if model else {}
    needed = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": field}
        for name, field in schema.get("properties", {}).items()
    ]


def _header_parameters(one: Endpoint) -> list[dict[str, Any]]:
    names = [("Idempotency-Key", one.once), ("If-Match", one.method == "PUT")]
    return [
        {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}
        for name, takes in names
        if takes
    ]
