"""The engine's output as facts, and facts as one rising fraction; on recordings of a real engine."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.job import Phase, Progress
from studio.sdserver.progress import Bar, Fact, Mark, Marker, OutputParser
from studio.sdserver.tracker import ProgressTracker

RECORDINGS = Path(__file__).with_name("recordings")
LOADING = (RECORDINGS / "load_and_one_picture.raw").read_bytes()
THREE = (RECORDINGS / "three_pictures.raw").read_bytes()
TILED = (RECORDINGS / "tiled_edit.raw").read_bytes()


def facts_of(*chunks: bytes) -> list[Fact]:
    parser = OutputParser()
    return [fact for chunk in chunks for fact in parser.feed(chunk)]


def marks_of(output: bytes) -> list[Mark]:
    return [fact.mark for fact in facts_of(output) if isinstance(fact, Marker)]


def follow(tracker: ProgressTracker, output: bytes) -> list[Progress]:
    seen = []
    for fact in facts_of(output):
        tracker.apply(fact)
        seen.append(tracker.progress(now=0.0))
    return seen


def test_a_recorded_start_and_job_give_their_marks_in_order() -> None:
    assert marks_of(LOADING) == [
        Mark.LISTENING,
        Mark.STARTED,
        Mark.ENCODED,
        Mark.PICTURE,
        Mark.SAMPLED,
        Mark.DECODING,
        Mark.DECODED,
        Mark.FINISHED,
    ]


def test_weight_bars_and_step_bars_are_told_apart_by_their_unit() -> None:
    bars = [fact for fact in facts_of(LOADING) if isinstance(fact, Bar)]
    weights = [bar for bar in bars if bar.counts_weights]
    steps = [bar for bar in bars if not bar.counts_weights]
    assert weights[-1] == Bar(802, 802, None)
    assert [(bar.step, bar.steps) for bar in steps] == [(1, 2), (2, 2)]
    assert steps[1].seconds_per_step == 2.62


def test_steps_faster_than_one_a_second_are_seconds_per_step_too() -> None:
    bar = "=" * 50
    assert facts_of(f"\r  |{bar}| 3/4 - 4.00it/s\x1b[K".encode()) == [Bar(3, 4, 0.25)]
    assert facts_of(f"\r  |{bar}| 3/4 - 0.00it/s\x1b[K".encode()) == [Bar(3, 4, 0.0)]


@given(st.lists(st.integers(0, len(THREE)), max_size=40))
def test_it_does_not_matter_where_the_stream_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(THREE)]
    chunks = [THREE[start:end] for start, end in itertools.pairwise(edges)]
    assert facts_of(*chunks) == facts_of(THREE)


@given(st.binary(max_size=400))
def test_noise_before_a_line_hides_nothing_after_it(noise: bytes) -> None:
    facts = facts_of(noise, b"\n[INFO ] x.cpp:1 - generate_image completed in 1.00s\n")
    assert facts[-1] == Marker(Mark.FINISHED)


def test_two_threads_writing_into_one_line_are_both_understood() -> None:
    line = b"[INFO ] [INFO ] a.cpp:1 - decoding 3 latentsb.cpp:2 - generating image: 2/3 - seed 5\n"
    assert facts_of(line) == [Marker(Mark.DECODING, 0, 3), Marker(Mark.PICTURE, 2, 3)]


def test_other_file_names_and_a_newer_wording_are_understood() -> None:
    newer = (
        b"[INFO ] src/elsewhere.cc:9 - listening on: http://127.0.0.1:1\n[INFO ] z:1 - decoding 2/3 latents\n"
    )
    bar = b"\r  |" + b"#" * 10 + b" " * 40 + b"| 1/5 - 1.50GB/s\x1b[K"
    assert facts_of(newer, bar) == [Marker(Mark.LISTENING), Marker(Mark.DECODING, 0, 3), Bar(1, 5, None)]


def test_a_flood_without_line_ends_keeps_the_memory_bounded() -> None:
    parser = OutputParser()
    for _ in range(1000):
        assert parser.feed(b"x" * 100_000) == []
    assert parser.feed(b"\n[INFO ] a:1 - generate_image completed in 1s\n") == [Marker(Mark.FINISHED)]


def test_loading_comes_first_and_fills_a_tenth() -> None:
    tracker = ProgressTracker(1)
    tracker.begin_loading()
    seen = follow(tracker, LOADING)
    assert {progress.phase for progress in seen} == {Phase.LOADING}
    assert seen[0].fraction == pytest.approx(0.1 * 294 / 802)
    assert (seen[0].step, seen[0].steps) == (294, 802)
    assert seen[-1].fraction == pytest.approx(0.1)


def test_three_pictures_rise_through_all_phases_and_never_fall() -> None:
    tracker = ProgressTracker(3)
    tracker.begin_batch(0, 3, now=0.0)
    seen = follow(tracker, THREE)
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert list(dict.fromkeys(progress.phase for progress in seen)) == [
        Phase.ENCODING,
        Phase.SAMPLING,
        Phase.DECODING,
        Phase.SAVING,
    ]
    steps = [(p.image, p.step, p.steps) for p in seen if p.phase is Phase.SAMPLING and p.step]
    assert steps == [(image, step, 6) for image in (1, 2, 3) for step in range(1, 7)]
    assert [p.image for p in seen if p.phase is Phase.DECODING][-1] == 3
    assert seen[-1].fraction == 0.99


def test_a_second_batch_goes_on_where_the_first_ended() -> None:
    tracker = ProgressTracker(6)
    tracker.begin_batch(0, 3, now=0.0)
    first = follow(tracker, THREE)
    tracker.begin_batch(3, 3, now=0.0)
    second = follow(tracker, THREE)
    assert first[-1].fraction == pytest.approx(0.5)
    assert second[0].fraction >= 0.5
    assert {p.image for p in second if p.phase is Phase.SAMPLING} == {4, 5, 6}
    assert tracker.finished == 2


def test_tile_bars_count_as_encoding_and_decoding_not_as_steps() -> None:
    tracker = ProgressTracker(1)
    tracker.begin_batch(0, 1, now=0.0)
    seen = follow(tracker, TILED)
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    shown = {
        phase: {p.steps for p in seen if p.phase is phase and p.step}
        for phase in (Phase.ENCODING, Phase.SAMPLING, Phase.DECODING)
    }
    assert shown == {Phase.ENCODING: {4}, Phase.SAMPLING: {5}, Phase.DECODING: {9}}
    assert seen[-1].seconds_per_step == pytest.approx(1 / 1.34)


def test_a_lora_read_within_a_job_changes_neither_phase_nor_fraction() -> None:
    tracker = ProgressTracker(1)
    tracker.begin_batch(0, 1, now=0.0)
    before = tracker.progress(now=0.0)
    tracker.apply(Bar(1, 2, None))
    assert tracker.progress(now=0.0) == before


def test_the_time_left_is_remembered_at_first_and_measured_later() -> None:
    tracker = ProgressTracker(1, expected_seconds=100.0)
    tracker.begin_batch(0, 1, now=10.0)
    assert tracker.progress(now=20.0).eta_seconds == 90.0
    tracker.apply(Marker(Mark.PICTURE, 1, 1))
    tracker.apply(Bar(5, 10, 1.0))
    # Nearly half done after 20 s: the measured speed says some 23 s more, the memory 80 s.
    blended = tracker.progress(now=30.0).eta_seconds
    assert blended is not None and 23 < blended < 80
    unknown = ProgressTracker(1)
    unknown.begin_batch(0, 1, now=10.0)
    assert unknown.progress(now=20.0).eta_seconds is None


@pytest.mark.parametrize("bar", [Bar(3, 0, 1.0), Bar(0, 0, 1.0), Bar(9, 3, 1.0), Bar(3, 0, None)])
def test_impossible_bars_are_ignored(bar: Bar) -> None:
    tracker = ProgressTracker(1)
    tracker.begin_loading()
    tracker.apply(bar)
    assert tracker.progress(now=0.0).fraction <= 0.1
    tracker.begin_batch(0, 1, now=0.0)
    tracker.apply(Marker(Mark.PICTURE, 1, 1))
    tracker.apply(bar)
    assert tracker.progress(now=0.0).step == 0


SECOND_PASS = b"".join(
    [
        b"[INFO ] a.cpp:1 - generate_image 64x64\n[INFO ] a.cpp:2 - generating image: 1/1 - seed 1\n",
        b"\r  |" + b"=" * 50 + b"| 2/2 - 5.93it/s\x1b[K\n",
        b"[INFO ] a.cpp:3 - sampling completed, taking 0.34s\n",
        b"[INFO ] a.cpp:4 - generating 1 latent images completed, taking 0.34s\n",
        b"[INFO ] a.cpp:5 - hires fix: upscaling to 128x128\n",
        b"[INFO ] a.cpp:6 - hires fix: 6 steps, denoising_strength=0.50, sigma_sched_size=5\n",
        b"\r  |" + b"=" * 25 + b" " * 25 + b"| 2/4 - 1.87it/s\x1b[K",
        b"\r  |" + b"=" * 50 + b"| 4/4 - 1.57it/s\x1b[K\n",
        b"[INFO ] a.cpp:7 - hires sampling 1/1 completed, taking 2.54s\n",
        b"[INFO ] a.cpp:8 - hires fix completed, taking 2.54s\n[INFO ] a.cpp:9 - decoding 1 latents\n",
        b"[INFO ] a.cpp:10 - latent 1 decoded, taking 2.59s\n",
        b"[INFO ] a.cpp:11 - generate_image completed in 5.99s\n",
    ]
)


def test_a_second_pass_is_sampling_too_and_has_its_share() -> None:
    tracker = ProgressTracker(1, second_pass=0.8)
    tracker.begin_batch(0, 1, 0.0)
    seen = follow(tracker, SECOND_PASS)
    sampling = [(p.step, p.steps, round(p.fraction, 3)) for p in seen if p.phase is Phase.SAMPLING and p.step]
    assert sampling == [(2, 2, 0.208), (2, 4, 0.544), (4, 4, 0.88)]
    phases = [phase for phase, _ in itertools.groupby(progress.phase for progress in seen)]
    assert phases == [Phase.ENCODING, Phase.SAMPLING, Phase.DECODING, Phase.SAVING]
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
