"""The documents: complete, with examples that hold, and nothing from the internet."""

import re
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from studio.api import (
    bodies,
    download_views,
    grid_views,
    inputs,
    library_views,
    model_views,
    presets,
    views,
)
from studio.api.errors import ErrorView, JobErrorView
from tests.api.serving import Served

CONTRACT = {
    "get /health", "get /config", "get /caller", "post /generate", "post /edit", "post /variation",
    "post /queue/generate",
    "post /queue/edit", "post /queue/variation", "get /queue", "get /queue/{job_id}",
    "delete /queue/{job_id}",
    "get /queue/stats", "get /generations", "delete /generations",
    "post /generations/{generation_id}/replay", "get /generations/{generation_id}/replay/{job_id}",
    "get /generations/{generation_id}", "get /images/{image_id}",
    "get /generations/{generation_id}/image", "get /generations/{generation_id}/images",
    "delete /generations/{generation_id}", "get /models", "get /models/{model_id}", "get /models/running",
    "get /models/{model_id}/status", "get /models/{model_id}/files",
    "get /queue/{job_id}/attempts", "get /queue/{job_id}/webhooks",
    "get /queue/{job_id}/request", "post /queue/{job_id}/move",
    "post /queue/{job_id}/retry", "post /queue/pause", "post /queue/resume", "post /queue/cancel",
    "post /queue/batch", "get /grids", "post /grids", "get /grids/{grid_id}", "delete /grids/{grid_id}",
    "post /grids/{grid_id}/cancel", "get /grids/{grid_id}/sheet", "get /grids/{grid_id}/cells.csv",
    "post /models/{model_id}/start", "post /models/{model_id}/stop", "get /events",
    "post /models/download", "get /models/download", "get /models/download/{download_id}",
    "delete /models/download/{download_id}",
    "get /library", "get /library/stats", "post /library/clean", "get /images/{image_id}/info",
    "patch /images/{image_id}", "post /images/delete", "get /images.zip", "post /images.zip",
    "post /inputs", "post /inputs/from-image", "get /inputs/{input_id}", "post /import",
    "get /features", "get /loras", "get /upscalers", "post /upscale", "post /queue/upscale",
    "get /presets", "get /presets/{name}", "put /presets/{name}", "patch /presets/{name}",
    "delete /presets/{name}",
}  # fmt: skip


