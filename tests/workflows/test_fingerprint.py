"""The commands of each workflow are committed, so that nobody changes them without noticing."""

import json
import re
from pathlib import Path

import pytest

from tests.workflows.fingerprint import COMMITTED, WORKFLOWS, Fingerprint, fingerprint, remedy

ROOT = WORKFLOWS.parent


def swapped(folder: Path, old: str, new: str) -> str:
    """Changes the text of the workflow, and gives what the check would say about it."""
    source = (WORKFLOWS / "invoice.py").read_text(encoding="utf-8")
    assert old in source
    (folder / "invoice.py").write_text(source.replace(old, new, 1), encoding="utf-8")
    return remedy(dunning(), fingerprint(folder))


def dunning() -> Fingerprint:
    """Gives the fingerprint of the run alone, which is what these tests change."""
    return {"InvoiceDunning": fingerprint()["InvoiceDunning"]}


def test_the_commands_are_as_committed() -> None:
    """The commands of every workflow, in the order of the text, are those of the committed file."""
    committed = json.loads(COMMITTED.read_text(encoding="utf-8"))
    if fingerprint() != committed:
        pytest.fail(remedy(committed, fingerprint()), pytrace=False)


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
    assert swapped(tmp_path, old, new)
    assert fingerprint(tmp_path) != dunning()


def test_words_are_free_to_change(tmp_path: Path) -> None:
    """A summary, a comment or a log line changes no fingerprint."""
    source = (WORKFLOWS / "invoice.py").read_text(encoding="utf-8")
    changed = source.replace("what comes next?", "and now?").replace(
        'self.log.info("case_closed"', 'print("x"'
    )
    (tmp_path / "invoice.py").write_text(changed, encoding="utf-8")
    assert fingerprint(tmp_path) == dunning()
    assert remedy(dunning(), fingerprint(tmp_path)) == ""


def test_a_swapped_activity_is_explained(tmp_path: Path) -> None:
    """The check names the method, what is gone and what is new, and gives the steps in their order."""
    told = swapped(tmp_path, "Collector.take,", "Planner.next,")
    assert "InvoiceDunning._knock_at_the_gate\n" in told
    assert "gone: start_activity_method Collector.take (leaves itself)" in told
    assert "new: start_activity_method Planner.next (leaves itself)" in told
    places = [
        told.index(step) for step in ("1. Is it a command", "2. Replay", "3. Record", "4. Write the new")
    ]
    assert places == sorted(places)
    assert 'workflow.patched(f"what-changed:{self.next.step}")' in told


@pytest.mark.parametrize(
    ("old", "new", "trace"),
    [
        ("                timeout=timeout,\n", "", "gone: wait_condition with timeout (leaves a timer)"),
        ("workflow.continue_as_new(", "self.no_more(", "gone: continue_as_new (leaves the end of the run"),
        ("await self._plan_anew()", "workflow.patched('x')", "new: patched 'x' (leaves a marker)"),
        ("await self._plan_anew()", "pass", "gone: -> _plan_anew, and so whatever _plan_anew leaves"),
    ],
)
def test_each_change_says_what_it_leaves_in_a_history(tmp_path: Path, old: str, new: str, trace: str) -> None:
    """A timer, a fresh start, a marker, a call: the check says what of each a sleeping run would notice."""
    told = swapped(tmp_path, old, new)
    assert trace in told
    assert "workflow.patched(" in told


def test_a_change_without_a_trace_needs_no_patch(tmp_path: Path) -> None:
    """A wait without a timer is no command: the check says so, and asks for no patch."""
    told = swapped(
        tmp_path,
        "        self._show()\n        while",
        "        self._show()\n        await workflow.wait_condition(lambda: True)\n        while",
    )
    assert "new: wait_condition (no trace: nobody minds)" in told
    assert "needs no patch" in told
    assert "patched(" not in told


def test_a_workflow_that_came_or_went_is_said() -> None:
    """A new workflow, and one that is gone while its runs sleep, are each named."""
    assert "Other: new" in remedy({}, {"Other": {"run": ["sleep"]}})
    gone = remedy({"Other": {"run": ["sleep"]}}, {})
    assert "Other: gone, and leaves its sleeping runs to nobody" in gone
    assert "registered until its runs end" in gone


def test_the_steps_that_are_named_exist() -> None:
    """What the check tells people to run and read is there."""
    told = remedy({"W": {"run": ["sleep"]}}, {"W": {"run": []}})
    for name in re.findall(r"(?:tests/\S+\.py|docs/\S+\.md|\w+\.md)", told):
        assert (ROOT / name).exists(), name
    assert "--record-histories" in (ROOT / "tests" / "conftest.py").read_text("utf-8")
