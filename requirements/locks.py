"""Seals the locked requirements, and checks that they still belong to what was asked for.

In: the seal, a hash of the `.in` files on the first line of each locked file; the search for addresses.
Not in: the locking itself (`make lock`).

A registry's address never stands in a locked file: each machine installs from the one it is set up for.
"""

import hashlib
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
SETS = ("runtime", "demo", "broker", "test", "dev")
ADDRESS = re.compile(r"\w+://|^\s*-(?:i|f)\b|^\s*--(?:index-url|extra-index-url|find-links)", re.MULTILINE)


def seal(name: str, folder: Path = HERE) -> str:
    """Hashes the `.in` file of a set and of every set whose lock constrains it."""
    asked = (folder / f"{name}.in").read_text(encoding="utf-8")
    digest = hashlib.sha256(asked.encode())
    for other in re.findall(r"^-c (\w+)\.txt$", asked, re.MULTILINE):
        digest.update(seal(other, folder).encode())
    return f"# sealed {digest.hexdigest()}"


def write_seals(folder: Path = HERE) -> None:
    """Puts the seal on the first line of each locked file."""
    for name in SETS:
        locked = folder / f"{name}.txt"
        lines = [line for line in locked.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
        locked.write_text("\n".join([seal(name, folder), *lines, ""]), encoding="utf-8")


def complaints(folder: Path = HERE) -> list[str]:
    """Lists what is wrong with the locked files, each with its remedy; nothing where all is well."""
    found = []
    for name in SETS:
        locked = (folder / f"{name}.txt").read_text(encoding="utf-8")
        if locked.split("\n", 1)[0] != seal(name, folder):
            found.append(f"requirements/{name}.txt is older than what its .in files ask for: run `make lock`")
        found.extend(
            f"requirements/{path} names an address: remove it, each machine has its own"
            for path in (f"{name}.in", f"{name}.txt")
            if ADDRESS.search((folder / path).read_text(encoding="utf-8"))
        )
    return found


if __name__ == "__main__":
    if sys.argv[1:] == ["seal"]:
        write_seals()
    elif faults := complaints():
        print(*faults, sep="\n", file=sys.stderr)
        sys.exit(1)
    else:
        print(f"locks: {len(SETS)} sets, sealed, no address")
