"""Policies read from their TOML files.

In: reading and validating a folder of policies, and saying exactly what is wrong with one.
Not in: what makes a policy climb (domain/policy.py), and whether its words exist (correspondence/wording.py).
"""

import difflib
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from domain.faults import ConfigurationFault
from domain.policy import Condition, DunningPolicy, DunningStep, Repeat, SendingWindow

_MODELS: dict[str, type[BaseModel]] = {
    "steps": DunningStep,
    "window": SendingWindow,
    "when": Condition,
    "repeat": Repeat,
}


def load_policies(folder: Path) -> dict[str, DunningPolicy]:
    """Reads every policy of a folder by its id.

    Raises ConfigurationFault naming the file, the field, its value and the remedy.
    """
    files = sorted(folder.glob("*.toml")) if folder.is_dir() else []
    if not files:
        msg = f"{folder}: there is no policy here; set the folder that holds files such as french-b2b.toml"
        raise ConfigurationFault(msg)
    return {policy.id: policy for policy in map(load_policy, files)}


class PolicyFile(NamedTuple):
    """Names a file of the folder of policies: what it holds, or what is wrong with it."""

    file: Path
    policy: DunningPolicy | None
    fault: str | None


def read_policies(folder: Path) -> list[PolicyFile]:
    """Reads every policy of a folder as its file stands now; one that cannot be used stops no other."""
    found = []
    for file in sorted(folder.glob("*.toml")):
        try:
            found.append(PolicyFile(file, load_policy(file), None))
        except ConfigurationFault as fault:
            found.append(PolicyFile(file, None, str(fault)))
    return found


def load_policy(file: Path) -> DunningPolicy:
    """Reads one policy; raises ConfigurationFault naming the file, the field, its value and the remedy."""
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except OSError as fault:
        msg = f"{file}: cannot be read: {fault.strerror}"
        raise ConfigurationFault(msg) from fault
    except UnicodeDecodeError as fault:
        msg = f"{file}: byte {fault.start} is not UTF-8; save the file as UTF-8"
        raise ConfigurationFault(msg) from fault
    except tomllib.TOMLDecodeError as fault:
        msg = f"{file}: is not TOML: {fault}"
        raise ConfigurationFault(msg) from fault
    policy = _validated(file, content)
    if policy.id != file.stem:
        remedy = f"a policy is found by its file name; call it {file.stem!r} or rename the file"
        msg = f"{file}: id = {policy.id!r}: {remedy}"
        raise ConfigurationFault(msg)
    return policy


def _validated(file: Path, content: dict[str, Any]) -> DunningPolicy:
    """Validates each step by itself first, so that a fault names the step as the file writes it."""
    steps = content.get("steps")
    try:
        for place, step in enumerate(steps if isinstance(steps, list) else ()):
            prefix: tuple[str | int, ...] = ("steps", place)
            DunningStep.model_validate(step)
        prefix = ()
        return DunningPolicy.model_validate(content)
    except ValidationError as fault:
        lines = [_explained(error, prefix, content) for error in fault.errors()]
        msg = "\n".join(f"{file}: {line}" for line in lines)
        raise ConfigurationFault(msg) from fault


def _explained(error: ErrorDetails, prefix: tuple[str | int, ...], content: dict[str, Any]) -> str:
    location = prefix + error["loc"]
    return f"{_field(location, content)}{_value(error)}: {_remedy(error, location)}"


def _field(location: tuple[str | int, ...], content: dict[str, Any]) -> str:
    """Writes a place as a path, with the step's key beside its index: steps[2] (D+2).tone."""
    path = ""
    for name in location:
        path += f"[{name}]" if isinstance(name, int) else f".{name}"
        if isinstance(name, int) and path == f".steps[{name}]":
            path += _key(content["steps"], name)
    return path.removeprefix(".") or "policy"


def _key(steps: Any, place: int) -> str:
    step = steps[place] if place < len(steps) else None
    return f" ({step['key']})" if isinstance(step, dict) and "key" in step else ""


def _value(error: ErrorDetails) -> str:
    if error["type"] == "missing" or isinstance(error["input"], dict | list):
        return ""
    return f" = {error['input']!r}"


def _remedy(error: ErrorDetails, location: tuple[str | int, ...]) -> str:
    if error["type"] == "missing":
        return "is missing; write it, the other policies show how"
    if error["type"] == "extra_forbidden":
        fields = _fields(location)
        near = difflib.get_close_matches(str(location[-1]), fields, n=1)
        return (
            f"there is no such field; did you mean {near[0]!r}?"
            if near
            else f"there is no such field; use one of {', '.join(fields)}"
        )
    return error["msg"].removeprefix("Value error, ")


def _fields(location: tuple[str | int, ...]) -> list[str]:
    names = [name for name in location[:-1] if isinstance(name, str)]
    model = _MODELS.get(names[-1], DunningPolicy) if names else DunningPolicy
    return sorted(model.model_fields)
