"""What waits is written together, and everybody hears how their own write ended."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.together import Together


class Book:
    """Keeps what is written, a group at a time, as soon as the test opens it."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.begun = asyncio.Event()
        self.groups: list[list[str]] = []

    async def write(self, items: Sequence[str]) -> list[str]:
        self.begun.set()
        await self.open.wait()
        if "bad" in items:
            raise ValueError(f"{len(items)} could not be written")
        self.groups.append(list(items))
        return [item.upper() for item in items]


async def waiting(book: Book, together: Together[str, str], *items: str) -> list[asyncio.Task[str]]:
    """The first item's write has begun, the others wait."""
    tasks = [asyncio.create_task(together(items[0]))]
    await book.begun.wait()
    tasks += [asyncio.create_task(together(item)) for item in items[1:]]
    await asyncio.sleep(0)
    return tasks


async def test_whatever_waits_is_written_together() -> None:
    book = Book()
    together = Together(book.write, most=3)
    tasks = await waiting(book, together, "a", "b", "c", "d", "e")
    book.open.set()
    assert await asyncio.gather(*tasks) == ["A", "B", "C", "D", "E"]
    assert book.groups == [["a"], ["b", "c", "d"], ["e"]]


async def test_one_that_cannot_be_written_takes_no_other_with_it() -> None:
    book = Book()
    together = Together(book.write, most=3)
    tasks = await waiting(book, together, "a", "b", "bad", "c", "d")
    book.open.set()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ends] == [str, str, ValueError, str, str]
    assert book.groups == [["a"], ["b"], ["c"], ["d"]]


async def test_a_failure_of_everybody_is_not_tried_again_for_each() -> None:
    book = Book()
    together = Together(book.write, most=3, everyones=(ValueError,))
    tasks = await waiting(book, together, "a", "b", "bad", "c", "d")
    book.open.set()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ends] == [str, *[ValueError] * 3, str]
    assert book.groups == [["a"], ["d"]]


async def test_whoever_is_cut_off_while_writing_for_others_leaves_it_to_the_next() -> None:
    book = Book()
    together = Together(book.write, most=5)
    first, second, third = await waiting(book, together, "a", "b", "c")
    second.cancel()
    first.cancel()
    book.open.set()
    await third
    ends = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(end) for end in ends] == [asyncio.CancelledError] * 2
    assert book.groups == [["c"]]


async def test_a_write_waits_for_what_is_coming_but_not_for_long() -> None:
    book = Book()
    book.open.set()
    patient = Together(book.write, most=3, patience=60)
    with patient.coming():
        first = asyncio.create_task(patient("a"))
        await asyncio.sleep(0)
        with patient.coming():
            second = asyncio.create_task(patient("b"))
            await asyncio.sleep(0)
        assert not book.groups
    await asyncio.gather(first, second)
    with patient.coming():  # no more than fit are waited for
        await asyncio.gather(*(patient(item) for item in "cde"))
    assert book.groups == [["a", "b"], ["c", "d", "e"]]
    hasty = Together(book.write, most=3, patience=0.01)
    with hasty.coming():
        await hasty("f")
    assert book.groups[-1] == ["f"]


async def test_all_who_were_written_together_hear_of_it_at_once() -> None:
    """What they give next comes together again."""
    book = Book()
    book.open.set()
    together = Together(book.write, most=10)
    tasks = [asyncio.create_task(together(item)) for item in "abcdefgh"]
    await tasks[0]
    await asyncio.sleep(0)
    assert all(task.done() for task in tasks)
    assert [len(group) for group in book.groups] == [8]


async def test_whoever_was_to_be_the_next_and_is_cut_off_leaves_it_to_the_one_after() -> None:
    book = Book()
    together = Together(book.write, most=1)
    first, second, third = await waiting(book, together, "a", "b", "c")
    first.add_done_callback(lambda task: second.cancel())  # its turn was given to it in that moment
    book.open.set()
    assert await third == "C"
    assert await first == "A"
    assert book.groups == [["a"], ["c"]]
