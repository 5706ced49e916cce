"""An element of a message as a plain tree, for files with hundreds of thousands of them.

In: text, line and what is inside, by local names; a tree is made once and then looked up at no cost.
Not in: parsing (camt.py), and what elements mean (camt_entry.py).
"""

from collections.abc import Iterator

from lxml import etree


def named(element: etree._Element) -> tuple[str, str]:
    """Parts the name of an element into its namespace, empty if it has none, and its local name."""
    space, _, name = element.tag.rpartition("}")
    return space[1:], name


class Node:
    """Holds an element: its trimmed text, its currency, its line, and the elements inside by local name.

    Text beside elements is none: it would be half of a value.
    """

    __slots__ = ("currency", "inside", "line", "text")

    def __init__(self, element: etree._Element) -> None:
        """Copies an element and all that is inside; libxml2 bounds how deep that is."""
        self.currency = element.get("Ccy")
        self.line: int | None = getattr(element, "sourceline", None)
        self.inside: dict[str, list[Node]] = {}
        for each in element.iterchildren("*"):
            self.inside.setdefault(named(each)[1], []).append(Node(each))
        self.text = "" if self.inside else (element.text or "").strip()

    def all(self, *path: str) -> Iterator["Node"]:
        """Yields all elements on a path of local names, in their order."""
        name, *rest = path
        for each in self.inside.get(name, ()):
            if rest:
                yield from each.all(*rest)
            else:
                yield each

    def first(self, *path: str) -> "Node | None":
        """Gives the element to which a path leads, always by the first of a name; None if there is none."""
        node = self
        for name in path:
            found = node.inside.get(name)
            if found is None:
                return None
            node = found[0]
        return node

    def value(self, *path: str) -> str | None:
        """Gives the text of the element to which a path leads; None where it has none."""
        found = self.first(*path)
        return found.text or None if found is not None else None

    def values(self, *path: str) -> Iterator[str]:
        """Yields the texts of all elements on a path that have one."""
        return (each.text for each in self.all(*path) if each.text)