@pytest.fixture(scope="module")
def document(served: Served) -> dict[str, Any]:
    """The OpenAPI document as clients get it."""
    answer = served.api.get("/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """{"get /path": operation}"""
    return {f"{verb} {path}": op for path, verbs in document["paths"].items() for verb, op in verbs.items()}


def test_every_endpoint_is_documented_in_sentences(document: dict[str, Any]) -> None:
    found = operations(document)
    assert set(found) == CONTRACT
    for name, operation in found.items():
        assert operation["summary"], name
        assert len(operation["description"]) > 20, name
        assert operation["tags"], name
        for parameter in operation.get("parameters", []):
            assert parameter["description"], (name, parameter["name"])
    ids = [operation["operationId"] for operation in found.values()]
    assert len(ids) == len(set(ids))


def test_every_fault_is_documented_in_our_shape(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        assert "422" not in operation["responses"], name
        faults = {status: answer for status, answer in operation["responses"].items() if status[0] in "45d"}
        assert "default" in faults, name
        for status, answer in faults.items():
            shape = answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            assert shape in ("ErrorView", "JobErrorView"), (name, status)
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_posts_document_their_body_and_their_key(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        if not name.endswith(("/generate", "/edit", "/variation")):
            continue
        kind = "application/json" if name.endswith("generate") else "multipart/form-data"
        assert kind in operation["requestBody"]["content"], name
        assert "Idempotency-Key" in [parameter["name"] for parameter in operation["parameters"]], name
    again = operations(document)["post /queue/{job_id}/retry"]
    assert "Idempotency-Key" in [parameter["name"] for parameter in again["parameters"]]
    form = operations(document)["post /edit"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert set(form["required"]) == {"image", "prompt"}
    assert form["additionalProperties"] is False
    body = document["components"]["schemas"]["GenerateBody"]
    assert body["required"] == ["prompt"]
    assert all("description" in field for field in body["properties"].values())


def test_the_examples_of_requests_are_requests_that_work(served: Served, document: dict[str, Any]) -> None:
    examples = document["components"]["schemas"]["GenerateBody"]["examples"]
    assert len(examples) >= 2
    for example in examples:
        bodies.GenerateBody.model_validate(example)
    assert served.api.post("/queue/generate", json=examples[0]).status_code == 200


VIEWS: list[type[BaseModel]] = [
    views.JobView, views.QueuedView, views.StatsView, views.ImageView, views.GenerationView, views.MadeView,
    views.AttemptView, model_views.EngineView, model_views.ConfigView, model_views.LimitsView,
    model_views.FitView, download_views.DownloadFileView, download_views.DownloadView,
    model_views.DefaultsView, ErrorView, JobErrorView, library_views.ItemView, library_views.InfoView,
    library_views.StockView, library_views.LibraryQuery, library_views.MarkBody, library_views.CleanBody,
    grid_views.GridView, grid_views.CellView, grid_views.AxisView,
    inputs.InputView, inputs.ReadingView, presets.PresetView,
]  # fmt: skip


@pytest.mark.parametrize("view", VIEWS)
def test_the_examples_of_answers_fit_their_fields(view: type[BaseModel]) -> None:
    values = {name: field.examples[0] for name, field in view.model_fields.items() if field.examples}
    assert values
    for name, value in values.items():
        view.__pydantic_validator__.validate_assignment(view.model_construct(), name, value)


def test_the_page_of_the_documentation_loads_nothing_from_elsewhere(served: Served) -> None:
    page = served.api.get("/docs")
    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert '"validatorUrl": null' in page.text
    assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(assets) >= 3
    for asset in assets:
        answer = served.http.get(asset)
        assert (answer.status_code, len(answer.content) > 1000) == (200, True), asset


def test_the_page_of_the_documentation_understands_the_document(
    served: Served, document: dict[str, Any]
) -> None:
    # Swagger UI 4 refuses OpenAPI 3.1, which is what the framework writes.
    assert document["openapi"].startswith("3.1.")
    script = served.api.get("/docs-assets/swagger-ui-bundle.js").text
    version = re.search(r'PACKAGE_VERSION:"(\d+)', script)
    assert version is not None
    assert int(version[1]) >= 5


def test_the_start_page_says_the_studio_runs_and_loads_nothing_from_elsewhere(served: Served) -> None:
    page = served.http.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "connect-src 'self'" in page.headers["content-security-policy"]
    assert "sd.cpp Studio" in page.text
    for link in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert link.startswith(("api/", "data:")), link
        if link.startswith("api/"):
            assert served.http.get(f"/{link}").status_code == 200
    for asked in re.findall(r'ask\("([^"]+)"\)', page.text):
        assert served.http.get(f"/{asked}").status_code == 200


def test_config_names_the_studios_own_address_as_the_request_reached_it(served: Served) -> None:
    answer = served.api.get("/config", headers={"Host": "localhost:4321"})
    assert answer.json() == {"sdApiEndpoint": "http://localhost:4321/v1", "model": "demo"}


def test_health_has_the_time_and_what_the_engine_does(served: Served) -> None:
    health = served.api.get("/health").json()
    assert (health["status"], list(health["engine"])) == ("ok", ["state", "model", "detail", "fraction"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", health["timestamp"])


def test_models_tell_what_they_can_and_what_is_missing(served: Served) -> None:
    models = {model["id"]: model for model in served.api.get("/models").json()}
    assert list(models) == ["demo", "generator", "absent"]
    assert models["absent"]["state"] == "missing"
    assert models["absent"]["missing"] == ["weights/not-here.safetensors"]
    assert (models["demo"]["is_default"], models["generator"]["capabilities"]["edit"]) == (True, False)
    assert served.api.get("/models/small").json()["id"] == "demo"
    one = served.api.get("/models/absent").json()
    now = one["fit"]["available_bytes"]  # of memory, which other programs use as well
    models["absent"]["fit"]["available_bytes"] = now
    assert one == models["absent"] | {"log_tail": ""}
    assert served.api.get("/models/nothing").status_code == 404


def test_the_models_in_memory_are_listed_while_they_are(own: Served) -> None:
    assert own.api.get("/models/running").json() == []
    own.engine.hold()
    own.submit()
    own.engine.wait_until_sampling()
    running = own.api.get("/models/running").json()
    assert [(model["id"], model["state"]) for model in running] == [("demo", "busy")]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/queue/", 404), ("PUT", "/queue", 405),
     ("POST", "/images/x", 405), ("GET", "/generate", 405), ("DELETE", "/models/demo", 405)],
)  # fmt: skip
def test_wrong_paths_and_methods_are_told_in_our_shape(
    served: Served, method: str, path: str, status: int
) -> None:
    answer = httpx.request(method, f"{served.base}/api{path}", trust_env=False)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert status != 405 or answer.headers["allow"]
