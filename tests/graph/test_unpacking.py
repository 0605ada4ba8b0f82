"""Bytes unpacked no further than they are wanted."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from tap_meta_partner.graph.bounds import MOST_BYTES, ODDLY_COMPRESSED, TOO_LONG
from tap_meta_partner.graph.errors import MetaError, Retriable, TooMuchData
from tap_meta_partner.graph.unpacking import Unpacking


def unpacked(data: bytes, encoding: str, piece: int = 1 << 16) -> bytes:
    unpacking = Unpacking(encoding)
    for start in range(0, len(data), piece):
        unpacking.take(data[start : start + piece])
    return bytes(unpacking.end())


@pytest.mark.parametrize("piece", [1, 7, 1 << 16])
@pytest.mark.parametrize("encoding", ["", "identity", "gzip", " GZIP "])
def test_body__comes_out_as_it_went_in(encoding: str, piece: int) -> None:
    """However it is cut into pieces, compressed or not."""
    data = bytes(range(256)) * 20
    sent = gzip.compress(data) if "gzip" in encoding.lower() else data

    assert unpacked(sent, encoding, piece) == data


def test_body__that_is_empty_needs_no_compression() -> None:
    """An answer without a body may name an encoding all the same."""
    assert unpacked(b"", "gzip") == b""


@pytest.mark.parametrize(
    "encoding", ["gzip, gzip", "gzip,identity", "br", "deflate", "zstd", "x" * 10_000]
)
def test_encoding__that_was_not_asked_for_is_refused(encoding: str) -> None:
    """One layer of gzip was asked for; the name of anything else is quoted in short."""
    with pytest.raises(MetaError) as caught:
        Unpacking(encoding)

    assert isinstance(caught.value, Retriable)
    assert caught.value.rule is ODDLY_COMPRESSED
    assert len(str(caught.value)) < 100


def test_bomb__is_left_unexploded() -> None:
    """Two megabytes that stand for 200 cost no more memory than the longest answer."""
    packer = zlib.compressobj(1, wbits=31)
    zeros = bytes(1 << 20)
    bomb = b"".join(packer.compress(zeros) for _ in range(200)) + packer.flush()
    assert len(bomb) < 2 << 20

    tracemalloc.start()
    with pytest.raises(MetaError) as caught:
        unpacked(bomb, "gzip")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert isinstance(caught.value, TooMuchData)
    assert caught.value.rule is TOO_LONG
    assert peak < 3 * MOST_BYTES


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_body__is_read_up_to_the_bound(encoding: str) -> None:
    """The longest body arrives whole, one byte more does not."""
    longest = bytes(MOST_BYTES)

    assert len(unpacked(pack(longest, encoding), encoding)) == MOST_BYTES
    with pytest.raises(MetaError):
        unpacked(pack(longest + b"0", encoding), encoding)


def pack(data: bytes, encoding: str) -> bytes:
    return gzip.compress(data, 1) if encoding else data


@pytest.mark.parametrize(
    "sent",
    [
        b"no gzip at all",
        gzip.compress(b"whole")[:-1],
        gzip.compress(b"one") + gzip.compress(b"two"),
        gzip.compress(b"one") + b"more",
    ],
    ids=["none", "cut", "two", "more"],
)
def test_compression__that_is_broken_is_no_body(sent: bytes) -> None:
    """Half an answer is none, and so are two."""
    with pytest.raises(zlib.error):
        unpacked(sent, "gzip")
