"""What faces ask of the queue, on both databases."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from studio.errors import IdempotencyMismatch, NotFound, QueueFull, Stopping
from studio.job import JobStatus
from studio.params import MAX_SEED
from studio.store import JobStore, is_id
from tests.builders import a_generation, a_recipe, new_id
from tests.contract.storage.stores import MANY, AnswersGetLost, Stores, open_stores

PROMPTS = {
    "emoji": "a 🦊 and a family 👨‍👩‍👧‍👦 under a 🏳️‍🌈",
    "right to left": "قطة حمراء تحت שמש \u202e reversed",
    "quotes": """'; DROP TABLE job; -- "double" `back` \\ %s :name ? $1 {brace}""",
    "newlines and tabs": "one\ntwo\r\nthree\tfour",
    "beyond the basic plane": "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 ﷽ é é",
    "spaces kept": "  leading and trailing  ",
}


def test_a_job_comes_back_as_it_was_added(stores: Stores) -> None:
    recipe = a_recipe(
        n=3, strength=0.0, negative_prompt="", type="edit", input_image="ab" * 32, mask="cd" * 32
    )

    added = stores.jobs.add(recipe, max_pending=1, source_image_id="source")

    assert is_id(added.id)
    assert added.recipe == recipe
    assert (added.status, added.attempt, added.failures) == (JobStatus.PENDING, 0, 0)
    assert (added.created_at, added.updated_at) == (stores.clock.now(), stores.clock.now())
    assert (added.started_at, added.completed_at, added.progress, added.error) == (None, None, None, None)
    assert (added.source_image_id, added.position) == ("source", 1)
    assert stores.jobs.get(added.id) == added


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
def test_every_prompt_comes_back_letter_by_letter(stores: Stores, prompt: str) -> None:
    job_id = stores.add(prompt=prompt, sent_prompt=prompt + " vivid", negative_prompt=prompt)
    claim = stores.claimed()
    generation = a_generation(claim.job)
    assert stores.claims.finish(claim, generation, log_tail=prompt)

    for recipe in (stores.jobs.get(job_id).recipe, stores.records.generation(generation.id).recipe):
        assert (recipe.prompt, recipe.negative_prompt) == (prompt, prompt)
        assert recipe.sent_prompt == prompt + " vivid"
    assert stores.jobs.attempts(job_id)[0].log_tail == prompt


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**53 + 1, MAX_SEED])
def test_every_seed_comes_back_exactly(stores: Stores, seed: int) -> None:
    job_id = stores.add(seed=seed)
    claim = stores.claimed()
    generation = a_generation(claim.job, images=())
    image = a_generation(claim.job).images[0]
    image = type(image)(**{**vars(image), "generation_id": generation.id, "seed": seed})

    assert stores.claims.finish(claim, type(generation)(**{**vars(generation), "images": (image,)}))

    assert stores.jobs.get(job_id).recipe.seed == seed
    assert stores.records.image(image.id).seed == seed


def test_an_unknown_id_is_not_found_by_name(stores: Stores) -> None:
    for unknown in (new_id(), "", "../../etc/passwd", "' OR 1=1 --"):
        with pytest.raises(NotFound) as caught:
            stores.jobs.get(unknown)
        assert repr(unknown) in caught.value.message
        with pytest.raises(NotFound):
            stores.jobs.request_cancel(unknown)
    assert stores.jobs.attempts(new_id()) == []


def test_a_full_queue_refuses_with_the_limit_and_takes_more_once_one_is_claimed(stores: Stores) -> None:
    for _ in range(2):
        stores.jobs.add(a_recipe(), max_pending=2)

    with pytest.raises(QueueFull, match="2 jobs wait, the limit is 2") as caught:
        stores.jobs.add(a_recipe(), max_pending=2)

    assert caught.value.retry_after > 0
    assert stores.jobs.counts()[JobStatus.PENDING] == 2
    stores.claimed()
    stores.jobs.add(a_recipe(), max_pending=2)
    stores.assert_consistent()


