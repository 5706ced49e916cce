"""The description of the API: true, and kept by what answers.

In: requests made up from the OpenAPI document, bounded, and the examples of commands.
Not in: the examples of events, which test_events.py sends.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import httpx2
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.result import Ok

from console.api.description import EXAMPLES
from intake.readers.cloudevents import SPOKEN
from tests.api.conftest import ON_ONE_DATABASE, Interface

MADE_UP = 3
"""How many requests are made up for each address, right and wrong ones: the gist in seconds."""

load_all_checks()
SHAPE = CHECKS.get_by_names(
    ["status_code_conformance", "content_type_conformance", "response_schema_conformance"]
)
REFUSED = CHECKS.get_by_names(["negative_data_rejection"])

Send = Callable[[Case[Any]], httpx2.Response]


def _case_of(operation: Any) -> dict[str, Any] | None:
    """Names an invoice that is there; other parts of addresses are made up."""
    return {"creditor": "acme", "number": "F-1"} if "{number}" in operation.path else None


def tried(operation: Any, mode: GenerationMode, send: Send) -> None:
    """Makes requests up for one address and checks what answers them."""
    # A batch is answered event by event: a wrong one does not refuse it.
    strict = mode is GenerationMode.NEGATIVE and operation.path != "/events"
    checks: Any = SHAPE + (REFUSED if strict else [])

    @settings(
        max_examples=MADE_UP,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    @given(case=operation.as_strategy(generation_mode=mode, path_parameters=_case_of(operation)))
    def one(case: Case[Any]) -> None:
        answer = send(case)
        assert answer.status_code != httpx2.codes.INTERNAL_SERVER_ERROR
        case.validate_response(answer, checks=checks)

    with suppress(Unsatisfiable):  # what takes no parameters cannot be asked wrongly
        one()


@ON_ONE_DATABASE
async def test_what_is_described_is_what_answers(interface: Interface) -> None:
    """Whatever is asked, the answer has a status, a media type and a shape that the document names."""
    await interface.bill("F-1")
    document = {name: part for name, part in interface.app.openapi().items() if name != "security"}
    operations = schemathesis.openapi.from_dict(document).get_all_operations()
    loop, shown = asyncio.get_running_loop(), await interface.usual()

    def send(case: Case[Any]) -> httpx2.Response:
        facts = case.as_transport_kwargs(base_url="http://api.test")
        asked = interface.client.request(
            facts["method"],
            facts["url"],
            params=facts.get("params"),
            headers=dict(facts["headers"]) | shown,
            content=json.dumps(facts["json"]) if "json" in facts else facts.get("data"),
        )
        return asyncio.run_coroutine_threadsafe(asked, loop).result(20)

    for found in operations:
        assert isinstance(found, Ok)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            await asyncio.to_thread(tried, found.ok(), mode, send)


@ON_ONE_DATABASE
async def test_the_document_knows_every_event(interface: Interface) -> None:
    """Every type of event is described, with money as text."""
    document = interface.app.openapi()
    schemas = document["components"]["schemas"]
    assert {one["title"] for one in schemas["CloudEvent"]["oneOf"]} == set(SPOKEN)
    assert schemas["InvoiceCreatedData"]["properties"]["total"]["type"] == "string"
    assert '"type": "number"' not in json.dumps(schemas)
    served = (await interface.client.get("/openapi.json")).json()
    assert served["paths"].keys() == document["paths"].keys()


@ON_ONE_DATABASE
async def test_the_examples_of_commands_are_obeyed(interface: Interface) -> None:
    """Every example of a command is taken, on an invoice of its own; orders are where Temporal is."""
    interface.office.clock = lambda: datetime(2026, 11, 23, 9, tzinfo=UTC)
    for name in ("creditor", "customer"):
        await interface.send(EXAMPLES[name])
    paths = interface.app.openapi()["paths"]
    for path in (path for path in paths if "{number}/" in path):
        command = path.rpartition("/")[2]
        of = "dispute" if command == "end-agreement" else command
        invoice = EXAMPLES["invoice"]
        await interface.send(invoice | {"id": of, "data": invoice["data"] | {"number": of}})
        example = paths[path]["post"]["requestBody"]["content"]["application/json"]["example"]
        answer = await interface.post(f"/invoices/maree/{of}/{command}", example)
        assert answer.status_code in {200, 503}, (command, answer.text)
