"""The reports of past audits, kept as files.

In: writing one whole or not at all, under its day; the last of them; how many are kept.
Not in: the audit, and anything of the record itself.
"""

from pathlib import Path

from pydantic import ValidationError

from audit.findings import Report

KEPT = 30
"""How many reports are kept: one of a day, the last that was made on it."""


def keep(folder: Path, report: Report) -> Path:
    """Writes a report under its day, in UTC, and removes the oldest beyond those that are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{report.at:%Y-%m-%d}.json"
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(report.model_dump_json(indent=2) + "\n", "utf-8")
    draft.replace(path)
    for old in _kept(folder)[:-KEPT]:
        old.unlink(missing_ok=True)
    return path


def last_kept(folder: Path) -> Report | None:
    """Reads the newest report; None where there is none that can be read."""
    for path in reversed(_kept(folder)):
        try:
            return Report.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            continue
    return None


def _kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9].json"))
