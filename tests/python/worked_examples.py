"""The worked examples of docs/protocol.md and docs/log_format.md, as bytes."""

import re
import uuid
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def fenced(document, name):
    """The bytes of the block fenced as ```text NAME, in rows of `0000: hexadecimal`."""
    text = (DOCS / document).read_text(encoding="utf-8")
    block = text.split(f"```text {name}\n")[1].split("```")[0]
    return b"".join(bytes.fromhex(row)
                    for row in re.findall(r"^[0-9a-f]{4}: (.*)$", block, re.MULTILINE))


def envelopes():
    """The indented blocks of the last section of protocol.md."""
    text = (DOCS / "protocol.md").read_text(encoding="utf-8")
    section = text.split("## 15. Worked example")[1]
    return [bytes.fromhex(block)
            for block in re.findall(r"(?:^ {4}[0-9a-f ]+\n)+", section, re.MULTILINE)]


def event_id(number):
    """The ids that both documents use."""
    return uuid.UUID(f"00010203-0405-8607-8000-{number:012x}")
