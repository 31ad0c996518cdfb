# SPDX-License-Identifier: BSD-2-Clause
"""The project's corpus on a disk for GRUB, with pieces of what is in the
images as vhdtool reads them, for GRUB to compare."""

import csv
import lzma
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from rig import MIB, run

FILE_MAX = 16 * MIB
WHOLE_MAX = 1 * MIB
PIECE = 128 * 1024
SECTOR = 512


def manifest(corpus):
    """Name and verdict of each image."""
    with open(os.path.join(corpus, "MANIFEST.tsv"), newline="",
              encoding="utf-8") as file:
        for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row and row[0].endswith(".xz"):
                yield row[0][:-3], row[10]


def unpack(source, target):
    """False if it is too large for a test that shall be quick."""
    with lzma.open(source) as file:
        data = file.read(FILE_MAX + 1)
    if len(data) > FILE_MAX:
        return False
    with open(target, "wb") as file:
        for at in range(0, len(data), 65536):
            block = data[at:at + 65536]
            if block.count(0) != len(block):
                file.seek(at)
                file.write(block)
        file.truncate(len(data))
    return True


def stored(file, size):
    at = 0
    while at < size:
        try:
            start = os.lseek(file.fileno(), at, os.SEEK_DATA)
        except OSError:
            return
        at = os.lseek(file.fileno(), start, os.SEEK_HOLE)
        yield start, at


def ranges(file, size):
    """Where to look: all of a small disk; else the start, the end, and the
    ends of what is stored. In bytes."""
    if size <= WHOLE_MAX:
        return {(0, size)}
    found = list(stored(file, size))
    starts = {0, size - PIECE}
    for start, end in found[:2] + found[-2:]:
        starts |= {start, max(end - PIECE, 0)}
    return {(start // 4096 * 4096, PIECE) for start in starts
            if start + PIECE <= size}


def cut(raw, folder, name):
    """The pieces as files. Returns (first sector, sectors, file's name).
    Zeros go to files that many images share."""
    size = os.path.getsize(raw) // SECTOR * SECTOR
    out = []
    with open(raw, "rb") as file:
        for start, length in sorted(ranges(file, size)):
            file.seek(start)
            data = file.read(length)
            piece = "%s.%d" % (name, start) if any(data) \
                else "zeros.%d" % length
            with open(os.path.join(folder, piece), "wb") as target:
                target.write(data)
            out.append((start // SECTOR, length // SECTOR, piece))
    return out


class Corpus:
    """`good`: name to pieces; `odd`: those of them that something is to be
    told of; `bad`: names of what cannot be read. The pieces are for FAT: GRUB
    2.06 does not read a file of ext4 that is one hole."""

    def __init__(self, vhdtool, corpus, folder, pieces):
        self.images = os.path.join(folder, "images")
        self.pieces = os.path.join(pieces, "pieces")
        os.makedirs(self.images)
        os.makedirs(self.pieces)
        rows = [(name, verdict) for name, verdict in manifest(corpus)
                if unpack(os.path.join(corpus, name + ".xz"),
                          os.path.join(self.images, name))]
        self.good, self.bad = {}, []
        self.odd = {name for name, verdict in rows
                    if verdict in ("ok-recovered", "needs-log-replay")}
        for name, verdict in rows:
            if verdict.startswith("must-be-refused") or \
                    verdict == "parent-missing":
                self.bad.append(name)
            elif verdict != "companion":
                self.good[name] = self._read(vhdtool, name, folder)

    def _read(self, vhdtool, name, folder):
        raw = os.path.join(folder, "one.raw")
        run(vhdtool, "convert", "-q", os.path.join(self.images, name), raw)
        pieces = cut(raw, self.pieces, name)
        os.unlink(raw)
        return pieces


def make_volume(path, content, size):
    """A disk that is one ext4 volume, without partitions; holes stay holes."""
    with open(path, "wb") as file:
        file.truncate(size * MIB)
    run("mkfs.ext4", "-q", "-F", "-d", content, path)
