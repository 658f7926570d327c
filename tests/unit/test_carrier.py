"""A post to an address that strangers may name: where it goes, and what of the answer is heeded."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
import trustme

from studio.addresses import Addresses
from studio.carrier import Carrier, NotReached
from studio.errors import AddressRefused
from tests.receiver import receiving

PUBLIC = "93.184.215.14"
# How long a receiver that says nothing is waited for here.
SHORT = 0.2


class Away(Carrier):
    """Posts from a thread of its own, as the studio does: this one may hold the loop of a browser."""

    def post(self, address: str, headers: Mapping[str, str], body: bytes) -> int:
        with ThreadPoolExecutor(1) as elsewhere:
            return elsewhere.submit(super().post, address, headers, body).result()


def anywhere(_: httpx.URL) -> None:
    """Whatever the name means."""


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """The address of a server that does this with its first connection once it sent something."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            answer(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        thread.join(30)
        listener.close()
        assert not thread.is_alive()


def until_hung_up(connection: socket.socket, piece: bytes) -> None:
    """Send this again and again until the other side is gone."""
    try:
        while True:
            connection.sendall(piece)
            connection.settimeout(0.01)
            try:
                if not connection.recv(1):
                    return
            except TimeoutError:
                connection.settimeout(30)
    except OSError:
        return


def test_the_body_and_the_headers_arrive() -> None:
    with receiving() as receiver:
        assert Away(anywhere).post(receiver.address(), {"X-A": "b"}, b'{"a":1}') == 204

        (told,) = receiver.wait(1)

    assert (told.path, told.body, told.headers["x-a"]) == ("/hook?token=s3cret", b'{"a":1}', "b")
    assert told.headers["host"] == receiver.host


def test_an_address_with_one_private_address_among_public_ones_is_not_asked() -> None:
    asked: list[tuple[str, int]] = []

    def mixed(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return [PUBLIC, "127.0.0.1"]

    carrier = Away(Addresses(setting="webhook_hosts", resolve=mixed).pin)

    with pytest.raises(AddressRefused, match=r"not on the public internet.*--webhook-hosts"):
        carrier.post("https://hook.example/", {}, b"")
    assert asked == [("hook.example", 443)]


def test_a_name_that_means_nothing_may_mean_something_later() -> None:
    def unknown(_host: str, _port: int) -> list[str]:
        raise socket.gaierror("no such name")

    with pytest.raises(NotReached, match=r"hook\.example can't be reached"):
        Away(Addresses(resolve=unknown).pin).post("https://hook.example/", {}, b"")


def test_the_connection_goes_where_was_looked_and_the_certificate_is_the_names() -> None:
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with receiving() as receiver:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("hook.example").configure_cert(server)
        receiver.socket = server.wrap_socket(receiver.socket, server_side=True)
        port = receiver.server_address[1]
        carrier = Away(lambda url: "127.0.0.1", trusted=context)

        assert carrier.post(f"https://hook.example:{port}/", {}, b"x") == 204
        with pytest.raises(NotReached, match=r"(?i)certificate"):
            carrier.post(f"https://other.example:{port}/", {}, b"x")

        assert [told.headers["host"] for told in receiver.told] == [f"hook.example:{port}"]


def test_a_redirect_is_an_answer_like_others() -> None:
    with receiving() as receiver:
        receiver.answers.append(307)
        receiver.more_headers = {"Location": receiver.address("/inside")}

        assert Away(anywhere).post(receiver.address("/hook"), {}, b"x") == 307

        assert [told.path for told in receiver.told] == ["/hook"]


def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    with receiving() as receiver:
        assert Away(anywhere).post(receiver.address(), {}, b"x") == 204


def test_a_receiver_that_says_nothing_is_not_waited_for() -> None:
    with receiving() as receiver:
        receiver.hold()
        with pytest.raises(NotReached, match=r"no answer within 0\.2 seconds"):
            Away(anywhere, seconds=SHORT).post(receiver.address(), {}, b"x")


def test_a_receiver_that_answers_letter_by_letter_is_not_waited_for_either() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-A: ")
        until_hung_up(connection, b"a")

    with answering(drip) as address, pytest.raises(NotReached, match="no answer within"):
        Away(anywhere, seconds=SHORT).post(address, {}, b"x")


def test_of_an_endless_answer_only_the_status_is_read() -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
        until_hung_up(connection, b"a" * 65536)

    with answering(flood) as address:
        assert Away(anywhere).post(address, {}, b"x") == 200


@pytest.mark.parametrize("answer", [b"", b"220 mail.example ESMTP\r\n", b"HTTP/1.1 200 OK\r\nbroken\r\n\r\n"])
def test_what_is_no_answer_of_http_is_told_without_its_text(answer: bytes) -> None:
    expected = r"^The connection broke off, or the answer was no HTTP\.$"
    with (
        answering(lambda connection: connection.sendall(answer)) as address,
        pytest.raises(NotReached, match=expected),
    ):
        Away(anywhere).post(address, {}, b"x")


def test_nobody_at_the_address_is_told_without_its_path() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(NotReached, match=r"127\.0\.0\.1 can't be reached") as caught:
        Away(anywhere).post(f"http://127.0.0.1:{port}/hook?token=s3cret", {}, b"x")

    assert "hook" not in str(caught.value)
