"""Forms: what was typed becomes a model, or comes back with what is wrong beside each field.

In: reading a posted form, the mistakes of each field, files within a limit.
Not in: how a form looks (templates/parts/form.html).

An empty field is a field that was not filled in. Amounts are taken as people type them: 1 234,50 or
1,234.50; a number that could mean two things is refused.
"""

import re
from typing import Annotated, Any, TypeVar

from fastapi import Request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError
from starlette.datastructures import FormData, UploadFile

from domain.fact import PositiveAmount
from domain.faults import InputRefused

LONGEST_FIELD = 20_000
SPACES = re.compile(r"[\s\u00a0\u202f']")
AMOUNT = re.compile(
    r"(?P<whole>\d{1,3}(?P<mark>[.,])\d{3}(?:(?P=mark)\d{3})*|\d+)(?:(?!(?P=mark))[.,](?P<cents>\d{1,2}))?"
)

Wanted = TypeVar("Wanted", bound=BaseModel)


class Form(BaseModel):
    """Stands at the root of forms: fields are trimmed, unknown ones are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)


class Mistakes(Exception):
    """Says what is wrong with a form, field by field, and keeps what was typed.

    `fields` maps a field's name to a sentence; the name "" stands for the form as a whole.
    """

    def __init__(self, fields: dict[str, str], typed: dict[str, Any]) -> None:
        """Takes the sentences and what was typed."""
        super().__init__(", ".join(fields))
        self.fields = fields
        self.typed = typed

    @classmethod
    def of(cls, refusal: InputRefused, typed: dict[str, Any], known: set[str]) -> "Mistakes":
        """Puts a refusal of the rules beside its field, or above the form where it has none."""
        name = refusal.field.rsplit(".", 1)[-1]
        sentence = refusal.remedy if name in known else f"{refusal.field}: {refusal.remedy}"
        return cls({name if name in known else "": sentence}, typed)


def _typed_amount(value: Any) -> Any:
    """Reads an amount as people type it; raises ValueError for one that could mean two things."""
    if not isinstance(value, str):
        return value
    bare = SPACES.sub("", value).strip("€")
    read = AMOUNT.fullmatch(bare)
    if read is None:
        msg = "write an amount such as 1250.00 or 1 250,00"
        raise ValueError(msg)
    whole, cents = read["whole"], read["cents"]
    if cents is None and len(re.findall(r"[.,]", whole)) == 1:
        msg = f"{value} could be thousands or decimals: write it with two decimals"
        raise ValueError(msg)
    return re.sub(r"[.,]", "", whole) + (f".{cents}" if cents else "")


def _one_line(value: str) -> str:
    """Refuses control characters, which nobody types on purpose."""
    if any(not letter.isprintable() and letter not in "\r\n\t" for letter in value):
        msg = "take the invisible characters out"
        raise ValueError(msg)
    return value


TypedAmount = Annotated[PositiveAmount, BeforeValidator(_typed_amount)]
Text = Annotated[str, AfterValidator(_one_line)]


def sentence_of(error: Any) -> str:
    """Says what is wrong with a field, in words."""
    kind, message = error["type"], str(error["msg"])
    if kind in {"missing", "string_too_short"}:
        return "this is needed"
    if kind.startswith("date"):
        return "give a day, such as 2026-12-24"
    if kind.startswith("int"):
        return "write a whole number"
    return message.removeprefix("Value error, ")


async def typed(request: Request) -> FormData:
    """Reads the fields of a posted form."""
    return await request.form(max_files=10, max_fields=500, max_part_size=LONGEST_FIELD)


async def read(request: Request, model: type[Wanted]) -> Wanted:
    """Reads a posted form into a model; raises Mistakes. A field given several times is a list."""
    form = await typed(request)
    values: dict[str, Any] = {}
    for name in form:
        given = [one for one in form.getlist(name) if isinstance(one, UploadFile) or one.strip()]
        if given:
            values[name] = given if name in _lists(model) else given[-1]
    try:
        return model.model_validate(values)
    except ValidationError as refused:
        fields = {str(one["loc"][0]) if one["loc"] else "": sentence_of(one) for one in refused.errors()}
        raise Mistakes(fields, values) from None


def _lists(model: type[BaseModel]) -> set[str]:
    return {name for name, field in model.model_fields.items() if "tuple" in str(field.annotation)}
