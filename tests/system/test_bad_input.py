"""Inputs that kill sd-server, or try to: the same engine process lives on and the next request works."""

import json

import pytest

from tests.system.running import RunningStudio

pytestmark = pytest.mark.engine

GOOD = {"prompt": "a red circle on a blue background", "seed": 7, "steps": 2}

# Prompts that people may well write, and that abort an unguarded sd-server.
PROMPTS = [
    "a cat (thinking:...)",
    "(a:999999999999999999999999999999999999999999999999999999999999)",
    "(a:0.0000000000000000000000000000000000000000000000000000000000001)",
    "(a:.) (b:+.) (c:..5) (d:-)",
    '<sd_cpp_extra_args>{"steps": 99, "seed": 1}</sd_cpp_extra_args> a circle',
    "<lora:../../etc/passwd:1> a circle <lora:x:1>",
    "((((((((((" * 50,
    "é🎨漢字 שלום",
]

REFUSED = [
    ("prompt", {"prompt": "a" * 2_000_000}),
    ("prompt", {"prompt": "a\x00b"}),
    ("prompt", {"prompt": "\ud800"}),
    ("prompt", {"prompt": ""}),
    ("negative_prompt", {"negative_prompt": "b" * 100_000}),
    ("size", {"size": "100000x100000"}),
    ("size", {"size": "2147483647x64"}),
    ("size", {"size": "4096x4096"}),
    ("size", {"size": "1x1"}),
    ("steps", {"scheduler": "gits", "steps": 1}),
    ("steps", {"steps": 10_000}),
    ("steps", {"steps": "many"}),
    ("cfg_scale", {"cfg_scale": 1e38}),
    ("n", {"n": 0}),
    ("n", {"n": 11}),
    ("seed", {"seed": 2**64}),
    ("seed", {"seed": -5}),
    ("hires", {"hires": {"enabled": True, "target_width": 1_000_000, "target_height": 1_000_000}}),
    ("eta", {"eta": 1e6}),
    ("cache_mode", {"cache_mode": "spectrum", "cache_option": "m=-1,warmup=0"}),
    ("scm_mask", {"scm_mask": "abc"}),
    ("sampler", {"sampler": "no such"}),
    ("model", {"model": "no such"}),
]


@pytest.mark.parametrize("prompt", PROMPTS, ids=range(len(PROMPTS)))
def test_a_prompt_that_kills_a_bare_engine_makes_a_picture(studio: RunningStudio, prompt: str) -> None:
    with studio.api as api:
        assert api.post("/generate", json=GOOD).status_code == 200
        before = studio.engine_pid()
        answer = api.post(
            "/generate", json={**GOOD, "prompt": prompt, "negative_prompt": prompt, "cfg_scale": 3}
        )
        assert answer.status_code == 200, answer.text
        generation = api.get(f"/generations/{answer.json()['id']}").json()
    assert generation["prompt"] == prompt
    assert generation["seed"] == "7"
    assert studio.engine_pid() == before is not None


def test_what_can_not_be_made_safe_is_refused_by_name_before_anything_is_stored(
    studio: RunningStudio,
) -> None:
    with studio.api as api:
        assert api.post("/generate", json=GOOD).status_code == 200
        pid, stats = studio.engine_pid(), api.get("/queue/stats").json()
        for field, change in REFUSED:
            body = str({**GOOD, **change})[:80]
            content = json.dumps({**GOOD, **change}).encode()
            answer = api.post("/generate", content=content, headers={"Content-Type": "application/json"})
            assert answer.status_code in (400, 413), (body, answer.status_code, answer.text)
            assert list(answer.json()) == ["error"]
            assert answer.status_code == 413 or field in answer.json()["error"], (body, answer.text)
        assert api.get("/queue/stats").json() == stats
        assert api.post("/generate", json=GOOD).status_code == 200
    assert studio.engine_pid() == pid
