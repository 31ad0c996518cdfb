# SPDX-License-Identifier: BSD-2-Clause
"""Images of one small disk, in every type there is. The disk has a partition
with ext4, in it marker.txt and a file of random bytes."""

import hashlib
import os
import random
import shutil
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from rig import MIB, Part, make_disk, run

MARKER = "This is layer %04d."
BIG = MIB + 12345
KIB = 1 << 10


def content(folder):
    """What is inside. Returns the hash of the large file."""
    os.makedirs(folder)
    with open(os.path.join(folder, "marker.txt"), "w",
              encoding="ascii") as file:
        file.write(MARKER % 0 + "\n")
    with open(os.path.join(folder, "grubenv"), "w",
              encoding="ascii") as file:
        file.write("# GRUB Environment Block\n".ljust(1024, "#"))
    data = random.Random(7).randbytes(BIG)
    with open(os.path.join(folder, "big.bin"), "wb") as file:
        file.write(data)
    return hashlib.sha256(data).hexdigest()


def next_layer(old, new, number):
    """The same disk with another marker: little is different."""
    with open(old, "rb") as file:
        data = file.read()
    before, after = MARKER % (number - 1), MARKER % number
    assert before.encode() in data
    with open(new, "wb") as file:
        file.write(data.replace(before.encode(), after.encode()))


