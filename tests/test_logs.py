"""Logs: one line per event, with its ids, without personal data, on standard error alone."""

import asyncio
import json
import logging
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest
import structlog
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Replayer, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from config.logs import LogContext, configure, redact, telemetry, temporal_ids
from config.settings import LogFormat, Settings
from domain.events import PaymentReceived
from trial.servers import free_port, temporal_dev_server

with workflow.unsafe.imports_passed_through():
    from workflows.logs import workflow_logger


@activity.defn
async def speak() -> None:
    """Says one line through structlog."""
    structlog.get_logger("tests.activity").info("spoken", email="a@b.test")


@workflow.defn
class Talking:
    """Logs before and after an activity."""

    @workflow.run
    async def run(self) -> None:
        """Says two lines, and one that is below the level."""
        log = workflow_logger(component="dunning")
        log.info("begun", step="D+2")
        log.debug("unheard")
        await workflow.execute_activity(speak, start_to_close_timeout=timedelta(seconds=10))
        log.warning("ended", legal_name="Dupont")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Puts the process's logging back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    kept = structlog.get_config()
    yield
    root.handlers, root.level = handlers, level
    structlog.configure(**kept)


def lines(captured: str) -> list[dict[str, object]]:
    """Reads JSON log lines."""
    return [json.loads(line) for line in captured.splitlines()]


def test_json_lines_go_to_standard_error_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """A line of ours and one of a library have the same shape, and standard output stays empty."""
    configure(LogFormat.JSON, "info")
    structlog.get_logger("relance.tests").info("taken", count=2)
    logging.getLogger("library").warning("slow by %d s", 3)
    logging.getLogger("library").debug("unheard")
    captured = capsys.readouterr()
    assert captured.out == ""
    ours, theirs = lines(captured.err)
    assert (ours["event"], ours["count"], ours["logger"], ours["level"]) == (
        "taken",
        2,
        "relance.tests",
        "info",
    )
    assert (theirs["event"], theirs["logger"], theirs["level"]) == ("slow by 3 s", "library", "warning")
    assert str(ours["timestamp"]).endswith("Z")


def test_text_lines_are_readable(capsys: pytest.CaptureFixture[str]) -> None:
    """In text format a line is no JSON, and carries no colour codes where nobody looks at a terminal."""
    configure(LogFormat.TEXT, "info")
    structlog.get_logger("relance.tests").info("taken", invoice="F-1")
    err = capsys.readouterr().err
    assert "taken" in err
    assert "invoice=F-1" in err
    assert "\x1b" not in err


@pytest.mark.parametrize(
    "key",
    [
        "email",
        "name",
        "legal_name",
        "address",
        "body",
        "subject",
        "iban",
        "reply_to",
        "smtp_password",
        "Phone",
    ],
)
def test_personal_keys_are_dropped(key: str) -> None:
    """A key that may carry a name, an address, a text or a secret never reaches a line, at any depth."""
    event = redact(
        None, "info", {"event": "x", key: "secret", "inner": {"deep": [{key: "secret", "kept": 1}]}}
    )
    assert event == {"event": "x", "inner": {"deep": [{"kept": 1}]}}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("550 <jean.dupont@example.test> unknown", "550 <[removed]> unknown"),
        ("to FR76 3000 6000 0112 3456 7890 189, today", "to [removed], today"),
        ("FA2026000000001234", "FA2026000000001234"),
        ("FR7630006000011234567890189", "[removed]"),
        ("invoice F-2026-0412 of 12.30", "invoice F-2026-0412 of 12.30"),
    ],
)
def test_texts_are_scrubbed(text: str, left: str) -> None:
    """Mail addresses and IBANs inside a text are removed, invoice numbers are not."""
    assert redact(None, "info", {"event": text})["event"] == left


def test_faults_do_not_tell_what_they_were_given(capsys: pytest.CaptureFixture[str]) -> None:
    """The traceback of a refused model shows where it failed, but not the refused value."""
    configure(LogFormat.JSON, "info")
    log = structlog.get_logger("relance.tests")
    person = "Dupont Jean".swapcase()  # the traceback shows this code, so it must not show the value
    try:
        PaymentReceived.model_validate({"reference": {"name": person}})
    except ValueError:
        log.exception("refused")
    (line,) = lines(capsys.readouterr().err)
    assert "test_faults_do_not_tell" in str(line["exception"])
    assert "dUPONT jEAN" not in str(line)


def test_ids_name_the_invoice() -> None:
    """The id of a case's workflow becomes its creditor and its invoice on the line."""
    details = {"workflow_id": "invoice:acme:F-1", "run_id": "r", "attempt": 2, "namespace": "default"}
    event = temporal_ids(None, "info", {"event": "x", "temporal_workflow": details})
    assert event == {
        "event": "x",
        "workflow_id": "invoice:acme:F-1",
        "run_id": "r",
        "attempt": 2,
        "creditor": "acme",
        "invoice": "F-1",
    }


async def test_a_run_logs_each_event_once_with_its_ids(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """On a real server a run and its activity log one line per event, a replay none, and no personal data."""
    configure(LogFormat.JSON, "info")
    invoice = f"F-{uuid.uuid4().hex[:8]}"
    runner = SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules("config", "domain", "structlog")
    )
    async with temporal_dev_server(None, 0, None, tmp_path / "temporal.log", time_skipping=False) as server:
        client = await Client.connect(server.address)
        worker = Worker(
            client,
            task_queue="logs",
            workflows=[Talking],
            activities=[speak],
            interceptors=[LogContext()],
            workflow_runner=runner,
            max_cached_workflows=0,  # every task replays the whole history
        )
        async with worker:
            handle = await client.start_workflow(Talking.run, id=f"invoice:acme:{invoice}", task_queue="logs")
            await asyncio.wait_for(handle.result(), 20)
        history = await handle.fetch_history()
    await Replayer(workflows=[Talking], workflow_runner=runner).replay_workflow(history)
    captured = capfd.readouterr()
    assert captured.out == ""
    spoken = [
        line for line in lines(captured.err) if line["event"] in {"begun", "spoken", "ended", "unheard"}
    ]
    assert [line["event"] for line in spoken] == ["begun", "spoken", "ended"]
    assert {line["workflow_id"] for line in spoken} == {f"invoice:acme:{invoice}"}
    assert {line["run_id"] for line in spoken} == {handle.first_execution_run_id}
    assert {line["invoice"] for line in spoken} == {invoice}
    assert spoken[0]["component"] == "dunning"
    assert spoken[1]["activity_type"] == "speak"
    assert spoken[1]["attempt"] == 1
    assert "Dupont" not in captured.err
    assert "a@b.test" not in captured.err


async def test_telemetry_serves_metrics_where_it_is_told(tmp_path: Path) -> None:
    """With `metrics_bind` the runtime answers a Prometheus scrape with the client's own counters."""
    bind = f"127.0.0.1:{free_port()}"
    runtime = telemetry(Settings(metrics_bind=bind))
    async with temporal_dev_server(None, 0, None, tmp_path / "temporal.log") as server:
        await Client.connect(server.address, runtime=runtime)
        page = await asyncio.to_thread(lambda: urlopen(f"http://{bind}/metrics").read().decode())
    assert "temporal_request_total" in page
    assert 'service="relance"' in page
