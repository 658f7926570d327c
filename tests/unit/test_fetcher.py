"""The files of a model, by the hub's own client and from addresses, against a hub of this machine."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio import weights
from studio.addresses import Addresses
from studio.clock import SystemClock
from studio.download import DownloadFile
from studio.errors import DownloadFailed, StopRequested
from studio.fetcher import Fetcher
from studio.huggingface import HuggingFace
from studio.model import Model
from studio.transfer import Transfer
from tests.hub import Hub, serving_hub, some_weights

NAME = "someone/tiny/weights.safetensors"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub with one file."""
    with serving_hub() as running:
        running.files[NAME] = some_weights(tmp_path)
        yield running


def a_model(folder: Path, **source: object) -> Model:
    """A model of one file, in `folder`."""
    values = {"repo": "someone/tiny", "files": {"model": "weights.safetensors"}} | source
    return Model.model_validate(
        {
            "id": "tiny", "folder": folder, "name": "Tiny", "files": {"model": "models/tiny.safetensors"},
            "source": values,
        }
    )  # fmt: skip


def from_url(hub: Hub, folder: Path, sha256: str | None = None) -> Model:
    file = {"url": hub.url(NAME), "sha256": sha256 or hub.sha256(NAME)}
    return a_model(folder, repo=None, files={"model": file})


def fetch(
    hub: Hub,
    model: Model,
    *,
    report: Callable[[DownloadFile, bool], None] = lambda file, checking: None,
    stop: threading.Event | None = None,
) -> Path:
    """Where the file is when it came."""
    fetcher = Fetcher(
        hub=HuggingFace(hub.base),
        addresses=Addresses(["localhost"]),
        transfer=Transfer(SystemClock(), pause=0.01),
        locks=lambda: model.folder / "locks",
    )
    fetcher.fetch(model, report=report, stop=stop or threading.Event())
    return model.folder / "models" / "tiny.safetensors"


def parts(folder: Path) -> list[Path]:
    return sorted((folder / "models").glob("*.part"))


@pytest.mark.parametrize("source", ["hub", "url"])
def test_a_file_whose_connection_drops_twice_is_resumed_and_verified(
    hub: Hub, tmp_path: Path, source: str
) -> None:
    hub.drops = [700_000, 500_000]
    seen: list[tuple[DownloadFile, bool]] = []
    model = a_model(tmp_path) if source == "hub" else from_url(hub, tmp_path)

    path = fetch(hub, model, report=lambda file, checking: seen.append((file, checking)))

    assert path.read_bytes() == hub.files[NAME]
    starts = [asked.range for asked in hub.transfers()]
    assert len(starts) == 3
    first, second = (int(str(each).removeprefix("bytes=").removesuffix("-")) for each in starts[1:])
    assert starts[0] is None
    assert 0 < first <= 700_000
    assert first < second <= first + 500_000
    assert (seen[-1][0].done, seen[-1][0].total) == (len(hub.files[NAME]), len(hub.files[NAME]))
    assert any(checking for _, checking in seen)
    assert parts(tmp_path) == []
    assert weights.recorded(path) == hub.sha256(NAME) == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("source", ["hub", "url"])
def test_a_stopped_download_is_gone_on_with_where_it_was(hub: Hub, tmp_path: Path, source: str) -> None:
    model = a_model(tmp_path) if source == "hub" else from_url(hub, tmp_path)
    stop = threading.Event()

    def stop_at_half(file: DownloadFile, checking: bool) -> None:
        if file.done > 1_000_000:
            stop.set()

    with pytest.raises(StopRequested):
        fetch(hub, model, report=stop_at_half, stop=stop)
    (part,) = parts(tmp_path)
    kept = part.stat().st_size

    assert fetch(hub, model).read_bytes() == hub.files[NAME]
    assert [asked.range for asked in hub.transfers()] == [None, f"bytes={kept}-"]


def test_a_whole_part_is_verified_and_named_without_being_fetched_again(hub: Hub, tmp_path: Path) -> None:
    model = from_url(hub, tmp_path)
    part = tmp_path / "models" / f"tiny.safetensors.{hub.sha256(NAME)[:12]}.part"
    part.parent.mkdir()
    part.write_bytes(hub.files[NAME])

    assert fetch(hub, model).read_bytes() == hub.files[NAME]

    assert [asked.range for asked in hub.transfers()] == [f"bytes={len(hub.files[NAME])}-"]  # 416


def test_a_file_of_another_hash_is_removed_and_told(hub: Hub, tmp_path: Path) -> None:
    hub.lies[NAME] = "0" * 64

    with pytest.raises(DownloadFailed, match=rf"wrong content.*{hub.sha256(NAME)}, not 0{{64}}.*removed"):
        fetch(hub, a_model(tmp_path))

    assert list((tmp_path / "models").iterdir()) == []


def test_a_file_that_models_yml_expects_to_be_another_is_not_fetched(hub: Hub, tmp_path: Path) -> None:
    file = {"path": "weights.safetensors", "sha256": "0" * 64}

    with pytest.raises(DownloadFailed, match=r"has another weights\.safetensors than models\.yml expects"):
        fetch(hub, a_model(tmp_path, files={"model": file}))

    assert hub.transfers() == []