def test_the_limit_of_the_queue_holds_when_many_submit_at_once(stores: Stores) -> None:
    start = threading.Barrier(16)

    def submit(_place: int) -> bool:
        start.wait()
        try:
            stores.jobs.add(a_recipe(), max_pending=10)
        except QueueFull:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        accepted = sum(threads.map(submit, range(16)))

    assert accepted == 10
    assert stores.jobs.counts()[JobStatus.PENDING] == 10
    stores.assert_consistent()


def test_one_key_submitted_sixteen_times_at_once_makes_one_job(stores: Stores) -> None:
    start = threading.Barrier(16)

    def submit(_place: int) -> str:
        start.wait()
        job = stores.jobs.add(a_recipe(), max_pending=MANY, idempotency_key="key", fingerprint="same")
        return job.id

    with ThreadPoolExecutor(16) as threads:
        ids = set(threads.map(submit, range(16)))

    assert len(ids) == 1
    assert stores.jobs.page(status=None, limit=9, offset=0).total == 1
    stores.assert_consistent()


def test_a_key_names_its_job_through_all_of_its_life_and_past_the_limit(stores: Stores) -> None:
    def submit() -> tuple[str, JobStatus]:
        job = stores.jobs.add(a_recipe(), max_pending=1, idempotency_key="key", fingerprint="same")
        return job.id, job.status

    job_id, _ = submit()
    assert submit() == (job_id, JobStatus.PENDING)
    claim = stores.claimed()
    stores.add()
    assert submit() == (job_id, JobStatus.PROCESSING)
    stores.claims.finish(claim, a_generation(claim.job))
    assert submit() == (job_id, JobStatus.COMPLETED)
    assert stores.jobs.earlier("key") == (job_id, "same")
    assert stores.jobs.earlier("other") is None


def test_a_key_with_another_request_is_refused_and_stores_nothing(stores: Stores) -> None:
    stores.jobs.add(a_recipe(), max_pending=MANY, idempotency_key="key", fingerprint="one")

    with pytest.raises(IdempotencyMismatch, match="Idempotency-Key"):
        stores.jobs.add(a_recipe(), max_pending=MANY, idempotency_key="key", fingerprint="two")

    assert stores.jobs.page(status=None, limit=9, offset=0).total == 1
    stores.assert_consistent()


def test_a_pending_job_is_cancelled_at_once(stores: Stores) -> None:
    job_id = stores.add()
    stores.clock.advance(5)

    job = stores.jobs.request_cancel(job_id)

    assert (job.status, job.completed_at, job.position) == (JobStatus.CANCELLED, stores.clock.now(), None)
    assert stores.claims.claim("first") is None


def test_a_processing_job_is_marked_and_keeps_the_time_of_the_first_wish(stores: Stores) -> None:
    job_id = stores.add()
    stores.claimed()
    first_wish = stores.clock.now()

    stores.jobs.request_cancel(job_id)
    stores.clock.advance(5)
    job = stores.jobs.request_cancel(job_id)

    assert (job.status, job.cancel_requested_at) == (JobStatus.PROCESSING, first_wish)


def test_positions_count_the_pending_jobs_before_and_close_ranks(stores: Stores) -> None:
    first, second, third = (stores.add() for _ in range(3))

    def positions() -> list[int | None]:
        return [stores.jobs.get(job_id).position for job_id in (first, second, third)]

    assert positions() == [1, 2, 3]
    stores.claimed()
    assert positions() == [None, 1, 2]
    stores.jobs.request_cancel(second)
    assert positions() == [None, None, 1]


