from pathlib import Path

import pytest

from studio.cache import cache_dir
from studio.errors import ConfigurationError


def test_the_environment_names_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_CACHE", str(tmp_path / "cache"))

    assert cache_dir() == tmp_path / "cache"


@pytest.mark.parametrize("unset", [True, False])
def test_without_a_choice_the_cache_is_the_users_own(monkeypatch: pytest.MonkeyPatch, unset: bool) -> None:
    if unset:
        monkeypatch.delenv("STUDIO_CACHE", raising=False)
    else:
        monkeypatch.setenv("STUDIO_CACHE", "")

    assert cache_dir().is_absolute()
    assert "sdcpp-studio" in cache_dir().parts


def test_a_relative_cache_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_CACHE", "some/where")

    with pytest.raises(ConfigurationError, match=r"STUDIO_CACHE.*'some/where'"):
        cache_dir()
