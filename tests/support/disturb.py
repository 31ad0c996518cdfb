# SPDX-License-Identifier: BSD-2-Clause
"""Running programs under disturb.so (tests/disturb/disturb.h)."""

import os
import struct
from dataclasses import dataclass

PAGE = 4096


@dataclass
class Counts:
    """What the page of counts says."""
    calls: int        # that might have been disturbed
    shortened: int
    interrupted: int
    failed: int
    slowed: int
    accepts: int
    last: str         # the last call that was disturbed

    def injected(self):
        return self.shortened + self.interrupted + self.failed + self.slowed


class Disturber:
    """The library, and a page of counts that is used again and again."""

    def __init__(self, library, page):
        self.library, self.page = library, page

    def environment(self, how):
        """For a program, whose counts begin at zero."""
        with open(self.page, "wb") as page:
            page.truncate(PAGE)
        return dict(os.environ, LD_PRELOAD=self.library, VHD_DISTURB=how,
                    VHD_DISTURB_COUNTS=self.page)

    def counts(self):
        with open(self.page, "rb") as page:
            found = page.read(128)
        calls, short, intr, failed, slow, _, accepts, _ = struct.unpack_from(
            "8Q", found)
        last = found[64:].split(b"\0")[0].decode()
        return Counts(calls, short, intr, failed, slow, accepts, last)
