# SPDX-License-Identifier: BSD-2-Clause
"""The cases of "write": a mixin of bench/run's Bench."""

import os
import shutil
import statistics
import subprocess

from report import GIB, MIB, kib, ns, output, sec

KINDS = ("vhd", "vhdx")
DRIVER = {"vhd": "vpc", "vhdx": "vhdx", "raw": "raw"}
# what qemu-img convert is told, so that a vhd has exactly the disk's size
OPTIONS = {"vhd": ["-o", "force_size=on"], "vhdx": [], "raw": []}
MEMORY = "/dev/shm"
BLOCK = 2 * MIB


def remove(path):
    if os.path.exists(path):
        os.unlink(path)


def on_disk(path):
    return os.stat(path).st_blocks * 512


class Loop:
    """A file system of its own in a file; `folder` is None without."""

    def __init__(self, kind, image, point, size):
        self.kind, self.image, self.point = kind, image, point
        self.size = size
        self.folder, self.why_not = None, ""

    def __enter__(self):
        mkfs = shutil.which("mkfs." + self.kind)
        if os.getuid() != 0 or not mkfs:
            self.why_not = ("not root" if mkfs else
                            "no mkfs.%s" % self.kind)
            return self
        with open(self.image, "wb") as file:
            file.truncate(self.size)
        os.makedirs(self.point, exist_ok=True)
        for command in ((mkfs, "-q", self.image),
                        ("mount", "-o", "loop", self.image, self.point)):
            done = subprocess.run(command, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, check=False)
            if done.returncode:
                self.why_not = command[0] + " fails here"
                return self
        self.folder = self.point
        return self

    def __exit__(self, *_):
        if self.folder:
            subprocess.run(("umount", self.point), check=False)
        remove(self.image)


