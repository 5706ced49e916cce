"""A company's books, drawn by a seed: some four hundred customers in five countries, five thousand invoices.

In: names, accounts, numbering schemes, amounts, what is open and what was settled last month.
Not in: the payments of the month (habits.py) and how people write (writing.py).

Whatever makes matching hard in real books is here on purpose: customers of one name, groups that share an
account, subscriptions of one price, two series with one counter, numbers that look like days.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from domain.fact import cents
from domain.openitems import OpenItem, Payer
from domain.receivable import EarlyDiscount

FIRST, MONTH = date(2026, 7, 1), date(2026, 11, 1)
PRICES = [Decimal(price) for price in ("49.90", "89.00", "120.00", "358.80", "600.00", "1200.00")]

TRADES = {
    "FR": ["Établissements", "Garage", "Boulangerie", "Transports", "Menuiserie", "Société", "Ateliers",
           "Cabinet",
           "Hôtel", "Imprimerie", "Pharmacie", "Maçonnerie", "Compagnie", "Électricité", "Les Vergers",
           "Café"],
    "DE": ["Bäckerei", "Autohaus", "Spedition", "Gebrüder", "Möbelhaus", "Druckerei", "Schlosserei"],
    "ES": ["Talleres", "Transportes", "Panadería", "Construcciones", "Hermanos", "Muebles"],
    "GB": ["The", "Royal", "Northern", "Saint", "Brothers", "Green"],
    "IT": ["Officine", "Trasporti", "Pasticceria", "Fratelli"],
}  # fmt: skip
PEOPLE = {
    "FR": ["Lefèvre", "Dupont", "Martin", "Müller", "Château", "Gâtinais", "Béranger", "Noël", "Garçon",
           "Lœwe", "Petit",
           "Moreau", "Bœuf", "du Centre", "de l'Étang", "Saint-Rémy", "Vasseur", "Fournier", "Rivière",
           "des Halles",
           "Perrin", "Chevalier", "Guérin", "Roux", "Blanchard", "Faure", "Mercier", "Colin", "Barbier",
           "Aubry"],
    "DE": ["Müller", "Schröder", "Weiß", "Jäger", "König", "Krüger", "Größe", "Bäumler"],
    "ES": ["Muñoz", "García", "Peña", "Ibáñez", "Núñez", "del Río"],
    "GB": ["Oak Trading", "Thames Supplies", "Harbour Foods", "Hill & Sons", "O'Connor", "Smith-Jones"],
    "IT": ["Rossi", "D'Angelo", "Forlì", "Niccolò"],
}  # fmt: skip
MORE = {
    "FR": ["", "", "", "et Fils", "Frères", "du Sud", "Atlantique", "Distribution", "& Associés",
           "International", "de Lyon"],
    "DE": ["", "", "& Söhne", "Nord", "Logistik"],
    "ES": ["", "", "e Hijos", "Internacional"],
    "GB": ["", "", "Holdings", "International"],
    "IT": ["", "", "e Figli"],
}  # fmt: skip
FORMS = {
    "FR": ["SAS", "SARL", "S.A.S.", "SA", "EURL", "SASU", "SARL", "SAS", "SCI", ""],
    "DE": ["GmbH", "GmbH & Co. KG", "AG", "OHG"],
    "ES": ["S.L.", "S.A.", "SLU"],
    "GB": ["Ltd", "Limited", "PLC"],
    "IT": ["S.r.l.", "SpA"],
}

SCHEMES: list[Callable[[int, date], str]] = [
    lambda count, day: f"FA-{day:%Y}-{count:05d}",
    lambda count, day: f"F{day:%Y}{count:04d}",
    lambda count, day: f"{day:%Y}-{count:04d}",
    lambda count, _: f"{10000 + count}",
    lambda count, day: f"RE-{day:%Y}-{count:04d}",
    lambda count, day: f"INV/{day:%y}/{count:05d}",
    lambda count, day: f"FAC{day:%y%m}-{count:04d}",
    lambda count, _: f"F-{count}",
    lambda count, day: f"{day:%Y%m}{count:04d}",
    lambda count, _: f"{'FA' if count % 2 else 'FB'}-{count // 2:05d}",
]
"""How companies number; a seed has one of them. The last has two series with one counter."""


@dataclass
class Customer:
    """Knows more of a customer than the books do: every account, and who pays for whom."""

    id: str
    name: str
    country: str
    siren: str
    accounts: list[str]
    known: bool
    price: Decimal | None = None
    discount: tuple[Decimal, int] | None = None
    currency: str = "EUR"
    parent: "Customer | None" = None


@dataclass
class Books:
    """Holds the customers and what each invoice asks for."""

    customers: dict[str, Customer]
    items: dict[str, OpenItem]
    scheme: Callable[[int, date], str]
    by_customer: dict[str, list[str]] = field(default_factory=dict)

    @property
    def payers(self) -> list[Payer]:
        """Tells what the creditor knows of its customers."""
        return [
            Payer(
                debtor=one.id,
                legal_name=one.name,
                ibans=tuple(one.accounts[:1] if one.known else ()),
                siren=one.siren,
            )
            for one in self.customers.values()
        ]


def name(draw: Random, country: str) -> str:
    """Draws the name of a company."""
    parts = [draw.choice(TRADES[country]), draw.choice(PEOPLE[country]), draw.choice(MORE[country])]
    form = draw.choice(FORMS[country])
    if country == "FR" and draw.random() < 0.15:
        parts = [form, *parts]
    else:
        parts.append(form)
    return " ".join(part for part in parts if part)


def iban(draw: Random, country: str) -> str:
    """Draws an account number; its check digits are of no interest here."""
    return f"{country}{draw.randrange(10, 99)}{draw.randrange(10**17, 10**18)}{draw.randrange(10**4, 10**5)}"


def customers(draw: Random, count: int) -> dict[str, Customer]:
    """Draws customers: some share a name or all but a legal form, some pay from one account for a group."""
    found: dict[str, Customer] = {}
    for turn in range(count):
        country = draw.choices(["FR", "DE", "ES", "GB", "IT"], [80, 8, 5, 5, 2])[0]
        others = list(found.values())
        chosen = name(draw, country)
        if others and draw.random() < 0.04:
            twin = draw.choice(others)
            country = twin.country
            chosen = (
                twin.name
                if draw.random() < 0.3
                else f"{twin.name.rsplit(' ', 1)[0]} {draw.choice(FORMS[country])}"
            )
        one = Customer(
            id=draw.choice(["C{:05d}", "411{:04d}", "K-{:03d}", "{:06d}"]).format(turn * 7 + 11) + f".{turn}",
            name=chosen.strip(),
            country=country,
            siren=str(draw.randrange(10**8, 10**9)),
            accounts=[iban(draw, country) for _ in range(draw.choice([1, 1, 1, 2]))],
            known=draw.random() < 0.65,
            price=draw.choice(PRICES) if draw.random() < 0.12 else None,
            discount=draw.choice([(Decimal(2), 10), (Decimal(3), 14), (Decimal("1.5"), 8)])
            if draw.random() < 0.2
            else None,
            currency="GBP" if country == "GB" and draw.random() < 0.3 else "EUR",
        )
        if others and draw.random() < 0.08:
            one.parent = draw.choice(others)
            if draw.random() < 0.4:
                one.accounts, one.known = one.parent.accounts, one.parent.known
        found[one.id] = one
    return found


def amount(draw: Random, one: Customer) -> Decimal:
    """Draws the total of an invoice: most are odd, some round, subscriptions always the same."""
    if one.price is not None and draw.random() < 0.9:
        return one.price
    if draw.random() < 0.06:
        return draw.choice(PRICES)
    if draw.random() < 0.08:
        return Decimal(draw.randrange(1, 60) * 100)
    return max(Decimal("8.00"), cents(Decimal(str(draw.lognormvariate(6.6, 1.1)))))


def books(draw: Random, invoices: int = 5700, count: int = 400) -> Books:
    """Draws the books as they stand on the first day of the month."""
    everybody = customers(draw, count)
    weights = [min(draw.paretovariate(1.2), 12.0) for _ in everybody]
    scheme = draw.choice(SCHEMES)
    found = Books(everybody, {}, scheme, {one: [] for one in everybody})
    for turn, buyer in enumerate(draw.choices(list(everybody.values()), weights, k=invoices), start=1):
        _invoice(draw, found, buyer, turn, FIRST + timedelta(days=turn * 148 // invoices))
    return found


def _invoice(draw: Random, found: Books, buyer: Customer, count: int, issued: date) -> None:
    """Puts one invoice into the books: in one piece or in maturities, open, paid in part, or settled."""
    number, total = found.scheme(count, issued), amount(draw, buyer)
    parts = draw.choice([2, 3]) if total > 300 and draw.random() < 0.02 else 1
    share = cents(total / parts)
    for turn in range(1, parts + 1):
        part = share if turn < parts else total - share * (parts - 1)
        settled = issued < MONTH and draw.random() < 0.12
        paid = cents(part * Decimal("0.4")) if draw.random() < 0.02 else Decimal("0.00")
        item = OpenItem(
            number=number if parts == 1 else f"{number}/{turn}",
            document=number,
            debtor=buyer.id,
            currency=buyer.currency,
            total=part,
            open=Decimal("0.00") if settled else part - paid,
            issue_date=issued,
            due_date=issued + timedelta(days=30 * turn),
            discounts=(
                EarlyDiscount(percent=buyer.discount[0], until=issued + timedelta(days=buyer.discount[1])),
            )
            if buyer.discount and parts == 1
            else (),
            closed=settled,
        )
        found.items[item.number] = item
        found.by_customer[buyer.id].append(item.number)
