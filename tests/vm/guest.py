# SPDX-License-Identifier: BSD-3-Clause
"""A virtual machine with a virtual NVDIMM: kernel, initial file system and NVDIMM image are made from what Debian has
installed (qemu-system-x86, linux-image-amd64, busybox-static, ndctl, e2fsprogs, kmod, cpio) and kept in one folder.

TCG only: KVM inside a virtual machine is not to be relied on, and a boot takes 3 to 5 s. SIGKILL of qemu keeps every
store that the guest has made, flushed or not, since the image lies in the host's page cache: this tests real DAX
mappings, real reboots and ext4's recovery, as on a platform that flushes its caches; forgotten flushes are for the
simulated backing to find."""
import glob
import gzip
import lzma
import os
import re
import shutil
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
NVDIMM_BYTES = 512 << 20
MODULES = ["libnvdimm", "nd_btt", "nd_pmem", "nfit", "device_dax", "dax_pmem", "crc32c-intel", "crc32c_generic", "jbd2",
           "mbcache", "crc16", "ext4", "virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev",
           "virtio_pci", "failover", "net_failover", "virtio_net"]
TOOLS = {"qemu-system-x86_64": "qemu-system-x86", "ndctl": "ndctl", "cpio": "cpio", "modprobe": "kmod",
         "mke2fs": "e2fsprogs", "busybox": "busybox-static"}
SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


class Unavailable(Exception):
    """Something that the virtual machine needs is not installed."""


def tool(name):
    path = shutil.which(name, path=SEARCH)
    if path is None:
        raise Unavailable(f"{name} is not there: install {TOOLS[name]}")
    return path


def newest_kernel():
    kernels = sorted(glob.glob("/boot/vmlinuz-*"), key=os.path.getmtime)
    if not kernels:
        raise Unavailable("no kernel in /boot: install linux-image-amd64")
    return kernels[-1]


def extract_vmlinux(kernel, out):
    """The ELF inside a bzImage: a PVH boot of it spares half the boot, which is decompression. As it is, if there is
    none that can be found."""
    data = open(kernel, "rb").read()
    for magic, opener in ((b"\xfd7zXZ\x00", lzma.LZMADecompressor), (b"\x5d\x00\x00", lzma.LZMADecompressor)):
        start = data.find(magic)
        while start >= 0:
            try:
                image = opener().decompress(data[start:])
            except lzma.LZMAError:
                image = b""
            if image.startswith(b"\x7fELF"):
                open(out, "wb").write(image)
                return
            start = data.find(magic, start + 1)
    shutil.copyfile(kernel, out)


def copy_program(root, path, name):
    """A program under /hearth, with the shared libraries it names, where they are expected."""
    os.makedirs(os.path.join(root, "hearth"), exist_ok=True)
    shutil.copy(path, os.path.join(root, "hearth", name))
    for line in subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout.splitlines():
        found = re.search(r"(/\S+) \(0x", line)
        if found:
            target = root + found.group(1)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if not os.path.exists(target):
                shutil.copy(os.path.realpath(found.group(1)), target)


def copy_modules(root, release):
    """All modules that are wanted, with what they need, in an order in which each finds its needs loaded."""
    order = []
    os.makedirs(os.path.join(root, "modules"), exist_ok=True)
    for module in MODULES:
        # -C: ndctl's own modprobe rules would leave libnvdimm out.
        shown = subprocess.run([tool("modprobe"), "-C", "/dev/null", "-S", release, "--show-depends", module],
                               capture_output=True, text=True, check=False).stdout
        for path in re.findall(r"insmod (\S+)", shown):
            name = os.path.basename(path)
            if name not in order:
                order.append(name)
                shutil.copy(path, os.path.join(root, "modules", name))
    with open(os.path.join(root, "modules", "order"), "w") as out:
        out.write("\n".join(order) + "\n")


