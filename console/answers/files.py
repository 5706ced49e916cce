"""The files that debtors sent, for the creditor's people.

In: giving one to somebody who may see its dispute.
Not in: taking them in (uploads.py).
"""

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from console.answers.uploads import MEDIA, place
from console.seats import Viewer
from domain.faults import NotFound
from ledger.views import answers as view

router = APIRouter()

ALONE = "sandbox; default-src 'none'; frame-ancestors 'none'"
"""What a stranger sent runs nothing and loads nothing, wherever it is opened."""


@router.get("/answers/{name}")
async def give(seat: Viewer, name: str) -> Response:
    """Gives a file to be saved; raises NotFound for one of a dispute that the person may not see."""
    async with seat.office.database.reading() as conn:
        creditors = await view.creditors_of(conn, name)
    path = place(seat.office.settings.folders, name)
    if not any(seat.sees(creditor) for creditor in creditors) or not path.is_file():
        msg = "no such file, or not yours to see"
        raise NotFound(msg)
    media = MEDIA.get(path.suffix.removeprefix("."), "application/octet-stream")
    headers = {"Content-Security-Policy": ALONE, "Cache-Control": "no-store"}
    return FileResponse(path, media_type=media, filename=name, headers=headers)
