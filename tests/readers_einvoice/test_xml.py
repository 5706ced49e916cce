"""XML of strangers: what is parsed, and what is refused before it can do harm."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.faults import InputRefused
from intake.readers import xml


def refused(data: bytes, **more: int) -> InputRefused:
    """Expects a refusal and gives it."""
    with pytest.raises(InputRefused) as refusal:
        xml.parse(data, "invoice", **more)
    return refusal.value


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("UTF-8", "utf-8"),
        ("UTF-8", "utf-8-sig"),
        ("ISO-8859-1", "utf-8-sig"),
        ("ISO-8859-1", "latin-1"),
        ("ISO-8859-15", "iso8859-15"),
        ("windows-1252", "cp1252"),
        ("UTF-16", "utf-16"),
        ("UTF-16", "utf-16-le"),
        ("UTF-16", "utf-16-be"),
    ],
)
def test_declared_encodings_and_byte_order_marks_are_read(declared: str, encoding: str) -> None:
    """Every encoding that is met is read, and a byte order mark wins over what is declared."""
    data = f'<?xml version="1.0" encoding="{declared}"?>\n<facture>Échéance</facture>'.encode(encoding)
    assert xml.parse(data, "invoice").text == "Échéance"
    assert xml.root_name(data) == ("", "facture")
    assert xml.looks_like_xml(data)


def test_an_encoding_that_lies_is_refused_with_its_line() -> None:
    """Bytes that the declared encoding does not know are refused where they stand."""
    refusal = refused(b"<?xml version='1.0' encoding='windows-1252'?>\n<a>\x81</a>")
    assert refusal.line == 2
    assert "cp1252" in refusal.remedy
    assert refused(b"<a>\xe9</a>").line == 1
    assert "UTF-8" in refused(b"<?xml version='1.0' encoding='utf-7'?><a/>").remedy


def test_billion_laughs_are_not_heard() -> None:
    """A document type is refused before anything in it is looked at, wherever it hides in the prolog."""
    bomb = b'<?xml version="1.0"?>\n<!-- hi -->\n<!--> <a> -->\n<!DOCTYPE a [\n<!ENTITY l0 "ha">'
    bomb += b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
    bomb += b']>\n<a x="&l9;">&l9;</a>'
    began = time.monotonic()
    refusal = refused(bomb)
    assert (refusal.value, refusal.line) == ("<!DOCTYPE", 4)
    assert time.monotonic() - began < 1


def test_external_entities_are_not_fetched() -> None:
    """An entity that names a file is refused with its document type; an undeclared one is no XML."""
    named = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
    assert refused(named).value == "<!DOCTYPE"
    assert refused(b"<a>\n&x;</a>").line == 2


@pytest.mark.parametrize("depth", [65, 300, 100_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    """Elements nested deeper than any message are refused; sixty-four levels are read."""
    assert "nested" in refused(b"<a>" * depth + b"</a>" * depth).remedy
    assert xml.parse(b"<a>" * 64 + b"</a>" * 64, "invoice") is not None


def test_what_is_too_large_is_refused() -> None:
    """Size is bounded before parsing, and by whom it concerns; one text may not fill it either."""
    assert "larger" in refused(b"<a>" + b" " * 100 + b"</a>", largest=100).remedy
    assert "larger" in refused(b"<" * (xml.LARGEST + 1)).remedy
    assert refused(b"<a>" + b"x" * 11_000_000 + b"</a>").line == 1


def test_comments_do_not_cut_texts() -> None:
    """Comments and processing instructions are left out, and the text around them is one."""
    root = xml.parse(b"<r><a>12<!-- no --><?no no?>0<![CDATA[.00]]></a><a> </a></r>", "invoice")
    assert list(xml.texts(root, "a")) == ["120.00"]


def test_paths_of_local_names_cross_namespaces() -> None:
    """Elements are found by their local names in any namespace, and their lines are known."""
    root = xml.parse(b'<a xmlns="urn:one"><x:b xmlns:x="urn:two"/>\n<b><c> 1 </c></b></a>', "invoice")
    assert (xml.namespace(root), xml.local(root), xml.root_name(b'<p:q xmlns:p="u">')) == (
        "urn:one",
        "a",
        ("u", "q"),
    )
    assert xml.text(root, "b/c") == "1"
    assert [xml.namespace(each) for each in xml.children(root, "b")] == ["urn:two", "urn:one"]
    found = xml.child(root, "b/c")
    assert found is not None
    assert xml.line(found) == 2
    assert xml.child(root, "d") is None
    assert xml.text(root, "d") is None


def test_broken_xml_still_has_a_root() -> None:
    """What a file is can be told though it is cut off or has a document type; other bytes have no root."""
    assert xml.root_name(b'<!DOCTYPE x [<!ENTITY y "z">]><x xmlns="urn:x"><y>') == ("urn:x", "x")
    assert [xml.root_name(data) for data in (b"", b"hello", b"%PDF-1.7", b"<", b"<!--")] == [None] * 5
    assert not xml.looks_like_xml(b"%PDF-1.7")


@given(st.binary(max_size=300) | st.text("<>!?-[]&;/ax \n\"'=DOCTYPE", max_size=200).map(str.encode))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    """Whatever the bytes, nothing but a refusal is raised, and telling the root raises nothing."""
    xml.root_name(data)
    try:
        root = xml.parse(data, "invoice")
    except InputRefused:
        return
    assert root.getroottree().docinfo.internalDTD is None
