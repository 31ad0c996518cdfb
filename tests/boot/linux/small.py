# SPDX-License-Identifier: BSD-2-Clause
"""Small systems whose root lies in an image: busybox, one script each. The
initramfs is that of the guests in tests/vmm, with vhd-attach. How the kernel is
started is said by a function; here QEMU does it."""

import glob
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), HERE + "/../../vmm"]
import guest # pylint: disable=wrong-import-position
import rig # pylint: disable=wrong-import-position

MIB = 1 << 20
PARTUUID = "0fb0a2c1-58a5-4b2e-9f0c-61d9b0a1c001"
MODULES = ("virtio_ring", "virtio", "virtio_pci_legacy_dev",
           "virtio_pci_modern_dev", "virtio_pci", "virtio_blk", "nbd", "loop",
           "dm-mod", "dm-zero", "fat", "vfat", "exfat", "nls_cp437",
           "nls_ascii", "nls_utf8", "efivarfs", "dax", "xfs", "btrfs", "xor",
           "raid6_pq", "zstd_compress", "libcrc32c", "blake2b_generic",
           "xxhash_generic", "ublk_drv", "ntfs3")

COMMAND_LINE = "console=ttyS0 no_timer_check quiet panic=-1 rdinit=/init "

# what initramfs-tools does, as far as it matters here: /run is noexec
INIT = """#!/bin/sh
export PATH=/bin:/sbin:/usr/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /run /root
mount -t tmpfs -o noexec,nosuid,mode=0755 run /run
mount -t efivarfs efi /sys/firmware/efi/efivars 2>/dev/null
modprobe virtio_pci
modprobe virtio_blk
[ ! -e /before.sh ] || . /before.sh
if ! device=$(vhd-attach boot); then
	echo "SHELL: the root could not be attached"
	exec sh
fi
echo "ATTACHED $device"
[ ! -e /after.sh ] || . /after.sh
mode=rw
grep -q vhdmode=dm /proc/cmdline && mode=ro
mount -t ext4 -o $mode /dev/vhdroot1 /root || exec sh
for folder in dev proc sys run; do mount --move /$folder /root/$folder; done
exec switch_root /root /init
"""

# what systemd does at its end: signals, then the exit environment
ROOT_INIT = """#!/bin/sh
export PATH=/bin:/sbin:/usr/bin
echo ROOT-UP
if count=$(cat /count 2>/dev/null) && echo $((count + 1)) >/count; then
	echo "COUNT $((count + 1))"
fi
for pid in $(pidof vhd-attach); do
	[ "$(head -c 1 /proc/$pid/cmdline)" = @ ] || echo "GUEST-BAD no @"
	kill -TERM $pid
done
grep -q vhdtest=write /proc/cmdline && . /write.sh
cd /run/initramfs || echo "GUEST-BAD no exit environment"
for folder in dev proc sys run; do mount -o bind /$folder $folder; done
end=poweroff
for word in $(cat /proc/cmdline); do
	case $word in
	vhdend=*) end=${word#*=} ;;
	esac
done
pivot_root . oldroot
exec /oldroot/bin/busybox chroot . /shutdown $end \\
	<dev/console >dev/console 2>&1
"""

# writes for ever, and says what is durable
WRITE = """
n=0
while :; do
	n=$((n + 1))
	dd if=/dev/urandom of=/noise bs=64k count=64 seek=$((n % 8 * 64)) \\
		conv=notrunc,fsync 2>/dev/null
	echo $n >/durable.new && sync && mv /durable.new /durable && sync
	echo "DURABLE $n"
done
"""


