# SPDX-License-Identifier: BSD-2-Clause
"""A VHDX with a dirty log that matters: its table of blocks is as before all
writes, and the headers say that the log counts. Only there is what the table
became. qemu-io writes, and dies before it can tidy up."""

import os
import struct

import rig

BLOCK, SECTOR = 2 << 20, 4096
BAT = bytes.fromhex("6677c22d23f600429d64115e9bfd4a08")
REGIONS, HEADERS = 192 << 10, (64 << 10, 128 << 10)


def bat_place(image):
    with open(image, "rb") as file:
        file.seek(REGIONS)
        table = file.read(64 << 10)
    return struct.unpack_from("<QI", table, table.index(BAT) + 16)


def read_bat(image):
    offset, length = bat_place(image)
    with open(image, "rb") as file:
        file.seek(offset)
        return file.read(length)


def write_bat(image, data):
    with open(image, "r+b") as file:
        file.seek(bat_place(image)[0])
        file.write(data)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def last_guid(log):
    """QEMU gives each entry a GUID of its own; the last has the whole sector
    of the table."""
    entries = [log[at:at + SECTOR] for at in range(0, len(log), SECTOR)
               if log[at:at + 4] == b"loge"]
    return max(entries, key=lambda e: struct.unpack_from("<Q", e, 16))[32:48]


def revive_log(image):
    """Gives the headers the GUID of the last entry again."""
    with open(image, "r+b") as file:
        for at in HEADERS:
            file.seek(at)
            header = bytearray(file.read(SECTOR))
            length, offset = struct.unpack_from("<IQ", header, 68)
            file.seek(offset)
            header[48:64] = last_guid(file.read(length))
            header[4:8] = bytes(4)
            struct.pack_into("<I", header, 4, crc32c(header))
            file.seek(at)
            file.write(header)


def make(vhdtool, image, raw, blocks, folder="."):
    """`image` lacks the blocks of `raw` at these offsets; afterwards it has
    them, if the log is applied."""
    rig.need("qemu-io")
    old = read_bat(image)
    command, pieces = ["qemu-io", "-f", "vhdx"], []
    for at in blocks:
        piece = os.path.join(folder, "piece.%d" % at)
        with open(raw, "rb") as file, open(piece, "wb") as out:
            file.seek(at)
            length = out.write(file.read(BLOCK))
        pieces.append(piece)
        command += ["-c", "write -s %s %d %d" % (piece, at, length)]
    try:
        rig.run(*command, "-c", "abort", image)
    except AssertionError:
        pass  # that is what it is for
    for piece in pieces:
        os.unlink(piece)
    assert read_bat(image) != old
    write_bat(image, old)
    revive_log(image)
    assert b'"dirty-flag": true' in rig.run(vhdtool, "info", "--json", image)
