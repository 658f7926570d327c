"""Keys and whose jobs are, on both databases."""

import hashlib

import pytest

from studio.caller import Caller, Scope, asking
from studio.errors import Conflict, InvalidRequest, NotFound, QueueFull
from studio.key_ring import KeyRing
from studio.queue_order import QueueOrder
from studio.scheduling import Place
from tests.builders import a_recipe
from tests.contract.storage.making import made
from tests.contract.storage.stores import AnswersGetLost, Stores

MANY = 1_000_000
ADA = Caller("ada", Scope.SUBMIT)
BOB = Caller("bob", Scope.SUBMIT)


def ring_of(stores: Stores, house_key: str = "", is_exposed: bool = False) -> KeyRing:
    """A ring that has read the keys."""
    ring = KeyRing(stores.keys, stores.clock, house_key=house_key, is_exposed=is_exposed)
    ring.refresh()
    return ring


def test_of_a_key_only_its_hash_is_kept(stores: Stores) -> None:
    secret = stores.keys.add("ada", Scope.READ, per_minute=5, most_pending=2)

    (key,) = stores.keys.all()
    assert (key.name, key.created_at, key.revoked_at) == ("ada", stores.clock.now(), None)
    assert key.caller == Caller("ada", Scope.READ, per_minute=5, most_pending=2)
    assert key.digest == hashlib.sha256(secret.encode()).hexdigest()
    assert not [row for row in stores.rows("SELECT * FROM api_key") if secret in row]


def test_a_name_is_given_once_even_if_its_key_is_revoked(stores: Stores) -> None:
    stores.keys.add("ada")
    with pytest.raises(Conflict, match="'ada'"):
        stores.keys.add("ada")
    stores.keys.revoke("ada")
    with pytest.raises(Conflict, match="'ada'"):
        stores.keys.add("ada")
    assert [key.name for key in stores.keys.all()] == ["ada"]
    assert stores.keys.valid() == []


