"""Whoever wants to be told of a job's end is announced by the transaction that ends it, on both databases."""

from collections.abc import Callable
from typing import Any

import pytest

from studio.caller import Caller, Scope, asking
from studio.claims import MAX_LOST, Claims
from studio.delivery_table import DeliveryTable, Due
from studio.errors import InvalidRequest, NotFound
from studio.queue_order import QueueOrder
from studio.webhook import Delivery, DeliveryState, Source
from tests.builders import a_generation, a_recipe
from tests.contract.storage.stores import AnswersGetLost, Stores

MANY = 1_000_000
HOOK = "https://receiver.example/jobs?token=s3cret"
KEY_HOOK = "https://ada.example/hook"
ORIGIN = "https://receiver.example"
ADA = Caller("ada", Scope.SUBMIT)


def add(stores: Stores, webhook: str | None = HOOK) -> str:
    """The id of a new pending job that is to be told of."""
    return stores.jobs.add(a_recipe(), max_pending=MANY, webhook=webhook).id


def of_job(stores: Stores, job_id: str) -> list[Delivery]:
    """Who is told of it."""
    job = stores.jobs.get(job_id)
    with stores.database.connection_context():
        return DeliveryTable(stores.database).of_job(job)


def due(stores: Stores, but: tuple[str, ...] = (), not_at: tuple[str, ...] = ()) -> Due | None:
    """The delivery whose turn it is now."""
    with stores.database.connection_context():
        return DeliveryTable(stores.database).next_due(stores.clock.now(), but=but, not_at=not_at)


def change(stores: Stores, deed: Callable[[DeliveryTable], Any]) -> Any:
    """Change the table in a transaction."""
    return stores.writer.run(lambda: deed(DeliveryTable(stores.database)))


def complete(stores: Stores, _: str) -> None:
    claim = stores.claimed()
    assert stores.claims.finish(claim, a_generation(claim.job))


def fail(stores: Stores, _: str) -> None:
    assert stores.claims.fail(stores.claimed(), "It went wrong.", "bad_result")


def cancel(stores: Stores, job_id: str) -> None:
    stores.jobs.request_cancel(job_id)


def cancel_running(stores: Stores, job_id: str) -> None:
    claim = stores.claimed()
    stores.jobs.request_cancel(job_id)
    assert stores.claims.mark_cancelled(claim)


def cancel_while_put_back(stores: Stores, job_id: str) -> None:
    claim = stores.claimed()
    stores.jobs.request_cancel(job_id)
    assert stores.claims.requeue(claim, None)


def cancel_before_the_studio_died(stores: Stores, job_id: str) -> None:
    stores.claimed()
    stores.jobs.request_cancel(job_id)
    stores.claims.release()


def set_aside(stores: Stores, _: str) -> None:
    for _lost in range(MAX_LOST):
        stores.claimed()
        stores.claims.release()


def cancel_all(stores: Stores, _: str) -> None:
    QueueOrder(stores.database, stores.writer, stores.clock).cancel(None)


def cancel_some(stores: Stores, job_id: str) -> None:
    QueueOrder(stores.database, stores.writer, stores.clock).cancel([job_id])


@pytest.mark.parametrize(
    ("end", "event"),
    [
        (complete, "job_completed"), (fail, "job_failed"), (set_aside, "job_failed"),
        (cancel, "job_cancelled"), (cancel_running, "job_cancelled"),
        (cancel_while_put_back, "job_cancelled"), (cancel_before_the_studio_died, "job_cancelled"),
        (cancel_all, "job_cancelled"), (cancel_some, "job_cancelled"),
    ],
)  # fmt: skip
def test_however_a_job_ends_it_is_told(
    stores: Stores, end: Callable[[Stores, str], None], event: str
) -> None:
    job_id = add(stores)
    assert of_job(stores, job_id) == [Delivery(Source.JOB, ORIGIN, DeliveryState.PLANNED)]
    assert due(stores) is None

    end(stores, job_id)

    found = due(stores)
    assert found is not None
    assert (found.job_id, found.event, found.owner, found.address) == (job_id, event, None, HOOK)
    assert (found.tries, found.created_at) == (0, stores.clock.now())
    (told,) = of_job(stores, job_id)
    assert (told.id, told.state, told.origin) == (found.id, DeliveryState.WAITING, ORIGIN)
    stores.assert_consistent()


def test_a_job_that_goes_back_to_the_queue_is_not_told_of(stores: Stores) -> None:
    add(stores)
    assert stores.claims.requeue(stores.claimed(), "The engine died.")
    stores.claimed()
    stores.claims.release()

    assert due(stores) is None


def test_nobody_is_told_of_a_job_that_nobody_wants_to_hear_of(stores: Stores) -> None:
    job_id = add(stores, None)
    complete(stores, job_id)

    assert of_job(stores, job_id) == []
    assert due(stores) is None


