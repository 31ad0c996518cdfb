# SPDX-License-Identifier: BSD-2-Clause
"""The cases of "vmm": a mixin of bench/run's Bench. vhd_queue beside fio with
io_uring on the raw file, the nbdkit plugin beside nbdkit's file plugin."""

import json
import os
import shutil

from report import MIB, ns, output, sec

KINDS = ("vhd", "vhdx")


class Serving:
    """Uses Bench's folder, size, table, tool, program() and rounds()."""

    def reread(self, name):
        """Brings a file into the page cache anew, page by page: what the
        kernel calls large folios depends on how a file was written, and is
        slow to write into (see docs/speed.md)."""
        with open(self.path(name), "rb", buffering=0) as file:
            os.fsync(file.fileno())
            for advice in (os.POSIX_FADV_DONTNEED, os.POSIX_FADV_RANDOM):
                os.posix_fadvise(file.fileno(), 0, 0, advice)
            while file.read(MIB):
                pass

    def make_served(self):
        """disk.raw as served.KIND, written by us: data lie on 4 KiB. All
        three are in the page cache in the same way, whatever an earlier case
        has done to them."""
        self.make_dense()
        for kind in KINDS:
            if not os.path.exists(self.path("served." + kind)):
                output(self.tool, "convert", "--quiet", "--reflink", "never",
                       self.path("disk.raw"), self.path("served." + kind))
        for name in ("disk.raw", "served.vhd", "served.vhdx"):
            self.reread(name)

    # -- queues ------------------------------------------------------------

    def fio(self, action, count, depth, queues):
        """ns a request of all jobs together: the kernel's own queue, given and
        reaped as many at once as there are, as ours is."""
        text = output("fio", "--name=raw", "--filename=" +
                      self.path("disk.raw"), "--rw=rand" + action, "--bs=4k",
                      "--ioengine=io_uring", "--iodepth=%d" % depth,
                      "--iodepth_batch=%d" % depth,
                      "--iodepth_batch_complete_min=1",
                      "--iodepth_batch_complete_max=%d" % depth,
                      "--gtod_reduce=1",
                      "--numjobs=%d" % queues, "--number_ios=%d" % count,
                      "--size=%d" % self.size.disk, "--norandommap",
                      "--invalidate=0", "--thread", "--group_reporting",
                      "--output-format=json")
        found = json.loads(text)["jobs"][0][action]
        return found["runtime"] * 1e6 / max(found["total_ios"], 1)

    def queue(self, kind, action, count, depth, queues):
        return float(output(self.program("bench_queue"), action,
                            self.path("served." + kind), kind, str(count),
                            str(depth), str(queues)))

    def queue_rows(self, name, action):
        self.make_served()
        if not shutil.which("fio"):
            self.table.note(name, "skipped: no fio")
            return
        count = max(self.size.requests, 10)

        def settled(measure):
            def after():
                if action == "write":
                    os.sync() # what is on its way is not this one's
                return measure()
            return after

        for depth in (1, 32):
            for queues in (1, 2):
                def ours(kind, d=depth, q=queues):
                    return settled(
                        lambda: self.queue(kind, action, count, d, q))
                runs = {kind: ours(kind) for kind in KINDS}
                runs["fio"] = settled(
                    lambda d=depth, q=queues: self.fio(action, count, d, q))
                # which processor wakes the kernel's thread is luck
                found = self.rounds(runs, 3 if action == "write" else 1)
                for kind in KINDS:
                    self.table.ratio(
                        "%s, depth %d x %d, %s vs fio" % (
                            name, depth, queues, kind),
                        found[kind], found["fio"], ns, 1 / 0.95, 1 / 0.85)

    def queue_read(self):
        self.queue_rows("R2 queue, 4K reads", "read")

    def queue_write(self):
        self.queue_rows("R5 queue, 4K overwrites", "write")

    # -- NBD ---------------------------------------------------------------

    def nbd_time(self, plugin, kind, command):
        path = self.path(("served." + kind) if kind else "disk.raw")
        return self.spawn("nbdkit", "-U", "-", plugin, "file=" + path,
                          "--run", command)[0]

    def nbd(self):
        plugin = os.path.join(self.bin, "..", "lib", "nbdkit-vhd-plugin.so")
        if not shutil.which("nbdkit") or not os.path.exists(plugin):
            self.table.note("R14 nbdkit plugin", "skipped: no nbdkit")
            return
        self.make_served()
        count = str(max(self.size.requests // 4, 10))
        bench = ("qemu-img bench -f raw -t writeback -c %s -d 32 -s 4096 -S "
                 "%d %%s \"$uri\" >/dev/null" % (count, 9473 * 4096))
        rows = (("R14 nbdkit, nbdcopy", 'nbdcopy "$uri" null:', 0.95),
                ("R14 nbdkit, 4K reads at depth 32",
                 bench % "", 0.95),
                ("R15 nbdkit, 4K writes at depth 32",
                 bench % "-w", 0.9))
        for name, command, goal in rows:
            runs = {kind: (lambda k=kind, c=command: self.nbd_time(
                plugin, k, c)) for kind in KINDS}
            runs["file"] = lambda c=command: self.nbd_time("file", "", c)
            found = self.rounds(runs)
            for kind in KINDS:
                self.table.ratio("%s, %s vs file on raw" % (
                    name, kind), found[kind], found["file"], sec, 1 / goal,
                    1 / (goal * 0.85))
