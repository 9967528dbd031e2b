"""The API's description: OpenAPI, and a page of it that needs nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse, Response
from jinja2 import Environment, StrictUndefined, Template

from api.problems import MEDIA_TYPE
from api.routes import LanguageHere
from api.schemas import ProblemOut
from kb.messages import catalogue, message

router = APIRouter(include_in_schema=False)

_METHODS = ("get", "post", "patch", "delete")
_GENERATED = ("HTTPValidationError", "ValidationError")


@router.get("/openapi.json")
def openapi(request: Request) -> JSONResponse:
    """Return the OpenAPI description."""
    return JSONResponse(description(request.app))


@router.get("/docs/reference.css")
def style() -> Response:
    """Return the style sheet of the reference."""
    return Response((files("api") / "reference.css").read_bytes(), media_type="text/css")


@router.get("/docs")
def page(request: Request, language: LanguageHere) -> HTMLResponse:
    """Show the description as a page."""
    described = description(request.app)
    schemas = described["components"]["schemas"]
    operations = [
        _operation(method, path, operation, schemas, language)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
        if method in _METHODS
    ]
    html = _template().render(
        language=language,
        t=lambda key: message(f"api.{key}", language),
        version=request.app.version,
        operations=operations,
        problems=_problems(language),
    )
    return HTMLResponse(html, headers={"Content-Language": language, "Vary": "Accept-Language"})


def description(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI description with problems as they are really answered."""
    if app.openapi_schema is not None:
        return app.openapi_schema
    described = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    schemas = described["components"]["schemas"]
    for name in _GENERATED:
        schemas.pop(name, None)
    problem = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= {**problem.pop("$defs", {}), "ProblemOut": problem}
    answer = {
        "description": ProblemOut.__doc__,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}},
    }
    for methods in described["paths"].values():
        for operation in methods.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = answer
    app.openapi_schema = described
    return described


@dataclass(frozen=True, slots=True)
class _Field:
    """A parameter or a key of a body, as the page shows it."""

    name: str
    where: str
    kind: str
    required: bool


@dataclass(frozen=True, slots=True)
class _Operation:
    """An operation, as the page shows it."""

    id: str
    method: str
    path: str
    summary: str
    fields: tuple[_Field, ...]
    answer: str


def _operation(
    method: str, path: str, operation: Mapping[str, Any], schemas: Mapping[str, Any], language: str
) -> _Operation:
    shown = [
        _Field(
            parameter["name"],
            parameter["in"],
            _kind(parameter["schema"]),
            parameter.get("required", False),
        )
        for parameter in operation.get("parameters", ())
    ]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = _resolved(content["schema"], schemas)
        shown += [
            _Field(name, "body", _kind(value), name in schema.get("required", ()))
            for name, value in schema["properties"].items()
        ]
    success: Mapping[str, Any] = next(
        (answer for status, answer in operation["responses"].items() if status.startswith("2")), {}
    )
    schema = success.get("content", {}).get("application/json", {}).get("schema", {})
    identifier = operation["operationId"]
    return _Operation(
        id=identifier,
        method=method.upper(),
        path=path,
        summary=message(f"api.operation.{identifier}", language),
        fields=tuple(shown),
        answer=json.dumps(_example(schema, schemas), indent=2, ensure_ascii=False)
        if schema
        else "",
    )


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return schemas[name] if name else schema


def _kind(schema: Mapping[str, Any]) -> str:
    """Return a type as it is read: ``string | string[] | null``."""
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_kind(option) for option in schema["anyOf"]))
    if schema.get("type") == "array":
        inner = _kind(schema["items"])
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    return str(schema.get("format") or schema.get("type") or "object")


def _example(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> object:
    """Return the shape of an answer: keys with the types of their values."""
    schema = _resolved(schema, schemas)
    if "anyOf" in schema:
        referred = [option for option in schema["anyOf"] if "$ref" in option]
        return _example(referred[0], schemas) if referred else _kind(schema)
    if "properties" in schema:
        return {name: _example(value, schemas) for name, value in schema["properties"].items()}
    if schema.get("type") == "array":
        return [_example(schema["items"], schemas)]
    if "enum" in schema:
        return " | ".join(schema["enum"])
    return _kind(schema)


def _problems(language: str) -> list[tuple[str, str]]:
    """Return the code and text of every error, with its placeholders as they stand."""
    return [
        (key.removeprefix("error."), texts[language])
        for key, texts in sorted(catalogue().items())
        if key.startswith("error.") and not key.startswith("error.evaluation")
    ]


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string((files("api") / "reference.html").read_text(encoding="utf-8"))
