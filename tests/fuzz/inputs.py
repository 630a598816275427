"""Broken versions of files that are right, as disks, editors and spreadsheets break them."""

from collections.abc import Sequence

from hypothesis import strategies as st

PIECES = (b"", b"\x00", b"\xff", b"\n", b"\r\n", b'"', b",", b";", b"\t", b"../", b"/etc/x", b"nan",
          b"-1", b"1e999", b"9" * 40, b"\xef\xbb\xbf", b"\xff\xfe", b"\\", b"[", b"{", b"=",
          b"\xed\xa0\x80")  # fmt: skip


@st.composite
def broken(draw: st.DrawFn, whole: bytes) -> bytes:
    """A file after one to six edits: pieces cut out, moved, doubled, overwritten; or cut short."""
    content = whole
    for _ in range(draw(st.integers(1, 6))):
        begin = draw(st.integers(0, len(content)))
        end = min(len(content), begin + draw(st.integers(0, 40)))
        how = draw(st.sampled_from(("cut", "insert", "double", "overwrite", "short", "noise")))
        piece = draw(st.sampled_from(PIECES))
        if how == "cut":
            content = content[:begin] + content[end:]
        elif how == "insert":
            content = content[:begin] + piece + content[begin:]
        elif how == "double":
            content = content[:end] + content[begin:]
        elif how == "overwrite":
            content = content[:begin] + piece + content[begin + len(piece) :]
        elif how == "noise":
            content = content[:begin] + draw(st.binary(max_size=20)) + content[end:]
        else:
            content = content[:begin]
    return content


def texts(like: Sequence[str]) -> st.SearchStrategy[str]:
    """Any text, or one like these with a few characters changed."""
    alphabet = st.characters(codec=None)

    @st.composite
    def near(draw: st.DrawFn) -> str:
        text = draw(st.sampled_from(like))
        place = draw(st.integers(0, len(text)))
        return (
            text[:place]
            + draw(st.text(alphabet, max_size=4))
            + text[place + draw(st.integers(0, 3)) :]
        )

    return st.one_of(st.text(alphabet, max_size=60), near())
