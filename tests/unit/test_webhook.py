"""What an address of a webhook may look like, how a delivery is signed, and when it is tried again."""

import hashlib
import hmac

import pytest

from studio.addresses import Addresses
from studio.errors import InvalidRequest
from studio.webhook import (
    PAUSES,
    check_webhook,
    is_worth_another_try,
    origin_of,
    pause_after,
    secret_of,
    signature,
)

ROOT = bytes(range(32))


def check(address: str, named: str = "") -> None:
    """As the studio checks it when a job comes, without asking anybody about names."""

    def ask(_host: str, _port: int) -> list[str]:
        raise AssertionError("nobody is to be asked")

    check_webhook(address, Addresses(named.split(","), setting="webhook_hosts", resolve=ask))


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("", "has 0 characters"), ("https://a.example/" + "x" * 2000, "has 2018 characters"),
        ("nonsense", "is no address"), ("https://", "is no address"), ("https://[", "is no address"),
        (f"https://{'a' * 64}.example/", "is no address"),
        ("https://a..example/", "is no address"), ("https://*/", "is no address"),
        ("ftp://a.example/", "is no address"), ("file:///etc/passwd", "is no address"),
        ("javascript:alert(1)", "is no address"), ("//a.example/", "is no address"),
        ("https://a.example/ b", "plain ASCII"), ("https://ä.example/", "plain ASCII"),
        ("https://a.example/\r\nX: y", "plain ASCII"),
        ("https://ada:word@a.example/", "user name or a password"),
        ("http://a.example/", "https only.*--webhook-hosts"),
        ("https://a.example:8443/", "usual port 443.*--webhook-hosts"),
        ("https://127.0.0.1/", "not on the public internet.*STUDIO_WEBHOOK_HOSTS"),
        ("https://[::1]/", "not on the public internet"),
        ("https://169.254.169.254/latest", "not on the public internet"),
        ("https://99999999999999:1/", "usual port"),
    ],
)  # fmt: skip
def test_an_address_that_will_never_be_told_is_refused_by_name(address: str, sentence: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^webhook: .*{sentence}") as caught:
        check(address)

    assert caught.value.field == "webhook"
    assert "word" not in caught.value.message.replace("password", "")


def test_what_may_be_told_passes_without_a_look_at_its_name() -> None:
    check("https://a.example/hook?token=1")
    check("http://home.local:8123/api/webhook/x", "home.local:8123")
    check("https://192.168.1.5:8443/", "192.168.1.5")
    with pytest.raises(InvalidRequest, match="https only"):
        check("http://home.local/", "home.local:8123")


def test_of_an_address_only_its_origin_is_shown() -> None:
    assert origin_of("https://a.example/secret?token=1#x") == "https://a.example"
    assert origin_of("http://192.168.1.5:8123/x") == "http://192.168.1.5:8123"
    assert origin_of("https://[2606:2800:21f::1]:8443/x") == "https://[2606:2800:21f::1]:8443"


def test_the_signature_is_an_hmac_over_the_time_and_the_body() -> None:
    expected = hmac.new(b"word", b'1800000000.{"a":1}', hashlib.sha256).hexdigest()

    assert signature("word", 1_800_000_000, b'{"a":1}') == f"t=1800000000,v1={expected}"


def test_each_key_has_a_secret_of_its_own_and_so_have_the_jobs_without_one() -> None:
    secrets = [secret_of(ROOT, owner) for owner in (None, "ada", "bob")]

    assert len({*secrets, ROOT.hex()}) == 4
    assert secrets == [secret_of(ROOT, owner) for owner in (None, "ada", "bob")]
    assert secret_of(bytes(32), "ada") != secrets[1]
    assert all(len(secret) == 64 for secret in secrets)


def test_pauses_grow_and_end() -> None:
    pauses = [pause_after(tries) for tries in range(1, len(PAUSES) + 2)]

    assert pauses == [10, 60, 300, 1800, 7200, None]


@pytest.mark.parametrize(
    ("status", "again"),
    [
        (408, True), (425, True), (429, True), (500, True), (503, True), (599, True),
        (400, False), (401, False), (404, False), (410, False), (451, False),
    ],
)  # fmt: skip
def test_only_an_answer_that_may_change_is_asked_for_again(status: int, again: bool) -> None:
    assert is_worth_another_try(status) is again
