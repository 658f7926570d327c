"""The worker: the order of jobs, what becomes of each, and what it survives."""

from pathlib import Path

import pytest

from studio.endings import UNEXPECTED
from studio.errors import BadResult, EngineCrashed, EngineRefused, EngineStalled, StudioError
from studio.job import AttemptOutcome, JobStatus
from studio.scheduling import Place
from tests.behaviour.workshop import MODELS, Workshop, open_workshop

PENDING, PROCESSING, COMPLETED, FAILED, CANCELLED = JobStatus


# -- order -----------------------------------------------------------------------------------------------


def test_an_empty_queue_gives_nothing_to_do(workshop: Workshop) -> None:
    assert not workshop.run()
    assert workshop.engine.recipes == []


def test_jobs_are_done_in_the_order_of_submission_unless_one_is_moved(workshop: Workshop) -> None:
    ids = [workshop.submit(seed=seed) for seed in range(4)]
    workshop.studio.queue.move(ids[3], Place.UP)

    while workshop.run():
        pass

    assert [recipe.seed for recipe in workshop.engine.recipes] == [0, 1, 3, 2]
    assert {workshop.job(job_id).status for job_id in ids} == {COMPLETED}


def test_a_paused_queue_is_left_alone(workshop: Workshop) -> None:
    job_id = workshop.submit()
    workshop.studio.queue.pause()

    assert not workshop.run()
    assert workshop.job(job_id).status is PENDING
    workshop.studio.queue.resume()
    assert workshop.run()
    assert workshop.job(job_id).status is COMPLETED


def test_a_completed_job_has_its_pictures_on_disk_and_on_record(workshop: Workshop) -> None:
    job_id = workshop.submit(n=2, seed=7)

    workshop.run()

    job = workshop.job(job_id)
    assert job.generation_id is not None
    generation = workshop.studio.generation(job.generation_id)
    assert [image.seed for image in generation.images] == [7, 8]
    assert job.image_ids == tuple(image.id for image in generation.images)
    assert {workshop.outputs / image.path for image in generation.images} == set(workshop.pictures())
    assert workshop.outcomes(job_id) == [AttemptOutcome.COMPLETED]


def test_the_next_job_is_sampled_while_the_last_one_is_being_saved(workshop: Workshop) -> None:
    first, second = workshop.submit(), workshop.submit()
    with workshop.saver_busy():
        assert workshop.worker.run_once()
        workshop.engine.hold()
        running = workshop.meanwhile(workshop.worker.run_once)
        workshop.engine.wait_until_sampling()

        assert [workshop.job(job_id).status for job_id in (first, second)] == [PROCESSING, PROCESSING]
        assert workshop.pictures() == []
    workshop.engine.release()
    assert running.result(30)
    workshop.worker.settle()

    assert [workshop.job(job_id).status for job_id in (first, second)] == [COMPLETED, COMPLETED]


# -- faults ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("death", [EngineCrashed("The engine died."), EngineStalled("It is stuck.")])
def test_an_engine_that_dies_costs_one_more_try(workshop: Workshop, death: StudioError) -> None:
    job_id = workshop.submit()
    workshop.engine.faults.append(death)

    workshop.run()
    after_death = workshop.job(job_id)
    workshop.run()

    assert (after_death.status, after_death.failures, after_death.error) == (PENDING, 1, death.message)
    assert (workshop.job(job_id).status, workshop.job(job_id).error) == (COMPLETED, None)
    assert workshop.outcomes(job_id) == [AttemptOutcome.FAILED, AttemptOutcome.COMPLETED]


def test_a_job_that_ends_the_engine_twice_is_set_aside_and_the_next_one_runs(workshop: Workshop) -> None:
    killer, harmless = workshop.submit(), workshop.submit()
    workshop.engine.faults.extend([EngineCrashed("The engine died."), EngineCrashed("It died again.")])

    for _ in range(3):
        assert workshop.run()

    job = workshop.job(killer)
    assert (job.status, job.error_code) == (FAILED, "engine_crashed")
    assert job.error == "It died again. This job ended the engine 2 times, so it was set aside."
    assert workshop.outcomes(killer) == [AttemptOutcome.FAILED] * 2
    assert workshop.studio.attempts(killer)[0].log_tail == workshop.engine.log_tail
    assert workshop.job(harmless).status is COMPLETED


@pytest.mark.parametrize("fault", [EngineRefused("It says no."), BadResult("All grey.")])
def test_what_would_happen_again_is_not_tried_again(workshop: Workshop, fault: StudioError) -> None:
    job_id = workshop.submit()
    workshop.engine.faults.append(fault)

    workshop.run()

    job = workshop.job(job_id)
    assert (job.status, job.error, job.error_code, job.attempt) == (FAILED, fault.message, fault.code, 1)


def test_a_defect_fails_the_job_in_words_and_the_worker_lives_on(workshop: Workshop) -> None:
    unlucky, next_one = workshop.submit(), workshop.submit()
    workshop.engine.faults.append(ZeroDivisionError("secret detail"))  # type: ignore[arg-type]

    workshop.run()
    workshop.run()

    job = workshop.job(unlucky)
    assert (job.status, job.error, job.error_code) == (FAILED, UNEXPECTED, "error")
    assert workshop.job(next_one).status is COMPLETED


def test_a_model_whose_files_vanished_fails_its_job_with_their_names(tmp_path: Path) -> None:
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"weights")
    models = MODELS + "  filed: {name: Filed, files: {model: weights.safetensors}}\n"
    with open_workshop(tmp_path, models=models) as workshop:
        job_id = workshop.submit(model="filed")
        weights.unlink()

        workshop.run()

        job = workshop.job(job_id)
        assert (job.status, job.error_code) == (FAILED, "model_files_missing")
        assert "weights.safetensors" in (job.error or "")