def put(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


# -- what all have in common -------------------------------------------------

def fill_initramfs(root, kernel, attach):
    """On top of the guests' base: modules where modprobe finds them."""
    folder = glob.glob(kernel + "/lib/modules/*")[0]
    target = root + "/lib/modules/" + os.path.basename(folder)
    for name in MODULES:
        for file in glob.glob(folder + "/kernel/**/%s.ko" % name,
                              recursive=True):
            place = target + file[len(folder):]
            os.makedirs(os.path.dirname(place), exist_ok=True)
            shutil.copy(file, place)
    for name in ("modules.builtin", "modules.order"):
        shutil.copy(folder + "/" + name, target)
    rig.run("busybox", "depmod", "-b", os.path.abspath(root),
            os.path.basename(folder))
    os.makedirs(root + "/sbin", exist_ok=True)
    os.symlink("../bin/busybox", root + "/sbin/modprobe")
    # busybox's does not zero, and is preferred by its shell
    guest.copy_program(root, shutil.which("blkdiscard"))
    os.symlink(shutil.which("blkdiscard"), root + "/zero-out")
    rig.run("strip", "-o", root + "/sbin/vhd-attach", attach)
    put(root + "/init", INIT, 0o755)


def fill_root(root):
    for name in ("bin", "sbin", "dev", "proc", "sys", "run", "tmp"):
        os.makedirs(os.path.join(root, name))
    shutil.copy(shutil.which("busybox"), root + "/bin/busybox")
    for name in ("sh", "cat", "echo", "pidof", "head", "kill", "grep",
                 "mount", "pivot_root", "dd", "sync", "mv"):
        os.symlink("busybox", root + "/bin/" + name)
    put(root + "/init", ROOT_INIT, 0o755)
    put(root + "/write.sh", WRITE)
    put(root + "/count", "0\n")


class Small:
    """Kernel, initramfs and the disk with the root, as a raw file."""

    def __init__(self, kit, tools, work, machine=()):
        """`kit` is a guest.Kit, `machine` are options of QEMU."""
        rig.need("sfdisk", "mkfs.ext4", "e2fsck", "debugfs", "mcopy", "strip",
                 "mkfs.vfat", "fsck.vfat", "blkdiscard")
        self.kit, self.work, self.machine = kit, work, machine
        self.vhdtool = tools + "/vhdtool"
        self.path = lambda name: os.path.join(work, name)
        root = self.path("initramfs")
        os.makedirs(root)
        fill_initramfs(root, self.kit.folder + "/kernel",
                       tools + "/vhd-attach")
        guest.pack(root, self.path("boot.cpio"))
        fill_root(self.path("root"))
        self.raw = self.path("root.raw")
        rig.make_disk(self.raw, rig.Part("linux", 24, "ext4",
                                         self.path("root")),
                      rig.Part("linux", 6))

    def tool(self, *arguments):
        return rig.run(self.vhdtool, *arguments)

    def image(self, folder, name, *options):
        """The root as an image in that folder."""
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.tool("convert", *options, self.raw, path)
        return path

    def host(self, name, folder, fs="ext4", size=96, **more):
        disk = self.path(name + ".disk")
        rig.make_disk(disk, rig.Part("linux", size, fs, folder, PARTUUID,
                                     **more))
        return disk

    def initramfs(self, name, scripts=(), fio=False, programs=()):
        parts = [self.kit.base, self.path("boot.cpio")]
        if fio:
            parts.append(self.kit.fio)
        if scripts or programs:
            root = self.path(name + ".scripts")
            for script, text in dict(scripts).items():
                put(root + "/" + script, text)
            for program in programs:
                guest.copy_program(root, shutil.which(program))
            guest.pack(root, root + ".cpio")
            parts.append(root + ".cpio")
        archive = self.path(name + ".initrd")
        with open(archive, "wb") as out:
            for part in parts:
                with open(part, "rb") as file:
                    shutil.copyfileobj(file, out)
        return archive

    def start(self, disk, words, memory=256, **more):
        """The kernel by QEMU itself; loaders have a function of their own
        that takes the same. `more` is for initramfs()."""
        archive = self.initramfs(os.path.basename(disk), **more)
        return rig.Machine("bios", disk, memory=memory, options=(
            "-smp", "2", *self.machine, "-kernel", self.kit.kernel,
            "-initrd", archive, "-append", COMMAND_LINE + words))


# -- looking at what a machine has left --------------------------------------

def check_vfat(part):
    text = rig.run("fsck.vfat", "-n", part).decode()
    assert "Dirty bit" not in text, text


def check_exfat(part):
    rig.run("fsck.exfat", "-n", part)
    with open(part, "rb") as file:
        flags = file.read(108)[106]
    assert not flags & 2, "the host is marked as dirty"


def check_ext4(part):
    rig.run("e2fsck", "-fn", part)
    text = rig.run("dumpe2fs", "-h", part).decode()
    assert "needs_recovery" not in text, "the host's journal is not clean"


def check_xfs(part):
    text = rig.run("xfs_repair", "-n", "-f", part).decode()
    assert "ALERT" not in text, "the host's log is not clean\n" + text


def check_btrfs(part):
    rig.run("btrfs", "check", part)
    text = rig.run("btrfs", "inspect-internal", "dump-super", part).decode()
    assert re.search(r"^log_root\s+0$", text, re.M), "the host has a log"


def check_ntfs(part):
    text = rig.run("ntfsinfo", "-m", part).decode()
    assert "DIRTY" not in text, text


CHECKS = {name[6:]: function for name, function in list(globals().items())
          if name.startswith("check_")}


class Left:
    """A host's disk after its machine has gone."""

    def __init__(self, small, disk, fs="ext4", size=96, at=1):
        self.small, self.fs = small, fs
        self.part = disk + ".part"
        rig.run("dd", "if=" + disk, "of=" + self.part, "bs=1M",
                "skip=%d" % at, "count=%d" % size, "conv=sparse")

    def check_host(self):
        CHECKS[self.fs](self.part)

    def replay_journal(self):
        """As the next mount does; counts of free blocks are mended then."""
        done = subprocess.run(("e2fsck", "-fy", self.part), check=False,
                              stdout=subprocess.PIPE)
        if done.returncode > 1:
            raise AssertionError(done.stdout.decode())

    def take(self, path):
        """A file of the host, into a folder of its own."""
        target = self.part + ".out"
        os.makedirs(target, exist_ok=True)
        file = os.path.join(target, os.path.basename(path))
        if os.path.exists(file):
            os.unlink(file)
        if self.fs == "vfat":
            rig.run("mcopy", "-i", self.part, "::" + path, file)
        elif self.fs == "ext4":
            rig.run("debugfs", "-R", 'dump "%s" "%s"' % (path, file), self.part)
        elif self.fs == "ntfs":
            with open(file, "wb") as out:
                subprocess.run(("ntfscat", "-q", self.part, path), check=True,
                               stdout=out)
        else:
            rig.need("grub-fstest")
            rig.run("grub-fstest", self.part, "cp", path, file)
        return file

    def exists(self, path):
        text = rig.run("debugfs", "-R", "stat " + path, self.part)
        return b"File not found" not in text

    def root(self, image, size=24):
        """The root's file system as a file."""
        raw = image + ".raw"
        self.small.tool("convert", "--force", image, raw)
        rig.run("dd", "if=" + raw, "of=" + raw + ".part", "bs=1M", "skip=1",
                "count=%d" % size, "conv=sparse")
        return raw + ".part"


def cat(file_system, path):
    done = subprocess.run(("debugfs", "-R", "cat " + path, file_system),
                          check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    return done.stdout.decode()