class Writing:
    """Uses Bench's folder, size, table, tool, spawn() and rounds()."""

    # -- single requests ---------------------------------------------------

    def make_written(self):
        """written.raw of random bytes, the same as images by us, and by qemu
        as qemu.*. All of ours are written by one program in one way: the
        size of writes decides how the host manages the pages afterwards."""
        if os.path.exists(self.path("written.raw")):
            return
        self.fill("random.raw", self.size.written)
        for kind in ("raw", *KINDS):
            output(self.tool, "convert", "--quiet", "--reflink", "never",
                   self.path("random.raw"), self.path("written." + kind))
        remove(self.path("random.raw"))
        for kind in KINDS:
            output("qemu-img", "convert", "-O", DRIVER[kind], *OPTIONS[kind],
                   self.path("written.raw"), self.path("qemu." + kind))
        os.sync()

    def write_pair(self, pattern, kind, count, every, seed):
        """ns a request of one round: raw, image."""
        name = "written" if pattern == "overwrite" else "new"
        os.sync()
        text = output(self.program("bench_write"), "-n", str(count), "-f",
                      str(every), "-S", str(seed), pattern,
                      self.path(name + ".raw"), kind,
                      self.path("%s.%s" % (name, kind)))
        return [float(word) for word in text.split()]

    def qemu_write(self, pattern, kind, count, every):
        """ns a request of qemu-img bench, which keeps 16 in flight."""
        path = self.path("qemu." + kind)
        step = {"overwrite": 37 * MIB + 4096, "allocate": 37 * BLOCK + 4096,
                "append": 4096}[pattern]
        if pattern != "overwrite":
            path = self.path("qemu-new." + kind)
            remove(path)
            output("qemu-img", "create", "-q", "-f", DRIVER[kind],
                   *OPTIONS[kind], path, str(2 * count * BLOCK))
        flush = ["--flush-interval=%d" % every] if every else []
        os.sync()
        text = output("qemu-img", "bench", "-w", "-t", "writeback", "-f",
                      DRIVER[kind], "-d", str(min(every or 16, 16)), *flush,
                      "-s", "4096", "-S", str(step), "-c", str(count), path)
        return float(text.split()[-2]) * 1e9 / count

    def write_rows(self, what, pattern, count, every, goals, peer):
        """goals: kind -> goal and limit in times the raw file; peer: how
        many requests qemu gets, and how much faster we want to be."""
        qemu_count, wanted = peer
        if self.size.rounds == 1:
            count, qemu_count = self.size.writes, self.size.writes
        pairs = {kind: [] for kind in KINDS}
        theirs = {kind: [] for kind in KINDS}
        for turn in range(self.size.rounds):
            for kind in KINDS:
                pairs[kind].append(self.write_pair(pattern, kind, count,
                                                   every, turn))
                theirs[kind].append(self.qemu_write(pattern, kind,
                                                    qemu_count, every))
        for kind in KINDS:
            raw, ours = (statistics.median(c) for c in zip(*pairs[kind]))
            goal, limit = goals[kind]
            name = "%s, %s" % (what, kind)
            self.table.ratio(name + " vs raw", ours, raw, ns, 1 / goal,
                             1 / limit)
            self.table.ratio("   %s vs qemu" % kind, ours,
                             statistics.median(theirs[kind]), ns,
                             1 / wanted[kind] if wanted else None)
        for name in ("new.raw", "new.vhd", "new.vhdx", "qemu-new.vhd",
                     "qemu-new.vhdx"):
            remove(self.path(name))

    def overwrite(self):
        self.make_written()
        goals = dict.fromkeys(KINDS, (0.95, 0.85))
        self.write_rows("R5 overwrite 4K, no flush", "overwrite", 20000, 0,
                        goals, (1500, None))
        self.write_rows("R5 overwrite 4K, flush/64", "overwrite", 6400, 64,
                        goals, (1280, None))

    def allocate(self):
        count = self.size.writes
        self.write_rows("R6 allocating 4K, flush/64", "allocate", count, 64,
                        dict.fromkeys(KINDS, (0.5, 0.35)),
                        (count // 4, {"vhd": 8, "vhdx": 12}))
        self.write_rows("R7 allocating 4K, no flush", "allocate", count, 0,
                        dict.fromkeys(KINDS, (0.5, 0.3)),
                        (count // 4, dict.fromkeys(KINDS, 25)))
        self.write_rows("R8 allocating 4K, flush/1", "allocate", count // 4,
                        1, {"vhd": (0.6, 0.45), "vhdx": (0.7, 0.5)},
                        (count // 4, {"vhd": 1.25, "vhdx": 2.5}))

    def append(self):
        goals = dict.fromkeys(KINDS, (0.95, 0.85))
        self.write_rows("R9 append 4K, flush/64", "append", 6400, 64, goals,
                        (6400, None))
        self.write_rows("R9 append 4K, no flush", "append", 20000, 0, goals,
                        (20000, None))

    # -- whole disks -------------------------------------------------------

    def fresh(self, target, *command):
        """Measures a command that makes `target`: (wall, CPU, peak KiB)."""
        def measure():
            remove(target)
            os.sync()
            return self.spawn(*command)
        return measure

    def shell(self, target, text):
        return self.fresh(target, "sh", "-c", text)

    def all_rounds(self, contestants):
        """As rounds(), for functions that give (wall, CPU, peak)."""
        found = {name: [] for name in contestants}

        def wall(name, measure):
            def call():
                found[name].append(measure())
                return found[name][-1][0]
            return call

        self.rounds({n: wall(n, m) for n, m in contestants.items()})
        return {name: [statistics.median(column) for column in zip(*runs)]
                for name, runs in found.items()}

    def enough_memory(self):
        if not os.path.isdir(MEMORY):
            return False
        info = os.statvfs(MEMORY)
        return info.f_bavail * info.f_frsize > 4 * self.size.written

    def dense(self):
        """In memory, where the flush at the end of ours costs nothing."""
        self.make_written()
        if not self.enough_memory():
            self.table.note("R10 dense raw -> image", "skipped: no room in "
                            + MEMORY)
            return
        source = os.path.join(MEMORY, "libvhd-bench-%d.raw" % os.getpid())
        target = source + ".out"
        try:
            shutil.copy(self.path("written.raw"), source)
            self.dense_rows(source, target)
        finally:
            remove(source)
            remove(target)

    def dense_rows(self, source, target):
        runs = {"cp": self.fresh(target, "cp", source, target),
                "cp whole": self.fresh(target, "cp", "--sparse=never",
                                       "--reflink=never", source, target)}
        for kind in KINDS:
            runs[kind] = self.fresh(target, self.tool, "convert", "--quiet",
                                    "-O", kind, "-f", "raw", source, target)
            runs["qemu " + kind] = self.fresh(
                target, "qemu-img", "convert", "-f", "raw", "-O",
                DRIVER[kind], *OPTIONS[kind], source, target)
        found = self.all_rounds(runs)
        best = min(found["cp"][0], found["cp whole"][0])
        what = "R10 dense %d MiB in memory, raw -> " % (
            self.size.written // MIB)
        for kind in KINDS:
            wall, cpu, peak = found[kind]
            theirs = found["qemu " + kind]
            self.table.ratio(what + kind + " vs cp", wall, best, sec, 1.1,
                             1.25)
            self.table.ratio("   vs qemu", wall, theirs[0], sec)
            self.table.ratio("   CPU vs qemu", cpu, theirs[1], sec, 0.8)
            self.table.bound("   memory", peak, kib, 16 * 1024)

    def durable(self):
        self.make_written()
        source, target = self.path("written.raw"), self.path("out")
        runs = {"cp": self.shell(
            target, "cp '%s' '%s' && sync '%s'" % (source, target, target))}
        for kind in KINDS:
            runs[kind] = self.fresh(target, self.tool, "convert", "--quiet",
                                    "-O", kind, "-f", "raw", source, target)
            runs["qemu " + kind] = self.fresh(
                target, "qemu-img", "convert", "-t", "writeback", "-f", "raw",
                "-O", DRIVER[kind], *OPTIONS[kind], source, target)
        found = self.all_rounds(runs)
        what = "R11 durable %d MiB, raw -> " % (self.size.written // MIB)
        for kind in KINDS:
            theirs = found["qemu " + kind]
            self.table.ratio(what + kind + " vs cp + sync", found[kind][0],
                             found["cp"][0], sec, 1.0, 1.15)
            self.table.ratio("   vs qemu -t writeback", found[kind][0],
                             theirs[0], sec)
            self.table.ratio("   CPU vs qemu", found[kind][1], theirs[1],
                             sec, 0.4)
        self.output_size()
        remove(target)

    def output_size(self):
        """C7: disk blocks of the images against those of the raw file."""
        raw = on_disk(self.path("written.raw"))
        for kind in KINDS:
            ours = on_disk(self.path("written." + kind))
            self.table.ratio("C7 space of %s vs raw" % kind, ours / 1024,
                             raw / 1024, kib, 1.001 + 4 * MIB / raw)

    def make_scattered(self):
        """As sparse.raw, of another size, and images made by us."""
        if os.path.exists(self.path("scattered.raw")):
            return
        self.scatter(self.path("scattered.raw"), self.size.scattered)
        for kind in KINDS:
            output(self.tool, "convert", "--quiet",
                   self.path("scattered.raw"),
                   self.path("scattered." + kind))
        os.sync()

    def sparse(self):
        self.make_scattered()
        target = self.path("out")
        paths = {kind: self.path("scattered." + kind)
                 for kind in ("raw", "vhd", "vhdx")}
        ways = [(a, b) for a in paths for b in paths if a != b]

        def qemu(a, b, cache):
            return self.fresh(target, "qemu-img", "convert", "-t", cache,
                              "-f", DRIVER[a], "-O", DRIVER[b], *OPTIONS[b],
                              paths[a], target)

        runs = {"unsafe": qemu("raw", "raw", "unsafe"),
                "durable": qemu("raw", "raw", "writeback")}
        for a, b in ways:
            runs[a + b] = self.fresh(target, self.tool, "convert", "--quiet",
                                     "-O", b, paths[a], target)
            runs["qemu" + a + b] = qemu(a, b, "writeback")
        found = self.all_rounds(runs)
        what = "R12 sparse %d GiB, " % max(self.size.scattered // GIB, 1)
        for a, b in ways:
            self.table.ratio("%s%s -> %s vs qemu raw -> raw" % (what, a, b),
                             found[a + b][0], found["durable"][0], sec, 1.2,
                             1.5)
            self.table.ratio("   vs the same not flushed", found[a + b][0],
                             found["unsafe"][0], sec)
            self.table.ratio("   vs qemu %s -> %s" % (a, b), found[a + b][0],
                             found["qemu" + a + b][0], sec)
        remove(target)

    # -- reflink and create ------------------------------------------------

    def reflink(self):
        self.make_written()
        for kind in ("xfs", "btrfs"):
            with Loop(kind, self.path("loop." + kind),
                      self.path("mount-" + kind),
                      2 * self.size.written + 512 * MIB) as loop:
                if loop.folder:
                    self.reflink_rows(kind, loop.folder)
                else:
                    self.table.note("R13 reflink on " + kind,
                                    "skipped: " + loop.why_not)

    def reflink_rows(self, system, folder):
        source = os.path.join(folder, "disk.raw")
        target = os.path.join(folder, "out")
        shutil.copy(self.path("written.raw"), source)
        os.sync()
        copy = "cp --reflink=always '%s' '%s'" % (source, target)
        runs = {"cp": self.shell(target, copy),
                "cp sync": self.shell(target, "%s && sync '%s'" % (copy,
                                                                   target))}
        ways = {"vhdx": [], "vhd": [], "fixed vhd": ["--type", "fixed"]}
        for name, options in ways.items():
            runs[name] = self.fresh(target, self.tool, "convert", "--quiet",
                                    "--reflink", "always", "-O",
                                    name.split()[-1], *options, source,
                                    target)
        found = self.all_rounds(runs)
        cp, synced = found["cp"][0], found["cp sync"][0]
        for name in ways:
            wall = found[name][0]
            self.table.bound("R13 reflink on %s, raw -> %s" % (system, name),
                             wall, sec, 2 * cp + 0.005)
            self.table.ratio("   vs cp --reflink", wall, cp, sec)
            self.table.ratio("   vs cp --reflink + sync", wall, synced, sec)

    def create(self):
        smoke = self.size.rounds == 1
        cases = (("vhdx", "1T" if smoke else "64T", ["--block-size", "1M"],
                  ["-o", "block_size=1M"]),
                 ("vhd", "2040G", [], ["-o", "force_size=on"]))
        for kind, size, ours, theirs in cases:
            path = self.path("huge." + kind)
            other = self.path("qemu-huge." + kind)
            found = self.all_rounds({
                "ours": self.fresh(path, self.tool, "create", "--size", size,
                                   *ours, path),
                "qemu": self.fresh(other, "qemu-img", "create", "-q", "-f",
                                   DRIVER[kind], *theirs, other, size)})
            what = "R19 create a %s %s, " % (size, kind)
            self.table.bound(what + "time", found["ours"][0], sec, 0.020)
            self.table.ratio("   vs qemu", found["ours"][0],
                             found["qemu"][0], sec)
            self.table.bound(what + "space", on_disk(path) / 1024, kib,
                             4 * 1024 if kind == "vhdx" else 5 * 1024)
            self.table.ratio("   vs qemu", on_disk(path) / 1024,
                             on_disk(other) / 1024, kib,
                             words=("less", "more"))
            remove(path)
            remove(other)
