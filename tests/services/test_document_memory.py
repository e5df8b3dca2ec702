"""What a process remembers of trusted documents: for whom, for how long, and how much."""

from __future__ import annotations

from gateway.domain.documents import document_id_of
from gateway.services.document_memory import OVERHEAD_BYTES, SECONDS, DocumentMemory
from tests.factories import a_document

ANN, CHILD, BOB = "/ann/", "/ann/child/", "/bob/"


def test_what_is_remembered_is_found_by_its_owner_and_those_below_only() -> None:
    memory = DocumentMemory()
    document = a_document(owner_path=ANN)
    memory.keep(document, 0.0, epoch=memory.epoch)
    for path in (ANN, CHILD):
        assert memory.find(path, document.id, 1.0) == document.text
    for path in ("/", BOB):
        assert memory.find(path, document.id, 1.0) is None
    assert memory.find(ANN, document_id_of("x"), 1.0) is None


def test_it_is_remembered_for_so_many_seconds_from_the_look_up() -> None:
    memory = DocumentMemory()
    document = a_document()
    memory.keep(document, 100.0, epoch=memory.epoch)
    assert memory.find("/", document.id, 100.0 + SECONDS - 0.001) == document.text
    assert memory.find("/", document.id, 100.0 + SECONDS) is None
    memory.keep(document, 200.0, epoch=memory.epoch)
    assert memory.find("/", document.id, 200.0) == document.text


def test_what_is_removed_is_forgotten_of_its_owner_only() -> None:
    memory = DocumentMemory()
    of_ann, of_bob = (a_document(owner_path=path, text="{ a }") for path in (ANN, BOB))
    for document in (of_ann, of_bob):
        memory.keep(document, 0.0, epoch=memory.epoch)
    memory.forget(ANN, of_ann.id)
    assert memory.find(ANN, of_ann.id, 1.0) is None
    assert memory.find(BOB, of_bob.id, 1.0) == of_bob.text


def test_what_was_looked_up_before_a_removal_is_not_remembered_after_it() -> None:
    memory = DocumentMemory()
    document, epoch = a_document(), memory.epoch
    memory.forget("/", document.id)
    memory.keep(document, 0.0, epoch=epoch)
    assert memory.find("/", document.id, 1.0) is None


def test_the_one_not_used_for_longest_makes_room() -> None:
    text = "x" * OVERHEAD_BYTES
    memory = DocumentMemory(bytes_max=2 * 2 * OVERHEAD_BYTES)
    first, second, third = (a_document(text=f"{n}{text[1:]}") for n in range(3))
    for document in (first, second):
        memory.keep(document, 0.0, epoch=memory.epoch)
        memory.keep(document, 0.0, epoch=memory.epoch)  # Twice takes no more room.
    assert memory.find("/", first.id, 1.0) == first.text
    memory.keep(third, 0.0, epoch=memory.epoch)
    found = [memory.find("/", it.id, 1.0) is not None for it in (first, second, third)]
    assert found == [True, False, True]


def test_what_is_larger_than_all_room_drives_nothing_out() -> None:
    memory = DocumentMemory(bytes_max=1_024)
    small, large = a_document(), a_document(text="x" * 1_024)
    memory.keep(small, 0.0, epoch=memory.epoch)
    memory.keep(large, 0.0, epoch=memory.epoch)
    assert memory.find("/", small.id, 1.0) == small.text
    assert memory.find("/", large.id, 1.0) is None
