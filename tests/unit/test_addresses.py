"""Which addresses a download may be had from, and that the connection goes where was looked."""

import http.server
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import trustme

from studio.addresses import Addresses, is_public
from studio.clock import SystemClock
from studio.errors import AddressRefused, DownloadFailed, InvalidRequest
from studio.transfer import Remote, Transfer

PUBLIC, OTHER = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"


def knowing(*found: str) -> Addresses:
    """For a world in which every name has these addresses."""
    return Addresses(resolve=lambda host, port: list(found))


@pytest.mark.parametrize("address", [PUBLIC, OTHER, "64:ff9b::5db8:d70e"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)
    assert knowing(address).pin(httpx.URL("https://files.example/a.gguf")) == address


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.8", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0",
        "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.8", "2002:7f00:1::", "64:ff9b::7f00:1",
        "2001:db8::1", "nonsense", "",
    ],
)  # fmt: skip
def test_an_address_that_is_not_of_the_internet_is_refused(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(AddressRefused, match=r"not on the public internet.*--download-hosts"):
        knowing(address).pin(httpx.URL("https://files.example/a.gguf"))
    with pytest.raises(AddressRefused, match="not on the public internet"):
        knowing(PUBLIC, address).pin(httpx.URL("https://files.example/a.gguf"))


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://files.example/a.gguf", "by https only"),
        ("ftp://files.example/a.gguf", "by https only"),
        ("https://files.example:8443/a.gguf", "not at the usual port 443"),
    ],
)
def test_only_https_at_its_own_port_is_spoken(url: str, sentence: str) -> None:
    with pytest.raises(AddressRefused, match=sentence):
        knowing(PUBLIC).pin(httpx.URL(url))


@pytest.mark.parametrize("host", ["10.0.0.8", "[::1]", "169.254.169.254"])
def test_an_address_that_names_no_host_is_judged_without_asking_anybody(host: str) -> None:
    def ask(_host: str, _port: int) -> list[str]:
        raise AssertionError("nobody is to be asked")

    addresses = Addresses(["nas.local"], setting="webhook_hosts", resolve=ask)

    addresses.check_text(httpx.URL("https://files.example/"))
    with pytest.raises(AddressRefused, match=r"not on the public internet.*--webhook-hosts \(STUDIO_WEBHOOK"):
        addresses.check_text(httpx.URL(f"https://{host}/"))


def test_a_name_that_no_host_can_have_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="can't be found"):
        Addresses().check(f"https://{'a' * 64}.example/a.gguf")


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]", "localhost"])
def test_other_spellings_of_this_machine_are_seen_through(host: str) -> None:
    with pytest.raises(InvalidRequest, match="url: "):
        Addresses().check(f"https://{host}/a.gguf")


def test_a_host_that_the_settings_name_may_be_anywhere() -> None:
    addresses = Addresses(["nas.local", "other.local:8000", " "], resolve=lambda host, port: ["10.0.0.8"])

    assert addresses.pin(httpx.URL("http://NAS.local/a.gguf")) is None
    assert addresses.pin(httpx.URL("https://nas.local:8443/a.gguf")) is None
    assert addresses.pin(httpx.URL("http://other.local:8000/a.gguf")) is None
    for url in ("http://other.local/a.gguf", "https://third.local/a.gguf", "file://nas.local/a.gguf"):
        with pytest.raises(AddressRefused):
            addresses.pin(httpx.URL(url))


def test_what_is_secret_in_an_address_is_not_told() -> None:
    with pytest.raises(AddressRefused) as caught:
        knowing("10.0.0.8").pin(httpx.URL("https://user:word@files.example/a.gguf?signature=abc#part"))

    assert "https://files.example is refused" in caught.value.message
    assert "word" not in caught.value.message
    assert "signature" not in caught.value.message


# -- over TLS, to an address that a resolver of the test gives ---------------------------------------------


class SecureServer(http.server.ThreadingHTTPServer):
    """Has a certificate for files.example; `hosts` are the names it was called."""

    def __init__(self, authority: trustme.CA) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.hosts: list[str | None] = []
        self.location: str | None = None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("files.example").configure_cert(context)
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a client that refuses the certificate is part of the tests."""


class _Answer(http.server.BaseHTTPRequestHandler):
    server: SecureServer

    def do_GET(self) -> None:
        self.server.hosts.append(self.headers["Host"])
        self.send_response(302 if self.server.location else 200)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", "7")
        self.end_headers()
        self.wfile.write(b"content")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[SecureServer]:
    with SecureServer(authority) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def fetch(server: SecureServer, authority: trustme.CA, host: str, part: Path) -> None:
    """From that name, for which a resolver gives the test's server."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    port = server.server_address[1]

    def pin(url: httpx.URL) -> str | None:
        if url.host == "inside.example":
            raise DownloadFailed("inside.example is refused")
        return "127.0.0.1"

    remote = Remote(f"https://{host}:{port}/a.gguf", "0" * 64, None)
    Transfer(SystemClock(), pause=0.001, trusted=context).fetch(
        remote, part, pin=pin, report=lambda done, total: None, stop=threading.Event()
    )


def test_the_connection_goes_to_the_address_that_was_looked_at_and_the_certificate_is_the_names(
    secure: SecureServer, authority: trustme.CA, tmp_path: Path
) -> None:
    fetch(secure, authority, "files.example", tmp_path / "part")

    assert (tmp_path / "part").read_bytes() == b"content"
    assert secure.hosts == [f"files.example:{secure.server_address[1]}"]


def test_a_certificate_of_another_name_is_refused(
    secure: SecureServer, authority: trustme.CA, tmp_path: Path
) -> None:
    with pytest.raises(DownloadFailed, match=r"(?i)certificate"):
        fetch(secure, authority, "other.example", tmp_path / "part")

    assert secure.hosts == []


def test_a_redirect_is_looked_at_as_the_first_address_was(
    secure: SecureServer, authority: trustme.CA, tmp_path: Path
) -> None:
    secure.location = "https://inside.example/a.gguf"

    with pytest.raises(DownloadFailed, match=r"inside\.example is refused"):
        fetch(secure, authority, "files.example", tmp_path / "part")

    assert len(secure.hosts) == 1


def test_redirects_in_a_circle_come_to_an_end(
    secure: SecureServer, authority: trustme.CA, tmp_path: Path
) -> None:
    secure.location = "/a.gguf"

    with pytest.raises(DownloadFailed, match="too many redirects"):
        fetch(secure, authority, "files.example", tmp_path / "part")

    assert len(secure.hosts) == 6