def test_an_end_whose_answer_gets_lost_is_told_once(stores: Stores) -> None:
    job_id = add(stores)
    claims = Claims(stores.database, AnswersGetLost(stores.writer), stores.clock)
    claim = stores.claimed()

    assert claims.finish(claim, a_generation(claim.job))

    assert len(of_job(stores, job_id)) == 1


def test_the_key_and_the_request_are_both_told(stores: Stores) -> None:
    stores.keys.add("ada", webhook=KEY_HOOK)
    stores.keys.add("bob", webhook="https://bob.example/")
    with asking(ADA):
        both, only_key = add(stores), add(stores, None)
    nobodys = add(stores, None)
    assert [told.source for told in of_job(stores, both)] == [Source.JOB, Source.KEY]

    cancel_all(stores, "")

    assert [(told.source, told.origin) for told in of_job(stores, both)] == [
        (Source.JOB, ORIGIN), (Source.KEY, "https://ada.example"),
    ]  # fmt: skip
    assert [told.origin for told in of_job(stores, only_key)] == ["https://ada.example"]
    assert of_job(stores, nobodys) == []
    assert stores.rows("SELECT DISTINCT owner FROM delivery") == [("ada",)]


def test_the_webhook_of_a_key_is_changed_and_goes_with_the_key(stores: Stores) -> None:
    stores.keys.add("ada")
    stores.keys.set_webhook("ada", KEY_HOOK)
    assert [key.webhook for key in stores.keys.all()] == [KEY_HOOK]
    assert KEY_HOOK not in repr(stores.keys.all())
    stores.keys.set_webhook("ada", None)
    assert [key.webhook for key in stores.keys.all()] == [None]
    stores.keys.set_webhook("ada", KEY_HOOK)
    stores.keys.revoke("ada")

    with asking(ADA):
        cancel(stores, add(stores, None))

    assert due(stores) is None
    assert stores.rows("SELECT webhook FROM api_key") == [(None,)]
    with pytest.raises(NotFound, match="'ada'"):
        stores.keys.set_webhook("ada", KEY_HOOK)
    for name in ("bob", "ada"):
        with pytest.raises(InvalidRequest, match=r"^webhook: "):
            stores.keys.add(name, webhook="ftp://ada.example/")
    with pytest.raises(InvalidRequest, match=r"^webhook: "):
        stores.keys.set_webhook("ada", "nonsense")


def test_thousands_of_jobs_that_end_at_once_are_all_told_of(stores: Stores) -> None:
    recipes = [(cell, a_recipe()) for cell in range(2_100)]
    stores.batches.add(recipes, max_pending=MANY, webhook=HOOK)

    cancel_all(stores, "")

    assert stores.rows("SELECT COUNT(*), COUNT(DISTINCT job_id) FROM delivery") == [(2_100, 2_100)]
    stores.assert_consistent()


def test_what_is_under_way_and_busy_receivers_are_passed_over(stores: Stores) -> None:
    for webhook in (HOOK, HOOK, "https://other.example:8443/x"):
        cancel(stores, add(stores, webhook))
        stores.clock.advance(1)
    first = due(stores)
    assert first is not None
    second = due(stores, but=(first.id,))
    assert second is not None
    assert (second.origin, second.id == first.id) == (ORIGIN, False)
    third = due(stores, not_at=(ORIGIN,))
    assert third is not None
    assert third.origin == "https://other.example:8443"
    assert due(stores, but=(third.id,), not_at=(ORIGIN,)) is None


def test_a_try_that_failed_is_due_again_and_an_end_is_for_good(stores: Stores) -> None:
    job_id = add(stores)
    cancel(stores, job_id)
    found = due(stores)
    assert found is not None
    now = stores.clock.now()
    change(stores, lambda table: table.try_again(found.id, "The receiver answered 503.", now + 10))
    assert due(stores) is None
    with stores.database.connection_context():
        assert DeliveryTable(stores.database).next_time(now) == now + 10
    stores.clock.advance(10)
    again = due(stores)
    assert again is not None
    assert (again.id, again.tries) == (found.id, 1)

    change(stores, lambda table: table.end(found.id, DeliveryState.DELIVERED, None, now + 10))

    assert due(stores) is None
    (told,) = of_job(stores, job_id)
    assert (told.state, told.tries, told.error, told.due_at, told.ended_at) == (
        DeliveryState.DELIVERED, 2, None, None, now + 10,
    )  # fmt: skip
    assert change(stores, lambda table: table.prune(now + 10)) == 0
    assert change(stores, lambda table: table.prune(now + 11)) == 1
    assert of_job(stores, job_id) == []


def test_only_what_is_over_is_pruned(stores: Stores) -> None:
    cancel(stores, add(stores))

    assert change(stores, lambda table: table.prune(stores.clock.now() + 1e9)) == 0

    assert due(stores) is not None
