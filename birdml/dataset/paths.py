"""Names out of files that people give us: they name something below a folder, or nothing."""

import os
import re

# drive letters, backslashes, control characters, halves of characters
FORBIDDEN = re.compile("^[A-Za-z]:|[\\\\\x00-\x1f\x7f-\x9f\ud800-\udfff]")
LONGEST_PART = 240  # bytes: most disks take 255, and what is written beside needs some


def contained(name: str) -> str | None:
    """A relative, normalised path that stays below its folder; None where a name is no such path.

    Absolute names, `..`, drive letters, backslashes, control characters, half characters
    (surrogates) and parts that no disk takes are refused.

    >>> contained("./2014/a.wav"), contained("a//b/./c.wav")
    ('2014/a.wav', 'a/b/c.wav')
    >>> [contained(n) for n in ("../a", "/a", "C:/a", "a\\\\b", "a\\0", "a/../../b", "", ".")]
    [None, None, None, None, None, None, None, None]
    """
    if not name or name[0] == "/" or FORBIDDEN.search(name):
        return None
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        return None
    if len(name) > LONGEST_PART // 4 and any(len(os.fsencode(p)) > LONGEST_PART for p in parts):
        return None
    return "/".join(parts)
