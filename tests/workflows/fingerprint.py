"""The fingerprint of a workflow: the commands that its code gives to the server, in the order of the text.

In: reading them from the source, saying what to do about a change, writing the committed file:
python -m tests.workflows.fingerprint
Not in: what the commands do; the recorded histories prove that.
"""

import ast
import json
from collections.abc import Iterator
from difflib import ndiff
from pathlib import Path

WORKFLOWS = Path(__file__).resolve().parents[2] / "workflows"
COMMITTED = Path(__file__).with_name("fingerprint.json")

COMMANDS = {
    *("execute_activity", "execute_activity_method", "start_activity", "start_activity_method"),
    *("execute_local_activity", "execute_local_activity_method", "start_local_activity"),
    *("start_local_activity_method", "execute_child_workflow", "start_child_workflow"),
    *("continue_as_new", "wait_condition", "sleep", "patched", "deprecate_patch"),
    *("upsert_search_attributes", "upsert_memo", "get_external_workflow_handle"),
}
"""What leaves a trace in a history, and so may not change under a sleeping run."""

TRACES = {
    "wait_condition with timeout": "a timer",
    "sleep": "a timer",
    "wait_condition": None,
    "continue_as_new": "the end of the run, and a new one",
    "patched": "a marker",
    "deprecate_patch": "a marker",
    "upsert_search_attributes": "an upsert",
    "upsert_memo": "an upsert",
    "get_external_workflow_handle": "what is done with the handle",
}
"""What a command leaves in a history; activities and child workflows leave themselves."""

CALLS = "-> "
"""Marks a call of another method, where that one gives commands."""

Fingerprint = dict[str, dict[str, list[str]]]
"""The commands by workflow and method."""


def fingerprint(folder: Path = WORKFLOWS) -> Fingerprint:
    """Reads the commands of every workflow of a folder."""
    found: Fingerprint = {}
    for path in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and _is_workflow(node):
                found[node.name] = _methods(node)
    return found


def _is_workflow(node: ast.ClassDef) -> bool:
    return any("workflow.defn" in ast.unparse(decorator) for decorator in node.decorator_list)


def _methods(workflow: ast.ClassDef) -> dict[str, list[str]]:
    functions = [node for node in workflow.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    commands = {function.name: list(_commands(function)) for function in functions}
    while True:
        telling = {f"{CALLS}{name}" for name, given in commands.items() if given}
        told = {
            name: [one for one in given if not one.startswith(CALLS) or one in telling]
            for name, given in commands.items()
        }
        if told == commands:
            return {name: given for name, given in told.items() if given}
        commands = told  # what led to nothing but such methods leads to nothing now


def _commands(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            name = ast.unparse(child.func).rpartition(".")[2]
            if name in COMMANDS:
                yield _described(name, child)
            elif ast.unparse(child.func).startswith("self._"):
                yield f"{CALLS}{name}"
        yield from _commands(child)


def _described(name: str, call: ast.Call) -> str:
    """Names a command with what the server compares: the activity, the id of a patch, a timer or none."""
    if name == "wait_condition":
        return "wait_condition with timeout" if _argument(call, "timeout") else "wait_condition"
    if name in {"continue_as_new", "sleep"}:
        return name
    return f"{name} {ast.unparse(call.args[0])}" if call.args else name


def _argument(call: ast.Call, name: str) -> bool:
    return any(keyword.arg == name for keyword in call.keywords)


FIRST_COMMAND = """\
Runs that sleep now were begun by the old code and will be replayed by the new one. Where that gives other
commands they are stuck: nothing leaves for their invoices, and nobody is told but the worker's log.

1. Is it a command on the path of a sleeping run? What leaves a trace above is one. Then keep the old path for
   old runs:

       if workflow.patched(f"what-changed:{self.next.step}"):
           ...  # the new path
       else:
           ...  # the old path, as it was

   In a loop, and a ladder is one, the id must name the turn: a run keeps the first answer to an id for good.
   A workflow that changes altogether gets a new name; the old one stays registered until its runs end."""

FIRST_NONE = """\
1. None of this leaves a trace in a history, so it needs no patch."""

STEPS = (
    "2. Replay what was recorded; a failure means that step 1 is not done:",
    "       .venv/bin/python -m pytest tests/workflows/test_histories.py",
    "3. Record the new shape beside the old ones, under the release that CHANGELOG.md begins with:",
    "       .venv/bin/python -m pytest tests/workflows --record-histories",
    "4. Write the new fingerprint, and commit it together with the code and the histories:",
    "       .venv/bin/python -m tests.workflows.fingerprint",
    "docs/versions.md says more, also how to deploy such a change.",
)


def remedy(committed: Fingerprint, now: Fingerprint) -> str:
    """Says what has changed, whether sleeping runs mind, and what to do; empty for no change."""
    changes = [line for name in sorted({*committed, *now}) for line in _changes(name, committed, now)]
    if not changes:
        return ""
    traces = any("leaves" in line for line in changes)
    first = FIRST_COMMAND if traces else FIRST_NONE
    return "\n".join(["The commands of a workflow have changed.", "", *changes, "", first, *STEPS])


def _changes(workflow: str, committed: Fingerprint, now: Fingerprint) -> Iterator[str]:
    """Yields the changes of one workflow, method by method, each with the trace it leaves."""
    if workflow not in committed or workflow not in now:
        yield f"{workflow}: {'new' if workflow in now else 'gone, and leaves its sleeping runs to nobody'}"
        return
    before, after = committed[workflow], now[workflow]
    for method in dict.fromkeys([*before, *after]):
        old, new = before.get(method, []), after.get(method, [])
        if old == new:
            continue
        yield f"{workflow}.{method}"
        for line in ndiff(old, new):
            if line.startswith(("- ", "+ ")):
                yield f"    {'gone' if line[0] == '-' else 'new'}: {line[2:]}{_trace(line[2:])}"


def _trace(command: str) -> str:
    """Says what a command leaves in a history."""
    if command.startswith(CALLS):
        return f", and so whatever {command.removeprefix(CALLS)} leaves"
    name = command if command in TRACES else command.partition(" ")[0]
    trace = TRACES.get(name, "itself")
    return " (no trace: nobody minds)" if trace is None else f" (leaves {trace})"


def text(of: Fingerprint) -> str:
    """Writes a fingerprint as it is committed."""
    return json.dumps(of, indent=2) + "\n"


if __name__ == "__main__":
    COMMITTED.write_text(text(fingerprint()), encoding="utf-8")