def test_pictures_that_can_not_be_written_wait_for_room_uncounted(workshop: Workshop) -> None:
    job_id = workshop.submit()
    obstacle = workshop.outputs / "images"
    obstacle.write_text("no folder")

    workshop.run()
    waiting = workshop.job(job_id)
    obstacle.unlink()
    workshop.run()

    assert (waiting.status, waiting.failures, waiting.error) == (PENDING, 0, None)
    assert workshop.job(job_id).status is COMPLETED
    assert workshop.outcomes(job_id) == [AttemptOutcome.STOPPED, AttemptOutcome.COMPLETED]


def test_no_job_is_begun_while_nothing_can_be_stored_and_the_queue_goes_on_later(workshop: Workshop) -> None:
    job_id = workshop.submit()
    workshop.prepare()
    aside = workshop.outputs.rename(workshop.outputs.with_name("aside"))

    step = workshop.meanwhile(workshop.worker.step)
    while not step.done():
        workshop.clock.advance(1)
    aside.rename(workshop.outputs)

    assert step.result() is False
    assert workshop.job(job_id).attempt == 0
    assert workshop.worker.step()
    workshop.worker.settle()
    assert workshop.job(job_id).status is COMPLETED


# -- cancelling ------------------------------------------------------------------------------------------


def test_a_running_job_stops_at_once_when_it_is_cancelled(workshop: Workshop) -> None:
    job_id = workshop.submit()
    workshop.engine.hold()
    running = workshop.meanwhile(workshop.run)
    workshop.engine.wait_until_sampling()

    workshop.studio.cancel(job_id)

    assert running.result(30)
    job = workshop.job(job_id)
    assert (job.status, job.completed_at) == (CANCELLED, workshop.clock.now())
    assert workshop.outcomes(job_id) == [AttemptOutcome.CANCELLED]
    assert workshop.pictures() == []


def test_a_job_that_is_cancelled_while_it_is_being_saved_is_completed(workshop: Workshop) -> None:
    job_id = workshop.submit()
    with workshop.saver_busy():
        workshop.worker.run_once()
        wish = workshop.studio.cancel(job_id)
    workshop.worker.settle()

    assert (wish.status, wish.cancel_requested_at) == (PROCESSING, workshop.clock.now())
    assert workshop.job(job_id).status is COMPLETED
    assert len(workshop.pictures()) == 1


def test_a_wish_that_came_from_elsewhere_is_obeyed_at_the_next_heartbeat(workshop: Workshop) -> None:
    job_id = workshop.submit()
    workshop.engine.hold()
    running = workshop.meanwhile(workshop.run)
    workshop.engine.wait_until_sampling()

    workshop.studio._store.request_cancel(job_id)  # as another studio of the same database does
    workshop.clock.advance(1)
    workshop.engine.interrupt()

    assert running.result(30)
    assert workshop.job(job_id).status is CANCELLED


# -- losing the job --------------------------------------------------------------------------------------


def test_a_worker_that_lost_its_job_stops_and_writes_nothing(workshop: Workshop) -> None:
    job_id = workshop.submit()
    workshop.engine.hold()
    running = workshop.meanwhile(workshop.run)
    workshop.engine.wait_until_sampling()
    workshop.studio._claims.release()  # as if it were dead
    taken = workshop.job(job_id)

    workshop.clock.advance(1)
    workshop.engine.interrupt()
    assert running.result(30)

    assert workshop.job(job_id) == taken
    assert (taken.status, workshop.outcomes(job_id)) == (PENDING, [AttemptOutcome.LOST])
    assert workshop.pictures() == []


def test_pictures_that_come_too_late_are_dropped_with_their_files(workshop: Workshop) -> None:
    job_id = workshop.submit()
    with workshop.saver_busy():
        workshop.worker.run_once()
        workshop.studio._claims.release()
    workshop.worker.settle()

    assert workshop.job(job_id).status is PENDING
    assert workshop.studio.generations().total == 0
    assert workshop.pictures() == []
    workshop.run()
    assert workshop.outcomes(job_id) == [AttemptOutcome.LOST, AttemptOutcome.COMPLETED]


# -- stopping --------------------------------------------------------------------------------------------


def test_a_hurried_studio_puts_its_job_back_uncounted(workshop: Workshop) -> None:
    job_id = workshop.submit()
    workshop.engine.hold()
    running = workshop.meanwhile(workshop.run)
    workshop.engine.wait_until_sampling()

    workshop.studio.hurry()

    assert running.result(30)
    job = workshop.job(job_id)
    assert (job.status, job.failures, job.position) == (PENDING, 0, 1)
    assert workshop.outcomes(job_id) == [AttemptOutcome.STOPPED]


def test_a_studio_that_stops_lets_the_running_job_end_and_begins_no_other(tmp_path: Path) -> None:
    with open_workshop(tmp_path, stop_seconds=60) as workshop:
        running, waiting = workshop.submit(), workshop.submit()
        workshop.engine.hold()
        workshop.studio.start()
        workshop.engine.wait_until_sampling()

        closing = workshop.meanwhile(workshop.studio.close)
        assert workshop.worker._stopping.wait(30)
        workshop.engine.release()
        closing.result(30)

        assert (workshop.job(running).status, workshop.job(waiting).status) == (COMPLETED, PENDING)
        assert workshop.engine.closed


def test_a_started_studio_works_through_its_queue_by_itself(workshop: Workshop) -> None:
    ids = [workshop.submit() for _ in range(3)]
    workshop.studio.start()
    ids.append(workshop.submit())

    for job_id in ids:
        workshop.wait_for_status(job_id, COMPLETED)
