"""Which column of a CSV file holds what.

In: how a header is recognised, and which kind of file it makes.
Not in: the names of columns (kinds.py), delimiters and rows (csv_rows.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.faults import InputRefused
from intake.readers.kinds import KINDS, Kind
from intake.readers.rows import shown
from intake.readers.written import folded


@dataclass(frozen=True)
class Layout:
    """Says what the columns of a file mean: its kind, and the place of each field."""

    kind: Kind
    places: Mapping[str, int]
    ignored: tuple[str, ...]


def recognised(header: Sequence[str]) -> int:
    """Counts the columns whose name any kind of file knows."""
    known = {name for kind in KINDS for column in kind.columns.values() for name in column.folded_names()}
    return sum(folded(name) in known for name in header)


def layout(header: Sequence[str]) -> Layout:
    """Decides by its columns what a file holds; raises InputRefused where that is not clear."""
    names = [folded(name) for name in header]
    places = {kind.called: _places(kind, names) for kind in KINDS}
    fitting = [kind for kind in KINDS if not _missing(kind, places[kind.called])]
    if not fitting:
        raise _unfit(header, places)
    most = max(_weight(kind, places[kind.called]) for kind in fitting)
    best = [kind for kind in fitting if _weight(kind, places[kind.called]) == most]
    if len(best) > 1:
        choice = " or ".join(kind.called for kind in best)
        raise InputRefused(
            field="header",
            value=shown(", ".join(header)),
            remedy=f"could be {choice}; name the columns more exactly",
            line=1,
        )
    chosen = places[best[0].called]
    twice = next((name for name in chosen.values() if names.count(names[name]) > 1), None)
    if twice is not None:
        raise InputRefused(
            field="header", value=shown(header[twice]), remedy="stands over two columns; keep one", line=1
        )
    taken = set(chosen.values())
    ignored = tuple(name for place, name in enumerate(header) if place not in taken and name.strip())
    return Layout(best[0], chosen, ignored)


def _places(kind: Kind, names: Sequence[str]) -> dict[str, int]:
    """Finds the column of each field: the best of its names that is there; no column serves twice."""
    ranked = sorted(
        (rank, field, names.index(name))
        for field, column in kind.columns.items()
        for rank, name in enumerate(column.folded_names())
        if name in names
    )
    places: dict[str, int] = {}
    for _, field, place in ranked:
        if field not in places and place not in places.values():
            places[field] = place
    return places


def _missing(kind: Kind, places: Mapping[str, int]) -> list[str]:
    missing = [field for field, column in kind.columns.items() if column.required and field not in places]
    if kind.telling and not any(field in places for field in kind.telling):
        missing.append(kind.telling[0])
    return missing


def _weight(kind: Kind, places: Mapping[str, int]) -> tuple[int, int]:
    """Weighs a fit: how many columns it explains, then how many it needs of those."""
    return len(places), sum(kind.columns[field].required for field in places)


def _unfit(header: Sequence[str], places: Mapping[str, Mapping[str, int]]) -> InputRefused:
    nearest = min(
        KINDS, key=lambda kind: (len(_missing(kind, places[kind.called])), -len(places[kind.called]))
    )
    if len(places[nearest.called]) < 2:  # noqa: PLR2004 - one column alone says nothing
        remedy = (
            "these columns are not known; name them for example number, debtor, issue date, due date, total "
            "(numéro, client, date de facture, échéance, montant TTC)"
        )
    else:
        wanted = ", ".join(
            f"{nearest.columns[field].names[0]!r}" for field in _missing(nearest, places[nearest.called])
        )
        remedy = f"to be read as {nearest.called}, it lacks {wanted}; add the column or correct its name"
    return InputRefused("header", shown(", ".join(header)), remedy, line=1)
