"""What the command line says of a customer's exposure, and with which exit code."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from terminal import credit
from terminal.application import assemble


def ask(*arguments: str) -> Result:
    """Asks for the exposure of a customer."""
    application = assemble()
    application.command("exposure")(credit.exposure)
    return CliRunner().invoke(application, ["exposure", *arguments], catch_exceptions=False)


def told(*arguments: str) -> Any:
    """Asks for a machine's answer."""
    return json.loads(ask(*arguments, "--json").stdout)


@pytest.mark.usefixtures("loaded")
class TestExposure:
    """The sample: two customers, three invoices that are far from due."""

    def test_without_a_limit_every_order_passes(self) -> None:
        """AC-65: without a limit the exposure is told, and any order may be delivered."""
        found = ask("dupont", "--order", "99999")
        assert found.exit_code == 0
        assert "No limit is on record" in found.stdout
        assert told("dupont")["exposure"] == {"EUR": "1500.00"}
        assert told("dupont")["overdue"] == {"count": 0, "amounts": {}}

    def test_an_order_above_the_limit_is_refused(self) -> None:
        """AC-65: an order that would exceed the limit is refused with its reason, and exit code 5."""
        within = ask("dupont", "--order", "500", "--limit", "2000")
        assert (within.exit_code, "may be delivered" in within.stdout) == (0, True)
        beyond = ask("dupont", "--order", "500,01", "--limit", "2000", "--lang", "fr")
        assert beyond.exit_code == 5
        assert "2000.01 EUR seraient dus" in beyond.stdout
        answer = told("dupont", "--order", "600", "--limit", "2000")
        assert (answer["allowed"], answer["answer"]["reasons"]) == (False, ["credit"])

    def test_another_currency_is_for_a_person(self) -> None:
        """An order in dollars is not measured by a limit in euros; a code that is none is refused."""
        found = ask("dupont", "--order", "1", "--currency", "USD", "--limit", "9999")
        assert (found.exit_code, "another currency" in found.stdout) == (5, True)
        assert ask("dupont", "--currency", "EURO").exit_code == 3

    def test_an_unknown_customer(self) -> None:
        """A customer whom nobody knows is not found."""
        assert ask("nobody").exit_code == 4
        assert ask("nobody", "--creditor", "atelier").exit_code == 4
