"""Completion of decoded files with the certificates and authorities that they name."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from discovery.certificates import reader as module
from discovery.certificates.reader import CertificateReader
from discovery.decoding.decoded import Decoded
from discovery.decoding.written_pair import WrittenPair
from rondpoint.diagnostics import Severity
from rondpoint.tls.model import TlsOptions
from tests.discovery.certificates.pairs import MadePair, make_pair, private_key

A = make_pair("a.test")
B = make_pair("b.test", key=private_key("ec", 1))
EXPIRED = make_pair("a.test", days=(-9, -2))
EARLY = make_pair("a.test", days=(2, 9))


class Files:
    """Two files, and a reader of the pair that they hold."""

    def __init__(self, folder: Path) -> None:
        self.certificate, self.key = folder / "a.pem", folder / "a.key"
        self.reader = CertificateReader("file", lambda key: f"sealed {len(key)}")
        self.pairs = (WrittenPair("tls.certificates[0]", str(self.certificate), str(self.key)),)

    def write(self, made: MadePair) -> None:
        self.certificate.write_text(made.certificate)
        self.key.write_text(made.key)

    def refresh(self, *touched: Path) -> bool:
        return self.reader.refresh([Decoded("routes.yml", pairs=self.pairs)], touched)

    @property
    def names(self) -> list[str]:
        return [name for each in self.reader.completed for found in each.certificates for name in found.names]

    @property
    def messages(self) -> list[str]:
        return [found.message for each in self.reader.completed for found in each.diagnostics]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path)
    made.write(A)
    made.refresh()
    return made


def test_a_certificate_is_completed_with_a_sealed_key(files: Files) -> None:
    (decoded,) = files.reader.completed
    (found,) = decoded.certificates
    assert found.name.endswith("@file")
    assert (found.names, found.source) == (("a.test",), str(files.certificate))
    assert (found.chain, found.key) == (A.certificate, f"sealed {len(A.key)}")
    assert (decoded.pairs, decoded.diagnostics) == ((), ())


def test_unchanged_files_are_not_read_again(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(module, "load_certificate", fail)
    before = files.reader.completed
    assert not files.refresh()
    assert files.reader.completed[0].certificates[0] is before[0].certificates[0]
    # A new place in the route file is no reason, either.
    files.pairs = (WrittenPair("tls.certificates[7]", files.pairs[0].cert_file, files.pairs[0].key_file),)
    assert not files.refresh()


def write_in_place(path: Path, text: str) -> None:
    path.write_text(text)


def rename_over(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


@pytest.mark.parametrize("write", [write_in_place, rename_over])
@pytest.mark.parametrize("first", ["certificate", "key"])
def test_a_pair_may_be_replaced_in_either_order(
    files: Files, write: Callable[[Path, str], None], first: str
) -> None:
    steps = [(files.certificate, B.certificate), (files.key, B.key)]
    (path, text), (last, last_text) = steps if first == "certificate" else reversed(steps)
    write(path, text)
    assert files.refresh()
    assert files.names == ["a.test"]
    assert files.messages == [
        f"tls.certificates[0].keyFile={files.key} is not the key of the certificate; "
        "the last valid contents stay in force"
    ]
    write(last, last_text)
    assert files.refresh()
    assert (files.names, files.messages) == (["b.test"], [])


@pytest.mark.parametrize("text", ["", A.certificate[:200], "-----BEGIN CERTIFICATE-----\nx"])
def test_a_half_written_file_leaves_the_last_contents_in_force(files: Files, text: str) -> None:
    files.certificate.write_text(text)
    assert files.refresh()
    assert files.names == ["a.test"]
    (decoded,) = files.reader.completed
    assert [found.severity for found in decoded.diagnostics] == [Severity.ERROR]
    assert not files.refresh()
    files.certificate.unlink()
    files.refresh()
    assert files.names == ["a.test"]
    assert "cannot be read: No such file or directory" in files.messages[0]


def test_a_change_within_one_tick_of_the_clock_is_read_if_it_is_reported(files: Files) -> None:
    def write(made: MadePair) -> None:
        files.certificate.write_text(made.certificate.ljust(2000))
        os.utime(files.certificate, ns=(5, 5))

    write(A)
    files.refresh()
    write(make_pair("c.test"))
    assert not files.refresh()
    assert files.refresh(files.certificate)
    assert files.names == ["c.test"]


def test_a_pair_that_is_no_longer_named_is_forgotten(files: Files) -> None:
    pairs, files.pairs = files.pairs, ()
    assert files.refresh()
    assert (files.names, files.reader.folders) == ([], frozenset())
    files.key.write_text("nothing")
    files.pairs = pairs
    files.refresh()
    assert files.names == []


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


LEFT_OUT: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (Path.unlink, "cannot be read: No such file or directory"),
    "a folder": (make_folder, "is no file"),
    "a named pipe": (make_pipe, "is no file"),
    "too large": (lambda path: path.write_text("x" * 1_048_577), "has more than 1,048,576 bytes"),
    "not text": (lambda path: path.write_bytes(b"\xff\x00"), "contains no private key in PEM"),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_a_bad_pair_is_left_out_alone(tmp_path: Path, case: str) -> None:
    spoil, message = LEFT_OUT[case]
    files = Files(tmp_path)
    files.write(A)
    spoil(files.key)
    good = WrittenPair("tls.certificates[1]", B.certificate, B.key)
    files.pairs += (good,)
    files.refresh()
    assert files.names == ["b.test"]
    assert files.messages == [
        f"tls.certificates[0].keyFile={files.key} {message}; the certificate is left out"
    ]
    (decoded,) = files.reader.completed
    assert all(found.hint for found in decoded.diagnostics)


def test_pem_text_is_named_by_its_file_and_never_shown(tmp_path: Path) -> None:
    reader = CertificateReader("file", str)
    pairs = (WrittenPair("tls.certificates[0]", *A), WrittenPair("tls.certificates[1]", A.certificate, B.key))
    reader.refresh([Decoded("routes.yml", pairs=pairs)])
    (decoded,) = reader.completed
    assert [each.source for each in decoded.certificates] == ["routes.yml"]
    (found,) = decoded.diagnostics
    assert found.message == (
        "tls.certificates[1].keyFile is not the key of the certificate; the certificate is left out"
    )
    assert reader.folders == frozenset()


DAMAGED = {
    "without its first line": A.key.partition("\n")[2],
    "without a dash": A.key[1:].replace("-----BEGIN", "----BEGIN"),
    "in base64": "".join(A.key.splitlines()[1:-1]),
    "on one line": A.key[1:].replace("\n", " "),
}


@pytest.mark.parametrize("damage", DAMAGED)
@pytest.mark.parametrize("option", ["certFile", "keyFile"])
def test_a_damaged_key_is_never_shown(damage: str, option: str) -> None:
    texts = {"certFile": A.certificate, "keyFile": A.key, option: DAMAGED[damage]}
    reader = CertificateReader("file", str)
    reader.refresh(
        [
            Decoded(
                "routes.yml", pairs=(WrittenPair("tls.certificates[0]", texts["certFile"], texts["keyFile"]),)
            )
        ]
    )
    (found,) = reader.completed[0].diagnostics
    assert found.message.startswith(f"tls.certificates[0].{option} cannot be read")
    assert A.key.splitlines()[1][:20] not in f"{found.message} {found.hint} {found.subject}"


@pytest.mark.parametrize(("made", "message"), [(EXPIRED, "has expired on "), (EARLY, "is not valid before ")])
def test_a_certificate_out_of_its_time_is_served_with_a_warning(made: MadePair, message: str) -> None:
    reader = CertificateReader("file", str)
    reader.refresh([Decoded("f.yml", pairs=(WrittenPair("tls.certificates[0]", *made),))])
    (decoded,) = reader.completed
    assert len(decoded.certificates) == 1
    (found,) = decoded.diagnostics
    assert found.severity is Severity.WARNING
    assert found.message.startswith(f"tls.certificates[0].certFile {message}20")


def test_a_certificate_that_is_named_twice_is_for_the_entry_points_of_both() -> None:
    reader = CertificateReader("file", str)
    pairs = [WrittenPair(f"tls[{n}].certificate", *A, (point,)) for n, point in enumerate("ab")]
    default = WrittenPair("tls.stores.default.defaultCertificate", *A, default=True)
    reader.refresh([Decoded("f.yml", pairs=(*pairs, default))])
    found = reader.completed[0].certificates
    assert [(each.entry_points, each.default) for each in found] == [(("a", "b"), False), ((), True)]
    assert len({each.name for each in found}) == 2
    reader.refresh([Decoded("f.yml", pairs=(*pairs, WrittenPair("tls.certificates[0]", *A)))])
    assert [each.entry_points for each in reader.completed[0].certificates] == [()]


class Mutual:
    """TLS options with an authority in a file."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "ca.pem"
        self.reader = CertificateReader("file", str)

    def refresh(self, **options: object) -> TlsOptions:
        given = TlsOptions("o@file", client_authorities=(str(self.file),), **options)  # type: ignore[arg-type]
        keys = {"tlsOptions.o@file": "tls.options.o"}
        self.reader.refresh([Decoded("f.yml", tls_options=(given,), keys=keys)])
        return self.reader.completed[0].tls_options[0]

    @property
    def messages(self) -> list[str]:
        return [found.message for found in self.reader.completed[0].diagnostics]


