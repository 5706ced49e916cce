"""The documents of invoices: PDFs that lie in the documents folder, and nothing else.

In: finding one. Not in: attaching it (dispatch.py).
"""

from pathlib import Path

from config.sections import Folders
from domain.faults import NotFound

PDF = b"%PDF-"
"""How every PDF begins."""


def find_pdf(folders: Folders, document: str, name: str) -> Path:
    """Finds the PDF of an invoice; raises NotFound for anything else, wherever a link may lead."""
    folder = folders.documents.resolve()
    path = (folder / name).resolve()
    if path.is_relative_to(folder) and path.is_file():
        with path.open("rb") as file:
            if file.read(len(PDF)) == PDF:
                return path
    msg = f"there is no PDF {name} of invoice {document} in {folder}: put it there, or drop `pdf`"
    raise NotFound(msg)
