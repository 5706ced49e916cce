"""No personal data leaves the record: a whole case on the real server, with everything that can go wrong.

What is searched is the complete history, with its payloads decoded, and every line that was logged.
"""

import asyncio
import base64
import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import structlog
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError

from config import logs
from config.sections import Folders, Smtp
from config.settings import LogFormat, Settings
from correspondence.wording import Wording
from domain.actions import CaseRef
from domain.events import CreditorRegistered, DebtorRegistered, InvoiceCreated
from ledger import desk, queries
from ledger.database import Database
from ledger.messages import State
from tests.domain import build
from tests.gate.blunt_server import blunt_server
from tests.patience import until
from trial.world import TICK, World, real_now, world
from workflows.ports import OperatorOrder
from workflows.told import CaseState

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

PATIENCE = 60.0
SECRETS = {
    "debtor": "Quenouille Zephyr SARL",
    "person": "Barnabe Wyvern",
    "mailbox": "barnabe.wyvern",
    "domain": "quenouille-zephyr",
    "street": "77 impasse Xylophone",
    "city": "Ozymandias",
    "phone": "+33 4 99 88 77 66",
    "reason": "his wife Philomene is in hospital",
    "creditor": "Kumquat Palindrome SAS",
    "document": "wyvern-scan",
}


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Puts the process's logging back as it was."""
    root = logging.getLogger()
    handlers, level, kept = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers, root.level = handlers, level
    structlog.configure(**kept)


def decoded(node: Any) -> Iterator[str]:
    """Gives every text of a history, payloads decoded."""
    match node:
        case dict():
            for key, value in node.items():
                yield str(key)
                if key == "data" and isinstance(value, str):
                    yield base64.b64decode(value).decode("utf-8", "replace")
                else:
                    yield from decoded(value)
        case list():
            for value in node:
                yield from decoded(value)
        case _:
            yield str(node)


def found(text: str) -> list[str]:
    """Lists the secrets that a text tells, whatever their case."""
    return [kind for kind, secret in SECRETS.items() if secret.lower() in text.lower()]


async def begin(lived: World, case: CaseRef) -> None:
    """Registers the parties with their secrets, and one invoice."""
    now = real_now()
    address = {"lines": (SECRETS["street"],), "postcode": "69002", "city": SECRETS["city"]}
    creditor = build.creditor(policy="seed", legal_name=SECRETS["creditor"])
    contact = {
        "name": SECRETS["person"],
        "email": f"{SECRETS['mailbox']}@{SECRETS['domain']}.example",
        "phone": SECRETS["phone"],
    }
    debtor = build.debtor(legal_name=SECRETS["debtor"], contacts=(contact,), address=address)
    await lived.admit(CreditorRegistered(creditor=creditor), now)
    await lived.admit(DebtorRegistered(debtor=debtor), now)
    invoice = InvoiceCreated(
        creditor="acme",
        number=case.number,
        debtor="dubois",
        issue_date=now.date(),
        due_date=now.date() + timedelta(days=30),
        total="100.00",
        pdf=f"{SECRETS['document']}.pdf",
    )
    await lived.admit(invoice, now)


async def until_on_record(lived: World, case: CaseRef, state: State, error: str = "") -> None:
    """Waits until the message of a case has come to a state, for a reason."""

    async def on_record() -> bool:
        async with lived.database.reading() as conn:
            file = await queries.case_file(conn, case)
        return any(record.state is state and error in str(record.error) for record in file.messages)

    await until(on_record)


async def to_next_step(lived: World, case: CaseRef) -> None:
    """Moves the clock of a case to its next step."""
    async with lived.database.reading() as conn:
        upcoming = (await queries.find_case(conn, case.number)).next
    assert upcoming is not None
    assert upcoming.at is not None
    await lived.advance([case], upcoming.at + TICK)


async def live(lived: World, case: CaseRef, script: dict[str, str]) -> None:
    """Lives through a case: held, refused a hold, not rendered, deferred, sent, skipped, refused, paid."""
    await begin(lived, case)
    run: WorkflowHandle[Any, Any] = lived.client.get_workflow_handle(case.workflow_id)
    async with lived.database.writing() as conn:
        note = await desk.write_note(conn, SECRETS["person"], SECRETS["reason"], real_now())
    today = real_now().date()
    await tell(run, "hold", OperatorOrder(note=note, until=today + timedelta(days=2)))
    with pytest.raises(WorkflowUpdateFailedError):
        await tell(run, "hold", OperatorOrder(note=note, until=today + timedelta(days=3)))
    script["RCPT"] = f"450 <{SECRETS['mailbox']}@{SECRETS['domain']}.example> {SECRETS['person']} is away"
    await to_next_step(lived, case)
    await until_on_record(lived, case, State.FAILED, "Unattachable")
    documents = lived.settings.folders.documents
    documents.mkdir(parents=True, exist_ok=True)
    (documents / f"{SECRETS['document']}.pdf").write_bytes(b"%PDF-1.7")
    await until_on_record(lived, case, State.FAILED, "450")
    del script["RCPT"]
    await until_on_record(lived, case, State.SENT)
    await lived.settled(case)
    await tell(run, "skip", OperatorOrder(note=note))
    script["body"] = f"554 {SECRETS['person']} has left {SECRETS['debtor']}"
    await to_next_step(lived, case)
    await asyncio.wait_for(run.signal("mark_paid", {"reference": "VIR-1", "amount": "100.00"}), PATIENCE)
    await asyncio.wait_for(run.result(), PATIENCE)


async def tell(run: WorkflowHandle[Any, Any], verb: str, order: OperatorOrder) -> CaseState:
    """Gives an order."""
    answered = run.execute_update(verb, order, result_type=CaseState)
    return await asyncio.wait_for(answered, PATIENCE)


async def test_histories_and_logs_name_nobody(
    temporal: Client, database: Database, wording: Wording, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither the history nor any line of the log tells a name, an address, an answer or a reason."""
    del wording  # loaded before the clock runs
    logs.configure(LogFormat.JSON, "debug")
    case = CaseRef(creditor="acme", number=f"F-{uuid4().hex[:12]}")
    script: dict[str, str] = {}
    async with blunt_server(script) as port:
        settings = Settings(
            folders=Folders(var=tmp_path / "var"),
            smtp=Smtp(port=port, timeout_seconds=5),
            task_queue=f"privacy-{uuid4().hex}",
        )
        async with world(temporal, settings, database) as lived:
            await live(lived, case, script)
            history = await lived.handle(case).fetch_history()
    told = "\n".join(decoded(json.loads(history.to_json())))
    logged = capfd.readouterr()
    written = logged.out + logged.err
    assert case.number in told
    assert "step_answered" in written
    assert '"outcome": "unreachable"' in written
    assert found(told) == []
    assert found(written) == []
