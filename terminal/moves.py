"""The list of a move to another policy: each open invoice with its next action before and after.

In: the list itself, shown to a person, written out for a machine, kept as a file.
Not in: the command and its work (moving.py).
"""

import csv
import json
from pathlib import Path
from typing import Any

from rich.console import Console

from domain.actions import NextAction
from domain.explanation import explain
from domain.faults import InputRefused
from intake.moving import Moving
from ledger.moving import Move
from terminal.orders import sentence
from terminal.screen import clean, table

SHOWN = 500
"""How many cases are shown to a person; --json and --record give all."""

COLUMNS = (
    *("creditor", "customer", "number", "verdict", "was", "to"),
    *("before_step", "before_at", "before_reason", "after_step", "after_at", "after_reason"),
    *("passed", "said_as", "dropped", "obstacle"),
)


def check_file(kept: Path | None) -> None:
    """Refuses a record that could not be written, before anything moves."""
    if kept is None:
        return
    if kept.suffix not in {".json", ".csv"}:
        raise InputRefused(field="record", value=str(kept), remedy="name a file that ends in .json or .csv")
    if kept.exists():
        raise InputRefused(field="record", value=str(kept), remedy="it exists already; name a new file")
    try:
        kept.touch()
    except OSError as fault:
        remedy = f"it cannot be written ({fault.strerror}); name another place"
        raise InputRefused(field="record", value=str(kept), remedy=remedy) from fault


def keep(kept: Path | None, done: Moving, lang: str) -> None:
    """Writes the list of what was found or done, also where the work was cut short."""
    if kept is None:
        return
    if kept.suffix == ".json":
        kept.write_text(json.dumps(document(done, lang), ensure_ascii=False, indent=2) + "\n", "utf-8")
        return
    with kept.open("w", encoding="utf-8", newline="") as file:
        sheet = csv.DictWriter(file, COLUMNS)
        sheet.writeheader()
        sheet.writerows(_row(one, lang) for one in done.moves)


def _row(one: Move, lang: str) -> dict[str, str]:
    row = {
        "creditor": one.creditor,
        "customer": one.debtor,
        "number": one.number,
        "verdict": one.verdict,
        "was": one.was,
        "to": one.to,
        "passed": one.passed or "",
        "said_as": one.said_as or "",
        "dropped": " ".join(one.dropped),
        "obstacle": one.obstacle or "",
    }
    for when, action in (("before", one.before), ("after", one.after)):
        step, at, reason = _parts(action, lang)
        row |= {f"{when}_step": step, f"{when}_at": at, f"{when}_reason": reason}
    return row


def _parts(action: NextAction | None, lang: str) -> tuple[str, str, str]:
    """Says what is done, when and why."""
    if action is None:
        return "", "", ""
    doing = action.step or (action.ending.value if action.ending is not None else action.kind)
    at = action.at.isoformat(timespec="minutes") if action.at is not None else ""
    return doing, at, explain(action.because, lang)


def document(done: Moving, lang: str) -> dict[str, Any]:
    """Writes the list out for a machine."""
    cases = [
        one.model_dump(mode="json")
        | {
            "verdict": one.verdict,
            "before_reason": _parts(one.before, lang)[2],
            "after_reason": _parts(one.after, lang)[2],
        }
        for one in done.moves
    ]
    return {
        "from": list(done.versions),
        "to": done.to,
        "dry_run": done.dry_run,
        "counts": done.counts,
        "cases": cases,
        "failed": [one.model_dump() for one in done.failed],
        "accounts_not_reached": done.not_reached,
        "delivered": done.delivered,
    }


def show(screen: Console, done: Moving, lang: str) -> None:
    """Shows the list to a person, and says what is left to do."""
    rows = [
        (
            one.number,
            one.debtor,
            one.verdict,
            _told(one.before, lang),
            one.obstacle or _told(one.after, lang) + _notes(one),
        )
        for one in done.moves[:SHOWN]
    ]
    if rows:
        heads = ("invoice", "customer", "", "next under the old policy", f"under {done.to}")
        screen.print(table("", heads, rows))
    if len(done.moves) > SHOWN:
        screen.print(f"and {len(done.moves) - SHOWN} more: --json or --record FILE lists all.")
    for one in done.failed:
        screen.print(clean(f"{one.creditor}, customer {one.debtor}: not moved: {one.problem}"), style="red")
    for told in _sums(done):
        screen.print(told, soft_wrap=True)


def _notes(one: Move) -> str:
    passed = f"; {one.passed} counts as said by {one.said_as}" if one.passed else ""
    dropped = f"; to be ordered again: {', '.join(one.dropped)}" if one.dropped else ""
    return passed + dropped


def _sums(done: Moving) -> list[str]:
    """Says in sentences what was found or done, and what is left."""
    stays = done.counts.get("stays", 0)
    would = "would move" if done.dry_run else "moved"
    told = ", ".join(f"{count} {name}" for name, count in sorted(done.counts.items()))
    sentences = [
        f"{len(done.moves) - stays} of {len(done.moves)} open invoices {would} to {done.to} ({told})."
    ]
    if not done.moves:
        sentences = [f"no open invoice is left to move to {done.to}."]
    if done.dry_run:
        sentences.append("Nothing was written: leave --dry-run out to move them.")
    if stays or done.failed or done.not_reached:
        left = f", {done.not_reached} accounts were not reached" if done.not_reached else ""
        sentences.append(
            f"{stays} invoices and {len(done.failed)} accounts stay{left}: do the same again then."
        )
    return sentences


def _told(action: NextAction | None, lang: str) -> str:
    return "-" if action is None else sentence(action, lang)
