"""The keys with which Relance signs what it gives away, and knows it again.

In: keys from the settings, or from a file that is made once.
Not in: what is signed (correspondence/links.py), passwords of servers (sections.py).
"""

import os
from contextlib import suppress
from pathlib import Path
from secrets import token_urlsafe

from config.settings import SHORTEST_KEY, Settings
from domain.faults import ConfigurationFault

FILE = "secret.key"
FOR_OTHERS = 0o077


def secret_keys(settings: Settings) -> tuple[bytes, ...]:
    """Gives the keys, the one that signs first; without a setting they are kept in `var`, for its owner only.

    Raises ConfigurationFault for a file that cannot be read, that others may read, or with a key too short.
    """
    if settings.secret_key is not None:
        return _keys(settings.secret_key.get_secret_value())
    file = settings.folders.var / FILE
    try:
        if not file.exists():
            _make(file)
        mode, text = file.stat().st_mode, file.read_text("ascii")
    except (OSError, UnicodeDecodeError) as fault:
        msg = f"{file}: the key cannot be read ({type(fault).__name__}): mend it, or set RELANCE_SECRET_KEY"
        raise ConfigurationFault(msg) from None
    if mode & FOR_OTHERS:
        msg = f"{file}: others may read the key with which links are signed; chmod 600 {file}"
        raise ConfigurationFault(msg)
    keys = _keys(text)
    if not keys or min(map(len, keys)) < SHORTEST_KEY:
        msg = f"{file}: write keys of {SHORTEST_KEY} characters or more, one on each line, or remove the file"
        raise ConfigurationFault(msg)
    return keys


def _keys(text: str) -> tuple[bytes, ...]:
    return tuple(part.encode() for part in text.split())


def _make(file: Path) -> None:
    """Makes the file whole and once: of several processes that start together, one makes it for all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{FILE}.{token_urlsafe(6)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as opened:
            opened.write(f"{token_urlsafe(SHORTEST_KEY)}\n")
            opened.flush()
            os.fsync(opened.fileno())
        with suppress(FileExistsError):
            os.link(draft, file)
    finally:
        draft.unlink()