def test_pages_are_newest_first_with_totals_and_positions(stores: Stores) -> None:
    ids = [stores.add() for _ in range(7)]
    stores.jobs.request_cancel(ids[5])
    stores.claimed()

    everything = stores.jobs.page(status=None, limit=100, offset=0)
    middle = stores.jobs.page(status=None, limit=3, offset=1)
    waiting = stores.jobs.page(status=JobStatus.PENDING, limit=2, offset=1)
    past_the_end = stores.jobs.page(status=None, limit=3, offset=7)

    assert [job.id for job in everything.rows] == ids[::-1]
    assert [job.position for job in everything.rows] == [5, None, 4, 3, 2, 1, None]
    assert everything.rows == [stores.jobs.get(job_id) for job_id in ids[::-1]]
    assert ([job.id for job in middle.rows], middle.total) == (ids[5:2:-1], 7)
    assert [job.position for job in middle.rows] == [None, 4, 3]
    assert ([job.id for job in waiting.rows], waiting.total) == ([ids[4], ids[3]], 5)
    assert [job.position for job in waiting.rows] == [4, 3]
    assert (past_the_end.rows, past_the_end.total) == ([], 7)
    assert stores.jobs.page(status=JobStatus.FAILED, limit=5, offset=0).total == 0


def test_jobs_keep_the_order_of_submission_though_the_clock_goes_back(stores: Stores) -> None:
    first = stores.add()
    stores.clock.set_back(3600)
    second = stores.add()

    assert stores.claimed().job.id == first
    assert stores.jobs.get(second).position == 1
    assert [job.id for job in stores.jobs.page(status=None, limit=5, offset=0).rows] == [second, first]


def test_inputs_in_use_are_known_whatever_became_of_the_job(stores: Stores) -> None:
    edit = {"type": "edit", "input_image": "aa" * 32, "mask": "bb" * 32}
    stores.jobs.request_cancel(stores.add(**edit))
    stores.add(**edit, references=["dd" * 32, "ee" * 32, "dd" * 32], control_image="ee" * 32)
    stores.add(control_image="ff" * 32)

    every = {each * 32 for each in ("aa", "bb", "dd", "ee", "ff")}
    assert stores.jobs.known_inputs(["cc" * 32, *every]) == every
    assert stores.jobs.known_inputs([]) == set()


def test_everything_is_still_there_when_the_database_is_opened_again(url: str) -> None:
    with open_stores(url) as stores:
        job = stores.jobs.get(stores.add())

    with open_stores(url) as stores:
        assert stores.jobs.get(job.id) == job
        assert stores.jobs.counts()[JobStatus.PENDING] == 1


def test_after_close_changes_are_refused(url: str) -> None:
    with open_stores(url) as stores:
        job_id = stores.add()
        stores.writer.close()
        stores.writer.close()

        with pytest.raises(Stopping):
            stores.add()
        assert stores.jobs.get(job_id).position == 1


@pytest.mark.parametrize("key", [None, "key"])
def test_a_submit_whose_answer_got_lost_makes_one_job(stores: Stores, key: str | None) -> None:
    jobs = JobStore(stores.database, AnswersGetLost(stores.writer), stores.clock)

    job = jobs.add(a_recipe(), max_pending=MANY, idempotency_key=key, fingerprint="same")

    assert [row.id for row in stores.jobs.page(status=None, limit=9, offset=0).rows] == [job.id]
    stores.assert_consistent()


def test_ids_sort_in_the_order_of_submission(stores: Stores) -> None:
    ids = [stores.add() for _ in range(20)]

    assert ids == sorted(ids)


def test_only_our_spelling_of_an_id_is_one() -> None:
    spelled = new_id()

    assert is_id(spelled)
    for other in (spelled.upper(), f"{{{spelled}}}", spelled.replace("-", ""), "", "x" * 36, spelled + "\n"):
        assert not is_id(other)


@pytest.mark.skipif(sys.platform == "win32", reason="the threads of a Windows runner are too few")
def test_forty_threads_write_at_once_and_none_is_refused(stores: Stores) -> None:
    start = threading.Barrier(40)

    def submit(_place: int) -> list[str]:
        start.wait()
        return [stores.add() for _ in range(5)]

    with ThreadPoolExecutor(40) as threads:
        ids = [job_id for part in threads.map(submit, range(40)) for job_id in part]

    assert len(set(ids)) == 200
    assert stores.jobs.counts()[JobStatus.PENDING] == 200
    stores.assert_consistent()
