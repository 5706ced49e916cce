"""How the API describes itself: OpenAPI 3.1, with examples that the tests send.

In: the body of the door for events, the problems that an address answers with, the schemas of our events
    with money as text.
Not in: the addresses (events.py, invoices.py, commands.py, hooks.py), the page for people (docs/api.md).
"""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from console.api.problems import MEDIA_TYPE, Problem
from intake.readers.cloudevents import MOST_EVENTS, SPOKEN
from intake.readers.rows import TYPES

MONEY = r"^\s*\+?\d{1,12}(\.\d{0,2})?\s*$"
ABOVE_ZERO = r"^\s*\+?(?!0+(\.0{0,2})?\s*$)\d{1,12}(\.\d{0,2})?\s*$"
REF = "#/components/schemas/"
LIMITS = f"""\
Events come in as CloudEvents 1.0, by `POST /v1/events`, and are taken in once by who sends them, their source
and their id. Money is a string such as `"1840.00"`, never a number. Every error is problem details (RFC 9457)
that point at the field.

Limits: a body has at most 10 MB and comes within 30 s; a batch holds at most {MOST_EVENTS:,} events, and more
than 100 are worked off after the answer (202); ids and sources have at most 200 characters; a signature is
good for 5 minutes; events are remembered for 90 days.
"""

EXAMPLES: dict[str, dict[str, Any]] = {
    "creditor": {
        "specversion": "1.0",
        "id": "c-1",
        "source": "/erp/maree",
        "type": "relance.creditor.registered",
        "data": {
            "creditor": {
                "id": "maree",
                "legal_name": "Ateliers de la Marée SAS",
                "siren": "732829320",
                "address": {"lines": ["12 quai des Chartrons"], "postcode": "33000", "city": "Bordeaux"},
                "email": "comptabilite@maree.example",
                "iban": "FR1420041010050500013M02606",
                "policy": "french-b2b",
            }
        },
    },
    "customer": {
        "specversion": "1.0",
        "id": "d-1",
        "source": "/erp/maree",
        "type": "relance.customer.registered",
        "data": {
            "debtor": {
                "creditor": "maree",
                "id": "verger",
                "legal_name": "Le Verger du Sud SARL",
                "contacts": [{"name": "Service comptabilité", "email": "factures@verger.example"}],
            }
        },
    },
    "invoice": {
        "specversion": "1.0",
        "id": "i-1",
        "source": "/erp/maree",
        "type": "relance.invoice.created",
        "time": "2026-11-20T09:30:00+01:00",
        "data": {
            "creditor": "maree",
            "number": "F-2026-0117",
            "debtor": "verger",
            "issue_date": "2026-11-20",
            "due_date": "2026-12-20",
            "total": "1840.00",
        },
    },
    "correction": {
        "specversion": "1.0",
        "id": "i-2",
        "source": "/erp/maree",
        "type": "relance.invoice.updated",
        "data": {
            "creditor": "maree",
            "number": "F-2026-0117",
            "debtor": "verger",
            "issue_date": "2026-11-20",
            "due_date": "2026-12-20",
            "total": "1740.00",
            "version": 2,
        },
    },
    "payment": {
        "specversion": "1.0",
        "id": "p-1",
        "source": "/erp/maree",
        "type": "relance.payment.received",
        "data": {
            "creditor": "maree",
            "reference": "VIR-2026-11-21-004",
            "invoice": "F-2026-0117",
            "amount": "500.00",
            "received_on": "2026-11-21",
        },
    },
    "credit note": {
        "specversion": "1.0",
        "id": "a-1",
        "source": "/erp/maree",
        "type": "relance.credit_note.issued",
        "data": {
            "creditor": "maree",
            "number": "AV-2026-0031",
            "invoice": "F-2026-0117",
            "issue_date": "2026-11-21",
            "total": "40.00",
        },
    },
    "dispute": {
        "specversion": "1.0",
        "id": "l-1",
        "source": "/erp/maree",
        "type": "relance.dispute.opened",
        "data": {
            "creditor": "maree",
            "agreement": {
                "id": "L-2026-04",
                "invoices": ["F-2026-0117"],
                "made_on": "2026-11-22",
                "until": "2026-12-22",
                "reason": "quantity",
                "amount": "200.00",
            },
        },
    },
    "cancellation": {
        "specversion": "1.0",
        "id": "x-1",
        "source": "/erp/maree",
        "type": "relance.invoice.cancelled",
        "data": {"creditor": "maree", "number": "F-2026-0117", "reason": "issued by mistake"},
    },
}
"""One event of each kind, in an order in which they can be sent."""