def test_authorities_are_read_and_followed(tmp_path: Path) -> None:
    mutual = Mutual(tmp_path)
    for made in (A, B):
        mutual.file.write_text(made.certificate)
        assert mutual.refresh().client_authorities == (made.certificate,)
        assert mutual.messages == []
    mutual.file.write_text("broken")
    assert mutual.refresh() == TlsOptions("o@file", client_authorities=(B.certificate,))
    assert mutual.messages == [
        f"tls.options.o.clientAuth.caFiles={mutual.file} contains no certificate in PEM; "
        "the last valid contents stay in force"
    ]


def test_options_without_their_authorities_let_nobody_in(tmp_path: Path) -> None:
    mutual = Mutual(tmp_path)
    options = mutual.refresh(unserved="sniStrict is not valid")
    assert options.unserved == "sniStrict is not valid; caFiles cannot be used"
    assert options.client_authorities == ()
    (message,) = mutual.messages
    assert message.endswith(": No such file or directory; connections with these options are refused")
    (found,) = mutual.reader.completed[0].diagnostics
    assert found.about == "TLS options o@file"


def test_checks_of_many_files_take_little_of_the_time(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    files.refresh()
    assert files.reader.seconds_to_check() == module.MIN_CHECK_INTERVAL
    times = iter((0.0, 0.03, 0.03))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(times))
    files.refresh()
    assert files.reader.seconds_to_check() == pytest.approx(3.0)
    assert CertificateReader("file", str).seconds_to_check() == float("inf")