def disk_of_4k_sectors(path, part):
    """An MBR counts in sectors: sfdisk knows only those of 512 bytes."""
    part.make(path + ".part")
    entry = struct.pack("<4sB3sII", b"\0\0\2\0", 0x83, b"\xff\xff\xff",
                        MIB // 4096, part.size * MIB // 4096)
    with open(path, "wb") as file:
        file.write(b"\0" * 446 + entry + b"\0" * 48 + b"\x55\xaa")
        file.truncate((part.size + 2) * MIB)
    run("dd", "if=" + path + ".part", "of=" + path, "bs=1M", "seek=1",
        "conv=notrunc,sparse")
    os.unlink(path + ".part")


# -- a log that was not applied ----------------------------------------------

def _crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


CRC = _crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _sealed(data, at=4):
    """With the checksum in its place."""
    out = bytearray(data)
    out[at:at + 4] = bytes(4)
    struct.pack_into("<I", out, at, crc32c(out))
    return bytes(out)


def _table_offset(file):
    """Of the block table: MS-VHDX 2.2.3, the region table."""
    file.seek(192 * KIB)
    table = file.read(64 * KIB)
    bat = bytes.fromhex("6677c22d23f600429d64115e9bfd4a08")
    return struct.unpack_from("<Q", table, table.index(bat) + 16)[0]


def _entry(page, at, sequence, guid, size):
    """One page of 4 KiB as an entry of the log: MS-VHDX 2.3.1."""
    number = struct.pack("<Q", sequence)
    header = struct.pack("<4sIIIQII16sQQ", b"loge", 0, 8192, 0, sequence, 1, 0,
                         guid, size, size)
    descriptor = b"desc" + page[-4:] + page[:8] + struct.pack(
        "<QQ", at, sequence)
    data = b"data" + number[4:] + page[8:-4] + number[:4]
    return _sealed((header + descriptor).ljust(4096, b"\0") + data)


def make_dirty(path):
    """The first page of the block table is in the log only, as a power cut
    leaves it between the log and the table."""
    guid = bytes(range(0xA0, 0xB0))
    with open(path, "r+b") as file:
        slots = {}
        for at in (64 * KIB, 128 * KIB):
            file.seek(at)
            slots[at] = file.read(4096)
        sequences = {at: struct.unpack_from("<Q", slot, 8)[0]
                     for at, slot in slots.items() if slot[:4] == b"head"}
        current = max(sequences, key=sequences.get)
        header = bytearray(slots[current])
        struct.pack_into("<Q", header, 8, sequences[current] + 1)
        header[48:64] = guid
        log = struct.unpack_from("<Q", header, 72)[0]
        table = _table_offset(file)
        file.seek(table)
        page = file.read(4096)
        assert any(page)
        file.seek(log)
        file.write(_entry(page, table, 1, guid, os.path.getsize(path)))
        file.seek(table)
        file.write(bytes(4096))
        file.seek(64 * KIB + 128 * KIB - current)
        file.write(_sealed(header))


# -- the set -----------------------------------------------------------------

class Images:
    """Makes the images in `folder`/images. `expected` says for each what is
    in it: its file's name, the partition, the number of the marker."""

    def __init__(self, vhdtool, folder):
        self.vhdtool, self.folder = vhdtool, folder
        self.images = os.path.join(folder, "images")
        os.makedirs(self.images)
        self.work = folder + ".work"
        self.hash = content(os.path.join(self.work, "inside"))
        self.expected = []
        self.bad, self.odd = [], []

    def path(self, name):
        return os.path.join(self.images, name)

    def convert(self, raw, name, *options, number=0, part="gpt1"):
        run(self.vhdtool, "convert", "-q", *options,
            os.path.join(self.work, raw), self.path(name))
        self.expected.append((name, part, number))

    def make(self):
        part = Part("linux", 12, "ext4", os.path.join(self.work, "inside"))
        raw = [os.path.join(self.work, "%d.raw" % n) for n in range(3)]
        make_disk(raw[0], part)
        next_layer(raw[0], raw[1], 1)
        next_layer(raw[1], raw[2], 2)
        for kind in "vhd", "vhdx":
            self._make_types(kind)
        disk_of_4k_sectors(os.path.join(self.work, "4k.raw"), part)
        self.convert("4k.raw", "sectors4k.vhdx", "--logical-sector-size",
                     "4096", part="msdos1")
        self.convert("0.raw", "dirty.vhdx")
        make_dirty(self.path("dirty.vhdx"))
        shutil.move(os.path.join(self.work, "inside"), self.folder)

    def make_patchy(self):
        """A disk of data and zeros in turns. Returns its size, and its hash."""
        dice, data = random.Random(8), bytearray()
        while len(data) < 1536 * KIB:
            length = dice.randrange(1, 200) * KIB
            data += dice.randbytes(length) if dice.random() < 0.6 \
                else bytes(length)
        del data[1536 * KIB:]
        os.makedirs(self.work, exist_ok=True)
        with open(os.path.join(self.work, "patchy.raw"), "wb") as file:
            file.write(data)
        self.convert("patchy.raw", "fixed.vhd", "--type", "fixed")
        self.convert("patchy.raw", "small.vhd", "--block-size", "512K")
        self.convert("patchy.raw", "small.vhdx", "--block-size", "1M")
        return len(data), hashlib.sha256(data).hexdigest()

    def make_bad(self):
        """`bad`: names, and words of what GRUB must say; `odd`: what looks bad
        and is not."""
        with open(self.path("fixed.vhd"), "rb") as file:
            fixed = file.read()
        marked = b"vhdxfile" + fixed[8:]  # a guest can write this
        for name, data, words in (
                ("text.txt", b"Good day. " * 999, "neither a VHD nor a VHDX"),
                ("text.vhd", b"Good day. " * 999, "'conectix' is missing"),
                ("none", b"", "neither a VHD nor a VHDX"),
                ("cut.vhd", fixed[:-512], "'conectix' is missing"),
                ("footer.vhd", fixed[:-1] + b"!", "the checksum is wrong"),
                ("short.vhd", fixed[512:], "fixed disk of"),
                ("marked.img", marked, "may be a VHD or a VHDX"),
                ("marked.vhd", marked, None)):
            with open(self.path(name), "wb") as file:
                file.write(data)
            if words:
                self.bad.append((name, words))
            else:
                self.odd.append(name)
        self.bad.append(("nowhere.vhdx", "not found"))
        self._copy("base.vhdx", "base.vhd-is-no-name")
        self.odd.append("base.vhd-is-no-name")
        self._copy("base.vhdx", "renamed.vhd")
        self.bad.append(("renamed.vhd", "is a VHDX, not a VHD"))
        for kind in "vhd", "vhdx":
            self._make_orphans(kind)

    def _copy(self, name, to):
        os.makedirs(os.path.dirname(self.path(to)), exist_ok=True)
        shutil.copy(self.path(name), self.path(to))

    def _make_orphans(self, kind):
        """Without the parent; with another; with one that is damaged."""
        base, child = "base." + kind, "child." + kind
        leaf = "grandchild.a" + kind
        self._copy(child, "alone/" + child)
        self.bad.append(("alone/" + child,
                         "its parent %s was not found beside it" % base))
        for folder in "strange/", "broken/":
            self._copy(child, folder + child)
            self._copy(leaf, folder + leaf)
        self._copy("fixed." + kind, "strange/" + base)
        self.bad.append(("strange/" + leaf, "strange/%s: is not the parent "
                         "that (hd0,gpt3)/images/strange/%s was made of" % (
                             base, child)))
        with open(self.path("broken/" + base), "wb") as file:
            file.write(b"Good day. " * 99)
        self.bad.append(("broken/" + leaf, "images/broken/%s: " % base))

    def make_nested(self, inner, outer):
        """An image in the file system of another."""
        folder = os.path.join(self.work, "nested")
        os.makedirs(folder)
        shutil.copy(self.path(inner), folder)
        make_disk(os.path.join(self.work, "nested.raw"),
                  Part("linux", 16, "ext4", folder))
        self.convert("nested.raw", outer)

    def make_system(self, folder):
        """An empty base, and a child with a file system that is `folder`."""
        raw = os.path.join(self.work, "system.raw")
        make_disk(raw, Part("linux", 40, "ext4", folder))
        run(self.vhdtool, "create", "--size", str(os.path.getsize(raw)),
            self.path("base.vhdx"))
        self.convert("system.raw", "child.vhdx", "--parent",
                     self.path("base.vhdx"))

    def make_far(self, before):
        """The partition begins after so many MiB of nothing."""
        make_disk(os.path.join(self.work, "far.raw"),
                  Part("linux", before),
                  Part("linux", 12, "ext4", os.path.join(self.work, "inside")))
        for name, options in (("far-fixed.vhd", ["--type", "fixed"]),
                              ("far-fixed.vhdx", ["--type", "fixed"]),
                              ("far.vhd", []), ("far.vhdx", [])):
            self.convert("far.raw", name, *options, part="gpt2")

    def _make_types(self, kind):
        small = ["--block-size", {"vhd": "512K", "vhdx": "1M"}[kind]]
        self.convert("0.raw", "fixed." + kind, "--type", "fixed")
        self.convert("0.raw", "base." + kind, *small)
        self.convert("1.raw", "child." + kind, "--parent",
                     self.path("base." + kind), number=1)
        self.convert("2.raw", "grandchild.a" + kind, "--parent",
                     self.path("child." + kind), number=2)
