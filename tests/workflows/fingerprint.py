"""The fingerprint of a workflow: the commands that its code gives to the server, in the order of the text.

In: reading them from the source, writing the committed file: python -m tests.workflows.fingerprint
Not in: what the commands do; the recorded histories prove that.
"""

import ast
import json
from collections.abc import Iterator
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


def text(of: Fingerprint) -> str:
    """Writes a fingerprint as it is committed."""
    return json.dumps(of, indent=2) + "\n"


if __name__ == "__main__":
    COMMITTED.write_text(text(fingerprint()), encoding="utf-8")
