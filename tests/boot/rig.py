# SPDX-License-Identifier: BSD-2-Clause
"""Machines that boot, for the tests of the boot loaders: disks are made
without root, and run under QEMU with its firmware. The serial console is the
report; a machine is stopped when it has said what it should."""

import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time

import exfat

SKIPPED = 77
PATIENCE = 300
MIB = 1 << 20
OVMF = ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd")
# with Secure Boot, and a key that Debian made for tests in its db
SECURE = ("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd",
          "/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd")
TYPES = {"esp": "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
         "linux": "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
         "bios": "21686148-6449-6E6F-744E-656564454649"}
# what a firmware writes to move about and to colour
ESCAPES = re.compile(rb"\x1b(\[[0-?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>])")


def skip(why):
    print("skipped: " + why)
    sys.exit(SKIPPED)


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            skip("no " + program)


def need_files(*paths):
    for path in paths:
        if not os.path.exists(path):
            skip("no " + path)


def run(*command, **more):
    """Quietly; what it has to say is shown if it fails."""
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **more)
    if done.returncode:
        raise AssertionError("%s: %s\n%s" % (
            " ".join(command), done.returncode,
            done.stdout if isinstance(done.stdout, str)
            else done.stdout.decode(errors="replace")))
    return done.stdout


# -- disks -------------------------------------------------------------------

class Part:
    """A partition: kind "esp", "linux" or "bios", its size in MiB, the file
    system ("vfat", "exfat", "ext4", "xfs", "btrfs", "ntfs", None) and a folder
    whose content it gets; on NTFS that is files only. `uuid` is its PARTUUID,
    `name` its PARTLABEL, `fs_uuid` that of its ext4. FAT's width is chosen by
    mkfs, or is `fat`. XFS wants 300 MiB at least, Btrfs 110."""

    def __init__(self, kind, size, fs=None, content=None, uuid=None, fat=None,
                 label=None, fs_uuid=None, name=None):
        self.kind, self.size, self.fs = kind, size, fs
        self.content, self.uuid, self.fat = content, uuid, fat
        self.label, self.fs_uuid, self.name = label, fs_uuid, name

    def make(self, path):
        with open(path, "wb") as file:
            file.truncate(self.size * MIB)
        if self.fs == "vfat":
            self._make_fat(path)
        elif self.fs == "exfat":
            run("mkfs.exfat", *(("-L", self.label) if self.label else ()),
                path, env=dict(os.environ, LC_ALL="C.UTF-8"))
            if self.content:
                with exfat.Volume(path) as volume:
                    volume.add_tree(self.content)
        elif self.fs == "ext4":
            run("mkfs.ext4", "-q", "-F", *(("-L", self.label)
                                           if self.label else ()),
                *(("-U", self.fs_uuid) if self.fs_uuid else ()),
                *(("-d", self.content) if self.content else ()), path)
        elif self.fs == "ntfs":
            self._make_ntfs(path)
        elif self.fs == "xfs":
            self._make_xfs(path)
        elif self.fs == "btrfs":
            run("mkfs.btrfs", "-q", *(("-L", self.label)
                                      if self.label else ()),
                *(("--rootdir", self.content) if self.content else ()), path)
        elif self.fs:
            raise ValueError(self.fs)

    def _make_fat(self, path):
        run("mkfs.vfat", *(("-F", str(self.fat)) if self.fat else ()),
            *(("-n", self.label) if self.label else ()), path)
        if self.content:
            for name in sorted(os.listdir(self.content)):
                run("mcopy", "-s", "-i", path,
                    os.path.join(self.content, name), "::/")

    def _make_xfs(self, path):
        with open(path + ".proto", "w", encoding="utf-8") as file:
            file.write("\n".join(["/", "0 0", "d--755 0 0",
                                  *xfs_tree(self.content), "$", ""]))
        run("mkfs.xfs", "-q", "-p", path + ".proto",
            *(("-L", self.label) if self.label else ()), path)
        os.unlink(path + ".proto")

    def _make_ntfs(self, path):
        run("mkntfs", "-F", "-q", "-Q", "-s", "512", "-p", "2048", "-H", "255",
            "-S", "63", *(("-L", self.label) if self.label else ()), path)
        for name in sorted(os.listdir(self.content)):
            run("ntfscp", "-q", path, os.path.join(self.content, name), name)


def xfs_tree(folder):
    """What is in a folder, in the words of mkfs.xfs; no name with blanks."""
    for name in sorted(os.listdir(folder)) if folder else ():
        path = os.path.join(folder, name)
        if os.path.isdir(path):
            yield "%s d--755 0 0" % name
            yield from xfs_tree(path)
            yield "$"
        else:
            yield "%s ---644 0 0 %s" % (name, path)