def _envelope() -> dict[str, Any]:
    text = {"type": "string", "minLength": 1, "maxLength": 200}
    kinds = {
        "oneOf": [
            {
                "type": "object",
                "title": name,
                "properties": {"type": {"const": name}, "data": {"$ref": f"{REF}{_data_of(name)}"}},
                "required": ["type", "data"],
            }
            for name in SPOKEN
        ]
    }
    return kinds | {
        "type": "object",
        "description": "A CloudEvent 1.0; `data` is what `starter.py take` reads, without its type.",
        "properties": {
            "specversion": {"const": "1.0"},
            "id": text,
            "source": text,
            "type": {"enum": list(SPOKEN)},
            "time": {"type": "string", "format": "date-time"},
            "subject": {"type": "string"},
            "datacontenttype": {"const": "application/json"},
            "data": {"type": "object"},
        },
        "required": ["specversion", "id", "source", "type", "data"],
    }


def _data_of(name: str) -> str:
    """Names the schema of the data of a type; a type that says something by itself has one of its own."""
    spoken = SPOKEN[name]
    model = TYPES[spoken.event].__name__
    return f"{model}Data"


EVENT_BODY: dict[str, Any] = {
    "required": True,
    "description": LIMITS,
    "content": {
        "application/cloudevents+json": {
            "schema": {"$ref": f"{REF}CloudEvent"},
            "examples": {name: {"summary": name, "value": value} for name, value in EXAMPLES.items()},
        },
        "application/cloudevents-batch+json": {
            "schema": {"type": "array", "items": {"$ref": f"{REF}CloudEvent"}, "minItems": 1},
            "examples": {"everything": {"summary": "everything", "value": list(EXAMPLES.values())}},
        },
    },
}

EVENT_PARAMETERS = [
    {
        "name": "sender",
        "in": "query",
        "required": False,
        "schema": {"type": "string", "maxLength": 64},
        "description": "Who signs, where a signature (Standard Webhooks) stands in place of a key.",
    }
]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describes the problems that an address answers with; 500 may come from any."""
    content = {MEDIA_TYPE: {"schema": {"$ref": f"{REF}Problem"}}}
    return {status: {"description": "A problem", "content": content} for status in (*statuses, 500)}


def body_of(model: type[BaseModel], example: Any) -> dict[str, Any]:
    """Describes a body that is read strictly (bodies.py) rather than by the framework."""
    DESCRIBED.append(model)
    content = {"schema": {"$ref": f"{REF}{model.__name__}"}, "example": example}
    return {"requestBody": {"required": bool(example), "content": {"application/json": content}}}


DESCRIBED: list[type[BaseModel]] = []
"""The models of bodies that the framework does not see."""


def command(model: type[BaseModel], example: Any, summary: str | None = None) -> dict[str, Any]:
    """Describes a command on an invoice."""
    return {
        "summary": summary,
        "responses": problems(400, 401, 403, 404, 408, 409, 413, 415, 422, 503),
        "openapi_extra": body_of(model, example),
    }


class MoneyAsText(GenerateJsonSchema):
    """Describes an amount of money as what it is in JSON: a string."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """Describes an amount."""
        above_zero = schema.get("gt") == 0
        return {"type": "string", "pattern": ABOVE_ZERO if above_zero else MONEY, "examples": ["1840.00"]}


def _event_schemas() -> dict[str, Any]:
    models: list[type[BaseModel]] = list(TYPES.values())
    _, definitions = models_json_schema(
        [(model, "validation") for model in models],
        ref_template=REF + "{model}",
        schema_generator=MoneyAsText,
    )
    found: dict[str, Any] = definitions["$defs"]
    for model in models:
        facts = found.pop(model.__name__)
        facts["properties"].pop("type", None)
        found[f"{model.__name__}Data"] = facts
    return found


def describe(app: FastAPI) -> None:
    """Has an application describe itself with our events and problems among its schemas."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title="Relance",
                version=app.version,
                summary="Collects unpaid business invoices: hand in facts, read cases, command them.",
                description=LIMITS,
                routes=app.routes,
            )
            schemas = document["components"]["schemas"]
            _, described = models_json_schema([(Problem, "serialization")], ref_template=REF + "{model}")
            _, bodies = models_json_schema(
                [(model, "validation") for model in dict.fromkeys(DESCRIBED)],
                ref_template=REF + "{model}",
                schema_generator=MoneyAsText,
            )
            schemas |= described["$defs"] | bodies["$defs"] | _event_schemas() | {"CloudEvent": _envelope()}
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            document["security"] = [{"key": []}]
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way
