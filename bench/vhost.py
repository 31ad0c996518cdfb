# SPDX-License-Identifier: BSD-2-Clause
"""The vhost-user-blk cases of "vmm": a mixin of bench/run's Bench.

Our program and qemu-storage-daemon, each serving a disk to the driver of
bench_vhost. The limit is the latter with the raw file. The driver sleeps until
it is told, as a guest does; with one that spins, only the back end sleeps."""

import contextlib
import os
import shutil
import subprocess

from report import ns, output
from writing import DRIVER

KINDS = ("vhd", "vhdx")
POLL_US = "50"


class Backend:
    """A program that serves one disk at a socket while it is entered."""

    def __init__(self, socket, command):
        self.socket, self.command = socket, command
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(self.command,
                                        stdin=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        if self.process.wait():
            raise RuntimeError("%s failed" % self.command[0])


class Vhost:
    """Uses Bench's folder, size, table, program(), rounds(); Serving."""

    def our_backend(self, kind, poll_us=POLL_US):
        socket = self.path("ours-%s.sock" % kind)
        return Backend(socket, [
            self.program("vhd-vhost-user-blk"), "--socket", socket,
            "--poll-us", poll_us, self.path("served." + kind)])

    def qemu_backend(self, kind, thread=False):
        """thread: it has one of its own, which polls for 32 us at most"""
        image = "disk.raw" if kind == "raw" else "peer." + kind
        socket = self.path("qemu-%s.sock" % kind)
        command = ["qemu-storage-daemon"]
        if thread:
            command += ["--object", "iothread,id=t"]
        return Backend(socket, command + [
            "--blockdev", "driver=file,node-name=f,aio=io_uring,filename=" +
            self.path(image), "--blockdev", "driver=%s,node-name=d,file=f" %
            DRIVER[kind], "--export",
            "type=vhost-user-blk,id=e,node-name=d,writable=on,"
            "addr.type=unix,addr.path=" + socket +
            (",iothread=t" if thread else "")])

    def make_peers(self):
        """What is served, once more: both programs lock what they have."""
        self.make_served()
        for kind in KINDS:
            path = self.path("peer." + kind)
            if not os.path.exists(path):
                shutil.copyfile(self.path("served." + kind), path)
            self.reread("peer." + kind)

    def vhost_times(self, backends, action, depth, driver="sleep"):
        """ns a request: backends is name -> Backend"""
        count = self.size.requests // (10 if depth == 1 else 5)

        def measure(backend):
            # what the last one left to the disk is not this one's
            os.sync()
            return float(output(self.program("bench_vhost"), action,
                                backend.socket, str(count), str(depth), "1",
                                driver))

        with contextlib.ExitStack() as stack:
            for backend in backends.values():
                stack.enter_context(backend)
            return self.rounds({name: lambda b=backend: measure(b)
                                for name, backend in backends.items()})

    def vhost_is_here(self, what):
        missing = [name for name, path in (
            ("qemu-storage-daemon", shutil.which("qemu-storage-daemon")),
            ("bench_vhost", shutil.which(self.program("bench_vhost"))))
            if not path]
        if missing:
            self.table.note(what, "skipped: no " + ", no ".join(missing))
        return not missing

    def vhost_row(self, what, found, ours, peer, goal=None):
        self.table.ratio("%s, %s vs %s" % (what, ours, peer), found[ours],
                         found[peer], ns, goal and 1 / goal,
                         goal and 1 / (goal * 0.9))

    def vhost_rows(self, what, action, depth, goal):
        backends = {kind: self.our_backend(kind) for kind in KINDS}
        backends["qemu raw"] = self.qemu_backend("raw")
        if action == "write":
            for kind in KINDS:
                backends["qemu " + kind] = self.qemu_backend(kind)
        found = self.vhost_times(backends, action, depth)
        for kind in KINDS:
            self.vhost_row(what, found, kind, "qemu raw", goal)
            if action == "write":
                self.vhost_row(what, found, kind, "qemu " + kind,
                               10 if kind == "vhd" else None)

    def vhost_polling_rows(self, what, driver):
        """What polling does, at depth 1; the peer's way of it too."""
        pairs = (("off", self.our_backend("vhdx", "0"),
                  "qemu raw", self.qemu_backend("raw")),
                 ("on", self.our_backend("vhdx"),
                  "qemu polling", self.qemu_backend("raw", True)))
        # in pairs, for the sake of the locks
        for word, ours, name, theirs in pairs:
            found = self.vhost_times({"ours": ours, name: theirs}, "read", 1,
                                     driver)
            found["polling " + word] = found["ours"]
            self.vhost_row(what, found, "polling " + word, name)

    # -- cases -------------------------------------------------------------

    def vhost_read(self):
        what = "R17 vhost, 4K reads, depth "
        if not self.vhost_is_here(what):
            return
        self.make_peers()
        self.vhost_rows(what + "1", "read", 1, 1.5)
        self.vhost_rows(what + "32", "read", 32, 1.0)
        for driver in ("sleep", "spin"):
            self.vhost_polling_rows("   depth 1, driver %ss" % driver,
                                    driver)

    def vhost_write(self):
        what = "R17 vhost, 4K writes, depth "
        if not self.vhost_is_here(what):
            return
        self.make_peers()
        self.vhost_rows(what + "1", "write", 1, 1.5)
        self.vhost_rows(what + "32", "write", 32, 1.0)