def make_disk(path, *parts, table="gpt"):
    """A disk of partitions that begin at whole MiB. Returns their offsets."""
    script, offsets, at = ["label: " + table], [], 1
    for part in parts:
        offsets.append(at * MIB)
        kind = TYPES[part.kind] if table == "gpt" else {
            "esp": "ef", "linux": "83"}[part.kind]
        script.append("start=%dMiB, size=%dMiB, type=%s%s%s" % (
            at, part.size, kind,
            ", uuid=" + part.uuid if part.uuid else "",
            ', name="%s"' % part.name if part.name else ""))
        at += part.size
    with open(path, "wb") as file:
        file.truncate((at + 1) * MIB)
    run("sfdisk", "--quiet", path, input="\n".join(script) + "\n", text=True)
    for part, offset in zip(parts, offsets):
        if part.fs:
            part.make(path + ".part")
            run("dd", "if=" + path + ".part", "of=" + path, "bs=1M",
                "seek=%d" % (offset // MIB), "conv=notrunc,sparse")
            os.unlink(path + ".part")
    return offsets


class Silence(AssertionError):
    """The machine has not said it in time, but may yet."""


# -- machines ----------------------------------------------------------------

class Machine:
    """One QEMU. `firmware` is "uefi", "secure" or "bios"; disks are raw files, written
    to unless `snapshot`. A store of EFI variables is kept beside the first
    disk, so that a second boot finds what the first one left."""

    def __init__(self, firmware, *disks, memory=256, snapshot=False,
                 interface="virtio", options=()):
        need("qemu-system-x86_64")
        command = ["qemu-system-x86_64", "-accel",
                   os.environ.get("VHD_QEMU_ACCEL", "tcg"), "-machine", "q35",
                   "-m", str(memory), "-display", "none", "-serial", "stdio",
                   "-monitor", "none", "-net", "none", "-no-reboot"]
        if firmware in ("uefi", "secure"):
            code, variables = SECURE if firmware == "secure" else OVMF
            need_files(code, variables)
            store = disks[0] + ".vars"
            if not os.path.exists(store):
                shutil.copy(variables, store)
            command += ["-drive", "if=pflash,format=raw,readonly=on,file=" +
                        code, "-drive", "if=pflash,format=raw,file=" + store]
        if firmware == "secure":
            command += ["-machine", "q35,smm=on", "-global",
                        "driver=cfi.pflash01,property=secure,value=on"]
        for number, disk in enumerate(disks):
            drive = "file=%s,format=raw,if=none,id=d%d,cache=writeback" % (
                disk, number)
            device = {"virtio": "virtio-blk-pci,drive=d%d",
                      "4k": "virtio-blk-pci,drive=d%d,logical_block_size=4096"
                            ",physical_block_size=4096",
                      "nvme": "nvme,serial=d%d,drive=d%d",
                      "ahci": "ide-hd,drive=d%d"}[interface]
            command += ["-drive", drive + (",snapshot=on" if snapshot else ""),
                        "-device", device.replace("%d", str(number))]
        self.console = []
        self.process = subprocess.Popen(
            command + list(options), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.queue = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.kill()

    def _listen(self):
        rest = b""
        while True:
            piece = os.read(self.process.stdout.fileno(), 4096)
            if not piece:
                break
            # a prompt has no end of line: what is there so far counts, too
            rest = ESCAPES.sub(b"", rest + piece)
            lines = re.split(rb"[\r\n]+", rest)
            rest = lines.pop()
            for line in lines:
                self.queue.put((line, True))
            self.queue.put((rest, False))
        self.queue.put(None)

    def text(self):
        return "\n".join(self.console[-60:])

    def expect(self, *texts, never=(), patience=PATIENCE, whole=False):
        """The next line of the console that has one of the texts in it; one
        of `never` fails the test at once. A line counts while it is still
        being written, unless it is wanted `whole`."""
        end = time.monotonic() + patience
        while True:
            try:
                got = self.queue.get(timeout=max(end - time.monotonic(), 0.01))
            except queue.Empty:
                raise Silence("no %s in time; it said:\n%s" % (
                    texts, self.text())) from None
            if got is None:
                raise AssertionError("ended without %s; it said:\n%s" % (
                    texts, self.text()))
            line = got[0].decode(errors="replace")
            if got[1] and line.strip():
                self.console.append(line)
            for bad in never:
                if bad in line:
                    raise AssertionError("%s: %s" % (bad, self.text()))
            if (got[1] or not whole) and any(text in line for text in texts):
                if not got[1]:
                    self.console.append(line)
                return line

    def say(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def ask(self, line, answer, pause=10):
        """Says it until it is answered: a firmware that is busy loses some of
        what is typed."""
        for _ in range(PATIENCE // pause):
            self.say(line)
            try:
                return self.expect(answer, patience=pause)
            except Silence:
                pass
        return self.expect(answer, patience=pause)

    def wait(self, patience=PATIENCE):
        """It turns itself off."""
        self.process.wait(patience)

    def kill(self):
        """As a power cut does."""
        self.process.kill()
        self.process.wait()