def test_a_file_of_the_right_hash_that_the_engine_must_not_read_is_removed(hub: Hub, tmp_path: Path) -> None:
    hub.files[NAME] = b"\x80\x04pickled" * 1000

    with pytest.raises(DownloadFailed, match=r"does not begin with the header of a safetensors.*removed"):
        fetch(hub, a_model(tmp_path))

    assert list((tmp_path / "models").iterdir()) == []


def test_a_gated_repository_is_told_with_the_way_in_and_opens_with_a_token(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.gated["someone/tiny"] = "hf_right"
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(
        DownloadFailed, match=rf"gated: accept its licence at {hub.base}/someone/tiny, and HF_"
    ):
        fetch(hub, a_model(tmp_path))
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(DownloadFailed, match="is gated"):
        fetch(hub, a_model(tmp_path))

    monkeypatch.setenv("HF_TOKEN", "hf_right")

    assert fetch(hub, a_model(tmp_path)).read_bytes() == hub.files[NAME]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ({"files": {"model": "other.safetensors"}}, "has no file other.safetensors at revision main"),
        ({"repo": "no/body"}, "There is no repository no/body, or it wants to know who asks"),
    ],
)
def test_what_does_not_exist_is_told_at_once(
    hub: Hub, tmp_path: Path, source: dict[str, object], sentence: str
) -> None:
    with pytest.raises(DownloadFailed, match=sentence):
        fetch(hub, a_model(tmp_path, **source))

    assert hub.transfers() == []


@pytest.mark.parametrize(
    ("status", "sentence"), [(401, "may not be downloaded"), (403, r"\(403\)"), (404, "does not exist")]
)
def test_an_address_that_refuses_is_told_at_once(
    hub: Hub, tmp_path: Path, status: int, sentence: str
) -> None:
    hub.statuses = [status]

    with pytest.raises(DownloadFailed, match=sentence):
        fetch(hub, from_url(hub, tmp_path))

    assert len(hub.transfers()) == 1


def test_a_server_in_trouble_is_asked_again(hub: Hub, tmp_path: Path) -> None:
    hub.statuses = [503, 500, 429]

    assert fetch(hub, from_url(hub, tmp_path)).read_bytes() == hub.files[NAME]


def test_a_line_that_never_moves_on_is_given_up_and_what_came_is_kept(hub: Hub, tmp_path: Path) -> None:
    hub.drops = [100_000, *[0] * 100]

    with pytest.raises(DownloadFailed, match=r"\d+ bytes are kept: resume"):
        fetch(hub, from_url(hub, tmp_path))

    (part,) = parts(tmp_path)
    assert 0 < part.stat().st_size <= 100_000


def test_a_hub_that_is_not_there_is_told_as_being_offline(hub: Hub, tmp_path: Path) -> None:
    model = a_model(tmp_path)
    hub.shutdown()
    hub.server_close()

    with pytest.raises(DownloadFailed, match=r"127\.0\.0\.1 can't be reached.*is online"):
        fetch(hub, model)


def test_a_download_that_finds_no_room_is_refused_before_it_begins(hub: Hub, tmp_path: Path) -> None:
    file = {"url": hub.url(NAME), "sha256": hub.sha256(NAME), "bytes": 2**40}

    with pytest.raises(DownloadFailed, match=r"No room for tiny\.safetensors: 1099\.5 GB are needed"):
        fetch(hub, a_model(tmp_path, repo=None, files={"model": file}))

    assert hub.transfers() == []


def test_a_file_longer_than_it_should_be_is_not_taken(hub: Hub, tmp_path: Path) -> None:
    file = {"url": hub.url(NAME), "sha256": hub.sha256(NAME), "bytes": 1000}

    with pytest.raises(DownloadFailed, match="is not the expected file: it has 2000"):
        fetch(hub, a_model(tmp_path, repo=None, files={"model": file}))


def test_the_token_goes_to_the_hub_alone(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")

    with serving_hub() as elsewhere:
        elsewhere.files[NAME] = hub.files[NAME]
        hub.stores[NAME] = elsewhere.url(NAME)
        fetch(hub, a_model(tmp_path))

        assert [asked.authorization for asked in elsewhere.asked] == [None]
    assert {asked.authorization for asked in hub.asked} == {"Bearer hf_secret"}


def test_two_downloads_of_one_file_fetch_it_once(hub: Hub, tmp_path: Path) -> None:
    hub.free.clear()
    model = from_url(hub, tmp_path)
    threads = [threading.Thread(target=fetch, args=(hub, model)) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert hub.halfway.wait(30)

    hub.free.set()
    for thread in threads:
        thread.join(30)

    assert len(hub.transfers()) == 1
    assert (tmp_path / "models" / "tiny.safetensors").read_bytes() == hub.files[NAME]


def test_the_hub_is_asked_by_its_own_library(hub: Hub, tmp_path: Path) -> None:
    fetch(hub, a_model(tmp_path))

    (head,) = [asked for asked in hub.asked if asked.verb == "HEAD"]
    assert head.path == "/someone/tiny/resolve/main/weights.safetensors"
    assert "hf_hub/" in head.agent
