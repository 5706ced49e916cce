"""Tasks answered by people: closed with what came of them, or put off to another day.

In: closing a task, with what hangs on it; asking again later; judging a message of which nobody knows.
Not in: answers that are facts or orders (door.py, orders.py), listing (ledger/queries.py).
"""

from datetime import date, datetime

from correspondence.postbook import PostBook
from domain.faults import NotAllowed
from intake.mailbox.reading import mark_read
from ledger import tasks
from ledger.book import Book
from ledger.database import Database
from ledger.policies import Shelf
from ledger.queries import Task


async def close(
    database: Database, shelf: Shelf, task: Task, resolution: str, author: str, now: datetime
) -> bool:
    """Closes a task; one that asks for a mail to be read ends the hold of that mail with it.

    False where it was closed before.
    """
    if task.kind == "reply":
        mail = str(task.detail["mail"])
        return await mark_read(database, shelf, mail, author, now, resolution)
    async with database.writing() as conn:
        book = await Book.open(conn, task.creditor, task.debtor, now, shelf)
        closed = await book.close_task(task.id, resolution, author)
        await book.settle()
    return closed


async def put_off(
    database: Database, shelf: Shelf, task: Task, until: date, resolution: str, author: str, now: datetime
) -> None:
    """Closes a task with what came of this attempt and asks the same again for a later day.

    Raises NotAllowed for a day that is not later than today.
    """
    async with database.writing() as conn:
        book = await Book.open(conn, task.creditor, task.debtor, now, shelf)
        if until <= book.today:
            msg = f"{until} is not later than today: choose another day"
            raise NotAllowed(msg)
        await book.close_task(task.id, resolution, author)
        await tasks.ask_again(book, task.kind, task.key, task.invoice, until, task.detail)
        await book.settle()


async def judge(
    book: Book, postbook: PostBook, message: str, *, delivered: bool, reason: str, author: str
) -> None:
    """Settles an ambiguous message by a person's word, unless the post book knows better.

    Raises NotAllowed for a message that is not ambiguous, or that the mail server has accepted.
    """
    page = postbook.find(message)
    if not delivered and page is not None and page.left:
        msg = (
            f"the mail server accepted message {message} ({page.answer}): it left. Judge it delivered; "
            "to have it sent again all the same, void it afterwards"
        )
        raise NotAllowed(msg)
    await book.judge_ambiguous(message, delivered=delivered, reason=reason, author=author)
