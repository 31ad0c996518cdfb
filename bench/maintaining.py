# SPDX-License-Identifier: BSD-2-Clause
"""The cases of "maintain": a mixin of bench/run's Bench.

Nothing else compacts an image in place, and what merged one is not packaged
any more; so the limits are copies of the same bytes: by cp, which may share
nothing, and by a loop of pread and pwrite, each with what makes it durable."""

import json
import os
import random
import shutil
import time

from report import MIB, kib, output, sec
from writing import Loop, remove

RUN = 64 << 10  # of what a child stores
CHAIN = 64
# what vhd-util coalesce took for 128 MiB in such runs, in times of the loop of
# pread and pwrite beside it
VHD_UTIL = 1.13 / 0.064


def timed(action):
    start = time.monotonic()
    action()
    return time.monotonic() - start


class Maintaining:
    """Uses Bench's folder, size, table, tool, program(), spawn() and
    rounds()."""

    # -- R20: check --------------------------------------------------------

    def check(self):
        image = self.path("check.vhdx")
        self.make_raw_base()
        output("qemu-img", "convert", "-f", "raw", "-O", "vhdx", "-o",
               "block_size=1M", self.path("base.raw"), image)
        ours = (self.tool, "check", image)
        theirs = ("qemu-img", "check", "-q", "-f", "vhdx", image)
        found = self.rounds({"ours": lambda: self.spawn(*ours)[0],
                             "qemu": lambda: self.spawn(*theirs)[0]})
        self.table.ratio(
            "R20 check of a %d MiB vhdx vs qemu-img check" % (
                self.size.disk // MIB),
            found["ours"], found["qemu"], sec, 2.0, 2.5)
        os.unlink(image)
        self.check_empty()

    def check_empty(self):
        image = self.path("huge.vhdx")
        output(self.tool, "create", "--size", self.size.huge, "--block-size",
               "1M", image)
        ours = (self.tool, "check", image)
        theirs = ("qemu-img", "check", "-q", "-f", "vhdx", image)
        peak = {}

        def measure(name, command):
            wall, _, peak[name] = self.spawn(*command)
            return wall

        found = self.rounds({"ours": lambda: measure("ours", ours),
                             "qemu": lambda: measure("qemu", theirs)})
        what = "R20 check of an empty %s vhdx, " % self.size.huge
        self.table.bound(what + "time", found["ours"], sec, 0.3)
        self.table.bound(what + "memory", peak["ours"], kib, 16 * 1024)
        self.table.ratio("   time vs qemu", found["ours"], found["qemu"], sec)
        self.table.ratio("   memory vs qemu", peak["ours"], peak["qemu"], kib,
                         words=("less", "more"))
        os.unlink(image)

    # -- R21: merge --------------------------------------------------------

    def make_raw_base(self):
        if not os.path.exists(self.path("base.raw")):
            self.fill("base.raw", self.size.disk)

    def make_family(self):
        """base.raw, a quarter of it written anew in runs as changed.raw, and
        both as base.KIND with child.KIND upon it."""
        self.make_raw_base()
        places = self.size.disk // RUN
        chosen = sorted(random.Random(2).sample(range(places), places // 4))
        if not os.path.exists(self.path("changed.raw")):
            shutil.copy(self.path("base.raw"), self.path("changed.raw"))
            with open(self.path("changed.raw"), "r+b") as raw:
                for place in chosen:
                    raw.seek(place * RUN)
                    raw.write(os.urandom(RUN))
            for kind in ("vhd", "vhdx"):
                self.make_child(kind)
        return chosen

    def make_child(self, kind):
        base, child = self.path("base." + kind), self.path("child." + kind)
        output(self.tool, "convert", "--quiet", "--reflink", "never",
               self.path("base.raw"), base)
        output(self.tool, "convert", "--quiet", "--reflink", "never",
               "--parent", base, self.path("changed.raw"), child)

    def fresh_family(self, kind):
        """A copy that may be merged, in a folder of its own."""
        folder = self.path("family")
        shutil.rmtree(folder, ignore_errors=True)
        os.mkdir(folder)
        for name in ("base.", "child."):
            output("cp", "--reflink=never", self.path(name + kind), folder)
        os.sync()
        return os.path.join(folder, "child." + kind)

    def merge(self):
        chosen = self.make_family()

        def ours(kind):
            child = self.fresh_family(kind)
            return self.spawn(self.tool, "merge", "--quiet", "--reflink",
                              "never", child)[0]

        found = self.rounds({
            "vhd": lambda: ours("vhd"), "vhdx": lambda: ours("vhdx"),
            "cp": lambda: self.copy_time(len(chosen) * RUN),
            "loop": lambda: self.loop_time(chosen)})
        shutil.rmtree(self.path("family"))
        what = "R21 merge of %d MiB in 64K runs, " % (
            len(chosen) * RUN // MIB)
        for kind in ("vhd", "vhdx"):
            self.table.ratio(what + kind + " vs cp + sync", found[kind],
                             found["cp"], sec, 1 / 0.8, 1 / 0.68)
            self.table.ratio("   vs pread, pwrite, fdatasync", found[kind],
                             found["loop"], sec)
            self.table.ratio("   vs vhd-util, from its recorded ratio",
                             found[kind], VHD_UTIL * found["loop"], sec,
                             1 / 4, 1 / 3)
        self.chain()

    def copy_time(self, length, folder=None, move=False):
        """cp of a file of that length, and what makes it durable; to move it,
        what was copied is removed."""
        folder = folder or self.folder
        source, target = (os.path.join(folder, n) for n in ("cp.in", "cp.out"))
        if (not os.path.exists(source) or
                os.path.getsize(source) != length):
            with open(source, "wb") as file, \
                    open(self.path("base.raw"), "rb") as random_bytes:
                while file.tell() < length:
                    random_bytes.seek(0)
                    file.write(random_bytes.read(
                        min(length - file.tell(), self.size.disk)))
        remove(target)
        os.sync()
        command = "cp --reflink=never '%s' '%s' && sync '%s'" % (
            source, target, target)
        if move:
            command += " && rm '%s' && sync '%s'" % (source, folder)
        return self.spawn("sh", "-c", command)[0]

    def loop_time(self, chosen):
        """The runs from changed.raw into a copy of base.raw."""
        target = self.path("loop.raw")
        output("cp", "--reflink=never", self.path("base.raw"), target)
        os.sync()

        def copy():
            with open(self.path("changed.raw"), "rb", 0) as source, \
                    open(target, "r+b", 0) as sink:
                for place in chosen:
                    run = os.pread(source.fileno(), RUN, place * RUN)
                    os.pwrite(sink.fileno(), run, place * RUN)
                os.fdatasync(sink.fileno())

        found = timed(copy)
        os.unlink(target)
        return found

    def chain(self):
        """64 children: all at once, and one after the other."""
        found = self.rounds({"once": lambda: self.chain_time(False),
                             "singly": lambda: self.chain_time(True)})
        self.table.ratio("R21 a chain of %d in one pass vs singly" % CHAIN,
                         found["once"], found["singly"], sec, 1.0)

    def chain_time(self, singly):
        folder = self.path("chain")
        shutil.rmtree(folder, ignore_errors=True)
        os.mkdir(folder)
        names = [os.path.join(folder, "%02d.vhdx" % i)
                 for i in range(CHAIN + 1)]
        output(self.tool, "create", "--size", str(self.size.disk), names[0])
        source = random.Random(3)
        with open(os.path.join(folder, "data"), "wb") as data:
            data.write(source.randbytes(MIB))
        for parent, child in zip(names, names[1:]):
            output(self.tool, "snapshot", parent, child)
            place = source.randrange(self.size.disk // MIB) * MIB
            output("sh", "-c", "'%s' write --offset %d '%s' <'%s'" % (
                self.tool, place, child, os.path.join(folder, "data")))
        os.sync()
        merges = [(names[1], names[0])]
        # a child of what was merged is a child of the base from then on
        merges += [(child, names[0]) for child in names[2:]]
        if not singly:
            merges = [(names[-1], names[0])]

        def run():
            for child, into in merges:
                output(self.tool, "merge", "--quiet", "--delete", "--into", into,
                       child)

        taken = timed(run)
        shutil.rmtree(folder)
        return taken

    # -- R22: compact ------------------------------------------------------

    def compact(self):
        """The first half of a disk is given back: the rest moves there."""
        self.make_family()
        for kind in ("vhd", "vhdx"):
            self.compact_rows(kind, self.folder, "", None)
        # a file system that discards what it frees, as the one here may, has
        # work with it that cp does not give it
        self.compact_on("ext4", ("vhd", "vhdx"), (1 / 0.8, 1 / 0.68))
        self.compact_on("xfs", ("vhdx",), (0.1, 0.15))

    def compact_on(self, system, kinds, goal):
        with Loop(system, self.path("loop." + system),
                  self.path("mount-" + system),
                  4 * self.size.disk + 512 * MIB) as loop:
            if not loop.folder:
                self.table.note("R22 compact on " + system,
                                "skipped: " + loop.why_not)
                return
            for kind in kinds:
                self.compact_rows(kind, loop.folder, " on " + system, goal)

    def compact_rows(self, kind, folder, where, goal):
        image = os.path.join(folder, "half." + kind)
        half = self.size.disk // 2
        told = {}

        def ours():
            output("cp", "--reflink=never", self.path("base." + kind), image)
            output(self.tool, "discard", "--offset", "0", "--length",
                   str(half), image)
            os.sync()
            log = image + ".json"
            wall = self.spawn("sh", "-c", "'%s' compact --json '%s' >'%s'" % (
                self.tool, image, log))[0]
            with open(log, encoding="utf-8") as file:
                told.update(json.load(file))
            return wall

        found = self.rounds({
            "ours": ours,
            "cp": lambda: self.copy_time(half, folder),
            "mv": lambda: self.copy_time(half, folder, move=True)})
        what = "R22 compact, %d MiB to move, %s%s" % (half // MIB, kind, where)
        self.table.ratio(what + " vs cp + sync", found["ours"], found["cp"],
                         sec, *(goal or ()))
        self.table.ratio("   vs cp + sync + rm of what was copied",
                         found["ours"], found["mv"], sec)
        cut = told["file-size-before"] - told["file-size"]
        self.table.bound("   moved", told["moved-bytes"] / 1024, kib,
                         cut / 1024)
        self.table.bound("   file, shorter by", cut / 1024, kib,
                         0.98 * half / 1024, at_most=False)
        os.unlink(image)