def build_initrd(out, folder, release, hearthd, arguments):
    root = os.path.join(folder, "root")
    shutil.rmtree(root, ignore_errors=True)
    for name in ("bin", "sbin", "usr/bin", "usr/sbin", "proc", "sys", "dev", "etc", "tmp", "run"):
        os.makedirs(os.path.join(root, name))
    shutil.copy(tool("busybox"), os.path.join(root, "bin", "busybox"))
    os.symlink("busybox", os.path.join(root, "bin", "sh"))
    shutil.copy(os.path.join(HERE, "init.sh"), os.path.join(root, "init"))
    os.chmod(os.path.join(root, "init"), 0o755)
    copy_modules(root, release)
    copy_program(root, tool("ndctl"), "ndctl")
    copy_program(root, tool("mke2fs"), "mke2fs")
    copy_program(root, hearthd, "hearthd")
    os.symlink("/hearth/ndctl", os.path.join(root, "usr", "bin", "ndctl"))
    with open(os.path.join(root, "hearth", "arguments"), "w") as file:
        file.write(" ".join(arguments) + "\n")
    names = subprocess.run(["find", "."], cwd=root, capture_output=True, check=True).stdout
    archive = subprocess.run([tool("cpio"), "-o", "-H", "newc", "--quiet"], cwd=root, input=names, capture_output=True,
                             check=True).stdout
    with gzip.open(out, "wb", compresslevel=1) as file:
        file.write(archive)
    shutil.rmtree(root)


class Guest:
    """One machine; its NVDIMM outlives every power cut. ports: {guest port: host port}"""

    def __init__(self, folder, hearthd, arguments, ports, memory="1G", processors=2):
        kernel = newest_kernel()
        os.makedirs(folder, exist_ok=True)
        self.folder, self.ports, self.memory, self.processors = folder, ports, memory, processors
        self.vmlinux = os.path.join(folder, "vmlinux")
        self.initrd = os.path.join(folder, "initrd.gz")
        self.nvdimm = os.path.join(folder, "nvdimm.img")
        self.console = os.path.join(folder, "console.log")
        self.process = None
        open(self.console, "wb").close()
        extract_vmlinux(kernel, self.vmlinux)
        build_initrd(self.initrd, folder, os.path.basename(kernel)[len("vmlinuz-"):], hearthd, arguments)

    def boot(self, run):
        forwards = "".join(f",hostfwd=tcp:127.0.0.1:{host}-:{guest}" for guest, host in self.ports.items())
        command = [
            tool("qemu-system-x86_64"), "-accel", "tcg,thread=multi", "-cpu", "max", "-machine", "q35,nvdimm=on",
            "-m", f"{self.memory},slots=2,maxmem=4G", "-smp", str(self.processors), "-nodefaults", "-no-user-config",
            "-display", "none", "-serial", "stdio", "-kernel", self.vmlinux, "-initrd", self.initrd, "-append",
            f"console=ttyS0 panic=-1 tsc=reliable no_timer_check mitigations=off quiet run={run}",
            "-object", f"memory-backend-file,id=mem1,share=on,mem-path={self.nvdimm},size={NVDIMM_BYTES},align=2M",
            "-device", "nvdimm,id=nv1,memdev=mem1", "-netdev", f"user,id=n0{forwards}",
            "-device", "virtio-net-pci,netdev=n0", "-no-reboot"]
        with open(self.console, "ab") as console:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console)

    def setup(self, timeout_s):
        """A namespace and a file system on a blank NVDIMM."""
        with open(self.nvdimm, "wb") as image:
            image.truncate(NVDIMM_BYTES)
        self.boot("setup")
        self.process.wait(timeout=timeout_s)
        if "GUEST SETUP DONE" not in self.output():
            raise RuntimeError("the guest could not set its NVDIMM up:\n" + self.output()[-3000:])

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def power_cut(self):
        if self.alive():
            self.process.kill()
        self.process.wait()

    def output(self):
        with open(self.console, "rb") as console:
            return console.read().decode(errors="replace")

    def wait_for_end(self, timeout_s):
        until = time.monotonic() + timeout_s
        while self.alive() and time.monotonic() < until:
            time.sleep(0.05)
        return not self.alive()
