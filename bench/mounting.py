# SPDX-License-Identifier: BSD-2-Clause
"""The cases of "mount": a mixin of bench/run's Bench.

The limit is libfuse's own example passthrough_ll over the raw file, compiled
from the source that comes with libfuse's development package."""

import os
import shutil
import subprocess
import time

from report import MIB, output, sec

EXAMPLE = "/usr/share/doc/libfuse3-dev/examples/passthrough_ll.c"
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
         "stderr": subprocess.DEVNULL}


def unmount(point):
    undo = ("umount",) if os.getuid() == 0 else ("fusermount3", "-u")
    for _ in range(200):
        if subprocess.run([*undo, point], check=False, **QUIET).returncode == 0:
            return
        time.sleep(0.02)


class Served:
    """A mounted file; `file` is None, and `why_not` says why, without."""

    def __init__(self, point, command, name, process=False):
        self.point, self.command, self.name = point, command, name
        self.process = process
        self.file, self.why_not = None, ""

    def __enter__(self):
        if not self.command:
            return self
        os.makedirs(self.point, exist_ok=True)
        if self.process: # the mount point is a file
            open(os.path.join(self.point, self.name), "wb").close()
            self.process = subprocess.Popen(self.command, **QUIET)
        else:
            subprocess.run(self.command, check=False, **QUIET)
        name = os.path.join(self.point, self.name)
        for _ in range(200):
            if os.path.exists(name) and os.path.getsize(name):
                self.file = name
                break
            time.sleep(0.02)
        else:
            self.why_not = self.command[0] + " cannot mount here"
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.terminate()
            self.process.wait()
        elif self.file:
            unmount(self.point)


class Mounting:
    """Uses Bench's folder, size, table, tool, program() and rounds()."""

    def passthrough(self):
        """The limit: the example, mirroring the folder of the raw file."""
        program = self.path("passthrough_ll")
        if not os.path.exists(EXAMPLE):
            return None, "no example of libfuse here"
        flags = output("pkg-config", "--cflags", "--libs", "fuse3").split()
        if not os.path.exists(program):
            output("cc", "-O2", "-w", "-o", program, EXAMPLE, *flags)
        return [program, "-o", "source=" + self.path("mirrored"),
                self.path("m-limit")], ""

    def qemu_export(self, kind):
        program = shutil.which("qemu-storage-daemon")
        if not program:
            return None
        driver = "vpc" if kind == "vhd" else kind
        return [program, "--blockdev",
                "driver=file,node-name=f,filename=" +
                self.path("mirrored/qemu." + kind), "--blockdev",
                "driver=%s,node-name=d,file=f" % driver, "--export",
                "type=fuse,id=e,node-name=d,writable=on,mountpoint=" +
                os.path.join(self.path("m-qemu-" + kind), "disk")]

    def contestants(self):
        """name -> Served"""
        limit, _ = self.passthrough()
        all_of_them = {"limit": Served(self.path("m-limit"), limit,
                                       "disk.raw")}
        for kind in ("vhd", "vhdx"):
            point = self.path("m-" + kind)
            all_of_them[kind] = Served(
                point, [self.program("vhdfuse"),
                        self.path("mirrored/disk." + kind), point], "disk")
            point = self.path("m-qemu-" + kind)
            all_of_them["qemu " + kind] = Served(
                point, self.qemu_export(kind), "disk", True)
        return all_of_them

    def make_mirrored(self):
        """disk.raw and what holds the same, each of them written by us."""
        if os.path.exists(self.path("mirrored")):
            return
        os.mkdir(self.path("mirrored"))
        self.fill("mirrored/disk.raw", self.size.disk)
        for kind in ("vhd", "vhdx"):
            # two of each: both programs lock what they serve
            for name in ("disk.", "qemu."):
                output(self.tool, "convert", "--quiet", "--reflink", "never",
                       self.path("mirrored/disk.raw"),
                       self.path("mirrored/" + name + kind))
        os.sync()

    def mount_rows(self, what, arguments, goals, only=None):
        """One kind of work on every mount, in rounds."""
        self.make_mirrored()
        served = {name: s for name, s in self.contestants().items()
                  if not only or name in only}
        if not os.access("/dev/fuse", os.W_OK):
            self.table.note(what, "skipped: no FUSE here")
            return

        def measure(s):
            return lambda: float(output(self.program("bench_mount"),
                                        arguments[0], s.file,
                                        *arguments[1:]))

        for s in served.values():
            s.__enter__()
        try:
            found = self.rounds({name: measure(s)
                                 for name, s in served.items() if s.file})
        finally:
            for s in served.values():
                s.__exit__()
        self.show_mount_rows(what, found, goals)

    def show_mount_rows(self, what, found, goals):
        for kind in ("vhd", "vhdx"):
            if kind not in found:
                self.table.note("%s, %s" % (what, kind), "skipped")
                continue
            for peer, name, goal in (
                    ("limit", "passthrough_ll of raw", goals[0]),
                    ("qemu " + kind, "qemu's FUSE export", goals[1])):
                if peer in found:
                    self.table.ratio("%s, %s vs %s" % (what, kind, name),
                                     found[kind], found[peer], sec, 1 / goal,
                                     1 / (goal * 0.85))

    # -- cases -------------------------------------------------------------

    def mount_read(self):
        count = str(self.size.disk // MIB)
        self.mount_rows("R16 mount: sequential read", ("read", count),
                        (0.9, 1.5))
        self.mount_peer()

    def mount_peer(self):
        """libvhdi, which takes its time: once, a part of the disk."""
        count = str(max(self.size.disk // MIB // 16, 1))
        point = self.path("m-vhdi")
        if not shutil.which("vhdimount"):
            self.table.note("R16 mount vs vhdimount", "no vhdimount")
            return
        ours = self.path("m-vhd")
        with Served(point, ["vhdimount", self.path("mirrored/disk.vhd"),
                            point], "vhdi1") as theirs, \
                Served(ours, [self.program("vhdfuse"), "-o", "ro",
                              self.path("mirrored/disk.vhd"), ours],
                       "disk") as mine:
            found = [float(output(self.program("bench_mount"), "read", s.file,
                                  count)) for s in (mine, theirs) if s.file]
        if len(found) == 2:
            self.table.ratio("R16 mount: sequential read, vhd vs vhdimount",
                             found[0], found[1], sec, 1 / 20)

    def mount_random(self):
        count = str(self.size.requests // 2)
        self.mount_rows("R16 mount: random 4K reads, depth 32",
                        ("random-read", count, "32"), (0.9, 1.5))

    def mount_write(self):
        count = str(self.size.disk // MIB)
        self.mount_rows("R16 mount: sequential write", ("write", count),
                        (0.8, 1.0))
        count = str(self.size.requests // 10)
        self.mount_rows("R16 mount: random 4K writes, depth 32",
                        ("random-write", count, "32"), (0.8, 1.0))
