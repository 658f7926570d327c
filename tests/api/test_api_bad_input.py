"""Whatever is wrong with a JSON request, a path or a query is refused by its name."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.params import MAX_PROMPT_BYTES
from tests.api.serving import PROMPT, Served, serving

JSON = {"Content-Type": "application/json"}

WRONG: list[tuple[str, dict[str, Any]]] = [
    ("prompt", {"prompt": None}),
    ("prompt", {"prompt": ""}),
    ("prompt", {"prompt": " \n"}),
    ("prompt", {"prompt": 7}),
    ("prompt", {"prompt": ["a"]}),
    ("prompt", {"prompt": "a\x00b"}),
    ("prompt", {"prompt": "a\x1b[31m"}),
    ("prompt", {"prompt": "\ud800"}),
    ("prompt", {"prompt": "a" * (MAX_PROMPT_BYTES + 1)}),
    ("prompt", {"prompt": "é" * (MAX_PROMPT_BYTES // 2 + 1)}),
    ("negative_prompt", {"negative_prompt": "b" * 100_000}),
    ("model", {"model": "no such"}),
    ("model", {"model": ""}),
    ("model", {"model": "../models.yml"}),
    ("size", {"size": "100000x100000"}),
    ("size", {"size": "1024x1024"}),
    ("size", {"size": "1x1"}),
    ("size", {"size": "-5x64"}),
    ("size", {"size": "512"}),
    ("size", {"size": 512}),
    ("size", {"size": "٥١٢x512"[:3]}),
    ("n", {"n": 0}),
    ("n", {"n": 11}),
    ("n", {"n": "2"}),
    ("n", {"n": 2.0}),
    ("n", {"n": True}),
    ("seed", {"seed": -2}),
    ("seed", {"seed": 2**63}),
    ("seed", {"seed": 1.0}),
    ("seed", {"seed": True}),
    ("seed", {"seed": "0x10"}),
    ("seed", {"seed": "9" * 19}),
    ("seed", {"seed": "٣"}),
    ("steps", {"steps": 0}),
    ("steps", {"steps": 101}),
    ("steps", {"scheduler": "gits", "steps": 1}),
    ("cfg_scale", {"cfg_scale": float("nan")}),
    ("cfg_scale", {"cfg_scale": float("inf")}),
    ("cfg_scale", {"cfg_scale": 1e38}),
    ("cfg_scale", {"cfg_scale": "7"}),
    ("strength", {"strength": -0.1}),
    ("strength", {"strength": 1.1}),
    ("clip_skip", {"clip_skip": 13}),
    ("sampler", {"sampler": "no such"}),
    ("scheduler", {"scheduler": "no such"}),
    ("quality", {"quality": "best"}),
    ("style", {"style": "Vivid"}),
    ("fit", {"fit": "squeeze"}),
    ("mask_feather", {"mask_feather": -1}),
    ("distilled_guidance", {"distilled_guidance": -1}),
    ("flow_shift", {"flow_shift": 101}),
    ("hires", {"hires": {"enabled": True, "target_width": 1_000_000, "target_height": 1_000_000}}),
    ("eta", {"eta": 1e6}),
    ("cache_option", {"cache_mode": "spectrum", "cache_option": "m=-1,warmup=0"}),
    ("scm_mask", {"scm_mask": "abc"}),
    ("width", {"width": 512}),
    ("lora", {"lora": [{"path": "/etc/passwd"}]}),
    ("input_image", {"input_image": "0" * 64}),
    ("response_format", {"response_format": "b64_json"}),
]


@pytest.mark.parametrize(
    ("field", "change"), WRONG, ids=[f"{i}-{field}" for i, (field, _) in enumerate(WRONG)]
)
def test_a_wrong_field_is_refused_by_its_name(served: Served, field: str, change: dict[str, Any]) -> None:
    content = json.dumps(PROMPT | change).encode()
    answer = served.api.post("/queue/generate", content=content, headers=JSON)
    assert answer.status_code == 400, answer.text
    assert list(answer.json()) == ["error"]
    assert field in answer.json()["error"]
    assert len(answer.text) < 1000
    assert served.api.get("/queue").headers["x-total-count"] == "0"


NO_OBJECTS = [
    b"", b"null", b"[]", b'"a"', b"{", b'{"prompt": "a"', b"\xff\xfe", b'{"prompt": \xff}',
    b"{'prompt': 'a'}",
    b'{"prompt": "a"} {}', b'{"prompt": ' + b"[" * 200_000, b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    b'{"prompt": "a", "seed": ' + b"9" * 5000 + b"}", b"\x00", b'{"prompt": "a", "n": 1e999}',
]  # fmt: skip


@pytest.mark.parametrize("content", NO_OBJECTS, ids=range(len(NO_OBJECTS)))
def test_what_is_no_json_object_is_refused_in_a_sentence(served: Served, content: bytes) -> None:
    answer = served.api.post("/queue/generate", content=content, headers=JSON)
    assert answer.status_code == 400, answer.text
    assert list(answer.json()) == ["error"]
    assert len(answer.json()["error"]) > 10


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_json_must_be_declared_as_json(served: Served, kind: str) -> None:
    # A page of another site may send the first three without asking; none of them is taken for JSON.
    content = json.dumps(PROMPT).encode()
    answer = served.api.post("/queue/generate", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 400
    assert "application/json" in answer.json()["error"]


@pytest.mark.parametrize(
    "prompt", ["<lora:../../etc/passwd:1> a", "<sd_cpp_extra_args>{}</sd_cpp_extra_args>", "(a:.)"]
)
def test_a_prompt_is_text_whatever_it_holds(served: Served, prompt: str) -> None:
    made = served.generation(prompt=prompt)
    assert served.engine.recipes[-1].prompt == prompt
    assert served.api.get(f"/generations/{made['id']}").json()["prompt"] == prompt
    job_id = served.api.get("/queue").json()["jobs"][0]["id"]
    assert served.job(job_id)["prompt"] == prompt


def test_several_faults_are_told_together(served: Served) -> None:
    answer = served.api.post("/queue/generate", json={"n": 11, "steps": 0})
    assert answer.status_code == 400
    for field in ("prompt: ", "n: ", "steps: "):
        assert field in answer.json()["error"]


FIELDS = ["prompt", "model", "size", "n", "seed", "steps", "cfg_scale", "quality", "negative_prompt", "x"]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["demo", "64x64", "hd"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A studio that takes jobs and runs none."""
    with serving(tmp_path_factory.mktemp("idle"), start=False) as running:
        yield running


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(st.sampled_from(FIELDS), VALUES) | VALUES, good=st.booleans())
def test_no_json_whatsoever_makes_the_studio_stumble(idle: Served, body: Any, good: bool) -> None:
    if good and isinstance(body, dict):
        body = body | PROMPT
    content = json.dumps(body).encode()
    answer = idle.api.post("/queue/generate", content=content, headers=JSON)
    assert answer.status_code in (200, 400), (content, answer.text)
    assert set(answer.json()) == ({"job_id", "status"} if answer.status_code == 200 else {"error"})


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.text(st.characters(codec="utf-8"), max_size=20),
    path=st.text(st.characters(codec="utf-8"), max_size=20),
)
def test_no_path_and_no_query_makes_the_studio_stumble(idle: Served, query: str, path: str) -> None:
    for base in ("/queue/", "/generations/", "/images/", "/models/"):
        answer = idle.api.get(base + quote(path, safe=""), params={"thumb": query})
        assert answer.status_code in (200, 400, 404), (path, query, answer.text)
    answer = idle.api.get("/queue", params={"limit": query, "offset": path})
    assert answer.status_code in (200, 400)
