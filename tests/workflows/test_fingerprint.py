"""The commands of each workflow are committed, so that nobody changes them without noticing."""

import json
from pathlib import Path

import pytest

from tests.workflows.fingerprint import COMMITTED, WORKFLOWS, fingerprint

EXPLANATION = """
The commands of a workflow have changed. Runs that sleep now were begun by the old code, and will be
replayed by the new one: where it gives other commands, they are stuck.

Is every change outside the path of a sleeping run, or the same in effect? The replay tests say so:
    python -m pytest tests/workflows/test_histories.py
If they fail, keep the old path for old runs with workflow.patched("what-changed"), or give the workflow a
new name. A patch in a loop needs an id of its own for each turn.

When the change is right, commit it with the new fingerprint and new histories:
    python -m tests.workflows.fingerprint
    python -m pytest tests/workflows --record-histories
"""


def test_the_commands_are_as_committed() -> None:
    """The commands of every workflow, in the order of the text, are those of the committed file."""
    committed = json.loads(COMMITTED.read_text(encoding="utf-8"))
    if fingerprint() != committed:
        pytest.fail(f"{EXPLANATION}\ncommitted: {committed}\nnow:       {fingerprint()}", pytrace=False)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Ledger.record_payment,", "Ledger.note_payment,"),
        ("                timeout=timeout,\n", ""),
        ("workflow.continue_as_new(", "self.no_more("),
        ("await self._plan_anew()", "workflow.patched('x')"),
    ],
)
def test_a_changed_command_is_noticed(tmp_path: Path, old: str, new: str) -> None:
    """Another activity, a timer less, a patch more: each gives another fingerprint."""
    source = (WORKFLOWS / "invoice.py").read_text(encoding="utf-8")
    assert old in source
    (tmp_path / "invoice.py").write_text(source.replace(old, new, 1), encoding="utf-8")
    assert fingerprint(tmp_path) != fingerprint()


def test_words_are_free_to_change(tmp_path: Path) -> None:
    """A summary, a comment or a log line changes no fingerprint."""
    source = (WORKFLOWS / "invoice.py").read_text(encoding="utf-8")
    changed = source.replace("what comes next?", "and now?").replace(
        'self.log.info("case_closed"', 'print("x"'
    )
    (tmp_path / "invoice.py").write_text(changed, encoding="utf-8")
    assert fingerprint(tmp_path) == fingerprint()
