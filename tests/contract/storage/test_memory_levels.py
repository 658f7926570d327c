"""What is remembered of how thrifty models had to be."""

import pytest

from studio.memory_levels import PATIENCE_SECONDS, Need
from studio.thrift import Thrift
from tests.contract.storage.stores import Stores

TILING, CLIP, OFFLOAD = Thrift


def a_need(pixels: int = 100, *, model: str = "m", fingerprint: str = "f", untiled: bool = False) -> Need:
    return Need(model, fingerprint, pixels, untiled)


def test_what_a_size_needed_holds_for_that_and_larger_ones_of_the_model(stores: Stores) -> None:
    levels = stores.memory_levels
    assert levels.rung(a_need()) is None
    levels.remember(a_need(100), CLIP)
    assert [levels.rung(a_need(pixels)) for pixels in (0, 99, 100, 10**12)] == [None, None, CLIP, CLIP]
    assert levels.rung(a_need(model="other")) is None


def test_of_several_sizes_the_highest_counts(stores: Stores) -> None:
    levels = stores.memory_levels
    levels.remember(a_need(0), CLIP)
    levels.remember(a_need(200), TILING)
    levels.remember(a_need(300), OFFLOAD)
    assert [levels.rung(a_need(pixels)) for pixels in (0, 200, 300)] == [CLIP, CLIP, OFFLOAD]


def test_the_latest_word_on_a_size_counts(stores: Stores) -> None:
    levels = stores.memory_levels
    levels.remember(a_need(), OFFLOAD)
    levels.remember(a_need(), TILING)
    assert levels.rung(a_need()) is TILING


def test_jobs_that_forbid_tiling_teach_the_others_nothing_and_learn_from_them(stores: Stores) -> None:
    levels = stores.memory_levels
    levels.remember(a_need(untiled=True), OFFLOAD)
    assert (levels.rung(a_need()), levels.rung(a_need(untiled=True))) == (None, OFFLOAD)
    levels.remember(a_need(50), CLIP)
    assert (levels.rung(a_need(60)), levels.rung(a_need(60, untiled=True))) == (CLIP, CLIP)


def test_an_entry_that_changed_starts_anew_and_what_was_known_of_it_goes(stores: Stores) -> None:
    levels = stores.memory_levels
    levels.remember(a_need(), OFFLOAD)
    levels.remember(a_need(model="other"), CLIP)
    assert levels.rung(a_need(fingerprint="new")) is None

    levels.remember(a_need(fingerprint="new"), TILING)
    assert levels.rung(a_need(fingerprint="new")) is TILING
    assert levels.rung(a_need()) is None
    assert levels.rung(a_need(model="other")) is CLIP


@pytest.mark.parametrize("weeks", range(5))
def test_every_week_one_rung_less_is_tried(stores: Stores, weeks: int) -> None:
    stores.memory_levels.remember(a_need(), OFFLOAD)
    expected = [OFFLOAD, CLIP, TILING, None, None][weeks]
    stores.clock.advance(weeks * PATIENCE_SECONDS)
    assert stores.memory_levels.rung(a_need()) is expected
    stores.clock.advance(PATIENCE_SECONDS - 1)
    assert stores.memory_levels.rung(a_need()) is expected


def test_a_word_of_another_version_is_passed_over(stores: Stores) -> None:
    stores.memory_levels.remember(a_need(), OFFLOAD)
    stores.memory_levels.remember(a_need(50), TILING)
    with stores.database.connection_context(), stores.database.atomic():
        stores.database.execute_sql("UPDATE memory_level SET level = 'prayer' WHERE pixels = 100")
    assert stores.memory_levels.rung(a_need()) is TILING


def test_a_note_is_written_for_the_job_in_hand_only(stores: Stores) -> None:
    job_id = stores.add()
    claim = stores.claimed()
    before = stores.jobs.get(job_id)
    stores.claims.note(claim, "It was slow.")
    assert (before.note, stores.jobs.get(job_id).note) == (None, "It was slow.")
    assert stores.jobs.get(job_id).revision > before.revision

    stores.claims.requeue(claim, None)
    stores.claims.note(claim, "Too late.")
    assert stores.jobs.get(job_id).note == "It was slow."
    stores.claims.note(stores.claimed("second"), None)
    assert stores.jobs.get(job_id).note is None
