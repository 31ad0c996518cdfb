#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Gives a differencing VHD other names for its parent, and with more arguments
other ids:  relocate.py FILE NAME [ID PARENT-ID]   (ids are numbers)"""

import struct
import sys

FOOTER, HEADER = 512, 1024


def seal(data, at):
    """The checksum of a structure is the complement of the sum of its bytes."""
    data[at:at + 4] = bytes(4)
    struct.pack_into(">I", data, at, ~sum(data) & 0xFFFFFFFF)


def read(file, offset, length):
    file.seek(offset)
    return bytearray(file.read(length))


def write(file, offset, data):
    file.seek(offset)
    file.write(data)


def name(file, header, text):
    wide = text.encode("utf-16-be")[:510]
    header[64:64 + 512] = wide.ljust(512, b"\0")
    for slot in range(576, 576 + 8 * 24, 24):
        code, space, _, _, place = struct.unpack_from(">4sIIIQ", header, slot)
        if code not in (b"W2ru", b"W2ku"):
            continue
        data = text.encode("utf-16-le")[:min(space, 65536)]
        struct.pack_into(">I", header, slot + 8, len(data))
        write(file, place, data)


def main():
    path, text, *ids = sys.argv[1:]
    with open(path, "r+b") as file:
        footer, header = read(file, 0, FOOTER), read(file, FOOTER, HEADER)
        name(file, header, text)
        if ids:
            footer[68:84] = int(ids[0]).to_bytes(16, "big")
            header[40:56] = int(ids[1]).to_bytes(16, "big")
        seal(header, 36)
        seal(footer, 64)
        write(file, 0, footer)
        write(file, FOOTER, header)
        file.seek(-FOOTER, 2)
        file.write(footer)


main()
