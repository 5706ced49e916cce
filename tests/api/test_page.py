"""The page for people is true: every curl it prints is sent, and answers what the page shows."""

import json
import re
import shlex
from datetime import UTC, datetime
from typing import Any

from config.catalogue import load_policies
from config.settings import Settings
from console.office import Office
from intake.readers.cloudevents import SPOKEN
from ledger.database import Database
from tests.api.conftest import ON_ONE_DATABASE, Interface, absent_temporal
from tests.test_readme import ROOT

PAGE = (ROOT / "docs" / "api.md").read_text("utf-8")
PAIRS = re.findall(r"```bash\n(curl .*?)```\n\n```json\n(.*?)```", PAGE, re.DOTALL)


def asked(command: str, key: str) -> dict[str, Any]:
    """Reads a curl command as a request."""
    words = iter(shlex.split(command.replace("$API", "").replace("$KEY", key))[1:])
    request: dict[str, Any] = {"method": "GET", "headers": {}}
    for word in words:
        match word:
            case "-X":
                request["method"] = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                request["headers"][name] = value
            case "-d":
                request["content"] = next(words).encode()
            case _:
                request["url"] = word
    return request


def holds(shown: Any, said: Any) -> bool:
    """Tells whether an answer has all that the page shows of it."""
    if isinstance(shown, dict):
        return isinstance(said, dict) and all(holds(one, said.get(name)) for name, one in shown.items())
    if isinstance(shown, list):
        return len(shown) == len(said) and all(map(holds, shown, said))
    return bool(shown == said)


@ON_ONE_DATABASE
async def test_every_example_of_the_page_runs(database: Database) -> None:
    """The examples run in their order on an empty record, and answer what stands below each."""
    policies = load_policies(Settings().folders.policies)
    office = Office(Settings(), database, policies, lambda: datetime(2026, 11, 23, 9, tzinfo=UTC))
    office.use(await absent_temporal())
    interface = Interface(database, office)
    key = (await interface.usual())["Authorization"].removeprefix("Bearer ")
    assert len(PAIRS) == PAGE.count("```bash")
    for command, shown in PAIRS:
        answer = await interface.client.request(**asked(command, key))
        assert holds(json.loads(shown), answer.json()), (command, answer.text)


def test_the_page_lists_every_type() -> None:
    """The table of types names each type, the debtor's by their other name."""
    listed = set(re.findall(r"`(relance\.[a-z_]+\.[a-z_]+)`", PAGE))
    others = {name for name in SPOKEN if name.startswith("relance.debtor.")}
    assert listed == set(SPOKEN) - others