@pytest.mark.parametrize("name", ["", "-x", "a b", "ä", "a" * 65, "a\n", "<b>", "../x"])
def test_a_name_that_would_not_stand_in_a_log_is_refused(stores: Stores, name: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^name: "):
        stores.keys.add(name)


@pytest.mark.parametrize("limit", [0, -1, 1_000_001])
def test_a_limit_out_of_range_is_refused_by_name(stores: Stores, limit: int) -> None:
    with pytest.raises(InvalidRequest, match=r"^per-minute: .*1 to 1000000"):
        stores.keys.add("ada", per_minute=limit)
    with pytest.raises(InvalidRequest, match=r"^queue: .*1 to 1000000"):
        stores.keys.add("ada", most_pending=limit)


@pytest.mark.parametrize("name", ["nobody", "", "'", "a" * 1000])
def test_a_key_that_is_not_there_cannot_be_revoked(stores: Stores, name: str) -> None:
    with pytest.raises(NotFound):
        stores.keys.revoke(name)


def test_a_key_is_added_and_revoked_although_the_answers_get_lost(stores: Stores) -> None:
    stores.keys._writer = AnswersGetLost(stores.writer)
    stores.keys.add("ada")
    stores.keys.revoke("ada")
    assert [key.revoked_at for key in stores.keys.all()] == [stores.clock.now()]


def test_the_ring_knows_whose_a_key_is_and_learns_of_changes_within_a_second(stores: Stores) -> None:
    ring = ring_of(stores)
    assert not ring.is_needed
    secret = stores.keys.add("ada", Scope.READ).encode()
    ring.refresh()
    assert ring.caller_of([secret]) is None  # read a moment ago
    stores.clock.advance(1)
    assert ring.is_stale
    ring.refresh()

    assert ring.is_needed
    assert ring.caller_of([b"another", secret]) == Caller("ada", Scope.READ)
    assert ring.caller_of([secret + b"x"]) is ring.caller_of([]) is None

    stores.keys.revoke("ada")
    stores.clock.advance(1)
    ring.refresh()
    assert ring.caller_of([secret]) is None
    assert not ring.is_needed


def test_the_key_of_the_settings_is_the_owners(stores: Stores) -> None:
    ring = ring_of(stores, house_key="the house é")
    assert ring.is_needed
    assert ring.caller_of(["the house é".encode()]) == Caller(None, Scope.ADMIN)
    assert ring.caller_of([b"the house"]) is None


def test_an_exposed_studio_asks_for_a_key_even_when_the_last_one_was_revoked(stores: Stores) -> None:
    ring = ring_of(stores, is_exposed=True)
    assert ring.is_needed
    assert ring.caller_of([b""]) is None


def test_a_minutes_worth_may_come_at_once_and_comes_back_evenly(stores: Stores) -> None:
    ring = ring_of(stores)
    caller = Caller("ada", Scope.READ, per_minute=6)
    assert [ring.wait_of(caller) for _ in range(8)] == [0] * 6 + [10, 10]
    stores.clock.advance(9)
    assert ring.wait_of(caller) == 1
    stores.clock.advance(1)
    assert [ring.wait_of(caller), ring.wait_of(caller)] == [0, 10]
    stores.clock.advance(3600)
    assert [ring.wait_of(caller) for _ in range(7)] == [0] * 6 + [10]
    assert [ring.wait_of(Caller("bob")) for _ in range(100)] == [0] * 100


def test_a_job_and_what_it_made_bear_the_name_of_whoever_asked(stores: Stores) -> None:
    with asking(ADA):
        generation = made(stores)
    assert stores.jobs.get(generation.job_id).owner == "ada"
    assert stores.records.generation(generation.id).owner == "ada"
    assert stores.jobs.get(stores.add()).owner is None


def test_a_caller_may_have_only_so_many_jobs_waiting_whatever_others_have(stores: Stores) -> None:
    limited = Caller("ada", Scope.SUBMIT, most_pending=2)
    with asking(BOB):
        stores.add()
    with asking(limited):
        stores.add()
        stores.add()
        with pytest.raises(QueueFull, match="limit of this key is 2"):
            stores.add()
        with pytest.raises(QueueFull):
            stores.batches.add([(0, a_recipe())], max_pending=MANY)
    assert stores.claims.claim("first") is not None  # bob's
    assert stores.claims.claim("first") is not None
    with asking(limited):
        with pytest.raises(QueueFull):
            stores.batches.add([(0, a_recipe()), (1, a_recipe())], max_pending=MANY)
        _, jobs = stores.batches.add([(0, a_recipe())], max_pending=MANY)
    assert [job.owner for job in jobs] == ["ada"]
    stores.assert_consistent()


def test_cancelling_many_passes_over_the_jobs_of_others(stores: Stores) -> None:
    order = QueueOrder(stores.database, stores.writer, stores.clock)
    nobodys = stores.add()
    with asking(BOB):
        bobs = stores.add()
    with asking(ADA):
        own, second = stores.add(), stores.add()
        assert order.cancel([nobodys, bobs, own]) == ([own], [])
        assert order.cancel(None) == ([second], [])
    assert sorted(order.cancel(None)[0]) == sorted([nobodys, bobs])
    stores.assert_consistent()


def runs(stores: Stores) -> str:
    """The owners of what waits, in the order in which it runs; "-" is nobody."""
    owners = ""
    while (claim := stores.claims.claim("first")) is not None:
        owners += claim.job.owner or "-"
    return owners


def test_owners_take_turns_while_several_wait(stores: Stores) -> None:
    with asking(ADA):
        for _ in range(3):
            stores.add()
    with asking(BOB):
        bobs = stores.add()
        stores.batches.add([(0, a_recipe()), (1, a_recipe())], max_pending=MANY)
    assert stores.jobs.get(bobs).position == 2
    assert runs(stores).replace("ada", "a").replace("bob", "b") == "ababab"
    stores.assert_consistent()


def test_what_runs_counts_and_a_job_that_was_moved_stays_where_it_was_put(stores: Stores) -> None:
    order = QueueOrder(stores.database, stores.writer, stores.clock)
    with asking(ADA):
        for _ in range(4):
            last = stores.add()
    stores.claimed()  # ada's first
    order.move(last, Place.FRONT)
    with asking(BOB):
        stores.add()
    nobodys = stores.add()
    assert stores.jobs.get(last).position == 3
    assert stores.jobs.get(nobodys).position == 2
    order.move(nobodys, Place.BACK)
    with asking(BOB):
        stores.add()
    assert runs(stores).replace("ada", "a").replace("bob", "b") == "babaa-"


def test_with_one_owner_the_order_is_that_of_submission(stores: Stores) -> None:
    with asking(ADA):
        ids = [stores.add() for _ in range(5)]
    assert [stores.claimed().job.id for _ in ids] == ids
