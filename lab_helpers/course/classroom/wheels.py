"""The course and everything it needs as wheels, which ``pip install --no-index`` takes on a machine without
internet. Packages that come as sources only are built here: a class room has no compilers.
"""

import json
import re
import subprocess
import sys
import zipfile
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

from lab_helpers.runtime.errors import LabError, MissingDependency
from lab_helpers.runtime.files import sha256_of, write_text
from lab_helpers.runtime.language import say
from lab_helpers.runtime.progress import report

COURSE = "llm-finetuning-labs"
EXTRA = "[jupyter]"  # what a room works in
_AT_ONCE = 4  # packages in one call of pip: what a stopped run loses at most


@dataclass(frozen=True)
class Package:
    """One package as pip resolved it."""

    name: str
    version: str
    url: str
    sha256: str | None

    @property
    def file_name(self) -> str:
        return unquote(urlsplit(self.url).path).rpartition("/")[2]

    @property
    def requirement(self) -> str:
        mark = f"#sha256={self.sha256}" if self.sha256 else ""
        return f"{self.name} @ {self.url}{mark}"


def run_pip(*arguments: str) -> str:
    """What pip prints; its own last words as a :class:`MissingDependency` where it fails."""
    if find_spec("pip") is None:
        raise MissingDependency(
            say("pip is not installed in this environment", "この環境に pip がありません"),
            say("python -m ensurepip, or leave the wheels out: --no-wheels", "python -m ensurepip を実行するか、--no-wheels でホイールを省いてください。"),
        )  # fmt: skip
    command = [sys.executable, "-m", "pip", *arguments, "--disable-pip-version-check", "--no-input"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        raise _failed(done.stderr + done.stdout)
    return done.stdout


def _failed(output: str) -> LabError:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR:")]
    pinned = re.findall(r"requested \(constraint\) (\S+)", output)
    said = " ".join([(errors or lines or ["?"])[0][:200], *pinned[:3]])
    if "No space left" in output:
        return MissingDependency(
            say(
                "the disk became full while packages were collected",
                "パッケージの収集中にディスクの空きがなくなりました",
            ),
            say(
                "Free some space and run the same command again: what is finished is kept.",
                "空き容量を増やして同じコマンドをもう一度実行してください。完了した分は残ります。",
            ),
        )
    return MissingDependency(
        say(
            f"pip cannot collect the packages: {said}", f"pip でパッケージを収集できません: {said}"
        ),
        say(
            "Look at the network, then run the same command again: what is finished is kept.",
            "ネットワークを確認し、同じコマンドをもう一度実行してください。完了した分は残ります。",
        ),
    )


def resolve_packages(course: Path, constraints: Path, alone: list[str]) -> list[Package]:
    """Every package that the course's wheel needs, in the pinned versions, with where it lies.

    Those of ``alone`` come without what they need.
    """
    found = _resolve("--constraint", str(constraints), f"{course}{EXTRA}")
    found += _resolve("--no-deps", *alone) if alone else []
    return [package for package in found if package.file_name != course.name]


def _resolve(*what: str) -> list[Package]:
    with TemporaryDirectory() as folder:
        told = Path(folder) / "report.json"
        run_pip("install", "--dry-run", "--ignore-installed", "--report", str(told), *what)
        items = json.loads(told.read_text("utf-8"))["install"]
    packages = []
    for item in items:
        info, about = item["download_info"], item["metadata"]
        hashes = info.get("archive_info", {}).get("hashes", {})
        found = Package(about["name"], about["version"], info["url"], hashes.get("sha256"))
        packages.append(found)
    return packages


def collect_wheels(packages: list[Package], folder: Path, noted: dict) -> None:
    """Bring every package into ``folder`` as a wheel; what is there and right stays.

    ``noted`` are the entries of an earlier manifest, by file name: a wheel that was built here can only be
    compared with itself.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [one for one in packages if find_wheel(one, folder, noted) is None]
    label, done = say("collect packages", "パッケージを収集中"), len(packages) - len(missing)
    for start in range(0, len(missing), _AT_ONCE):
        report(label, done + start, len(packages))
        _collect(missing[start : start + _AT_ONCE], folder)
    report(label, len(packages), len(packages))


def _collect(packages: list[Package], folder: Path) -> None:
    with TemporaryDirectory(dir=folder.parent, prefix=".collecting-") as place:
        wanted = write_text(Path(place) / "wanted.txt", "\n".join(p.requirement for p in packages))
        built = Path(place) / "wheels"
        run_pip("wheel", "--no-deps", "--quiet", "-w", str(built), "--requirement", str(wanted))
        for wheel in built.glob("*.whl"):
            wheel.replace(folder / wheel.name)


def find_wheel(package: Package, folder: Path, noted: dict) -> Path | None:
    """The wheel of ``package`` in ``folder``, if it is there and right."""
    from packaging.utils import canonicalize_name, parse_wheel_filename
    from packaging.version import Version

    if package.file_name.endswith(".whl"):
        wheel = folder / package.file_name
        return wheel if _is_right(wheel, package.sha256, noted) else None
    wanted = canonicalize_name(package.name), Version(package.version)
    built = [path for path in folder.glob("*.whl") if parse_wheel_filename(path.name)[:2] == wanted]
    return next((wheel for wheel in built if _is_right(wheel, None, noted)), None)


def _is_right(wheel: Path, expected: str | None, noted: dict) -> bool:
    """By the index's hash, else by that of an earlier manifest, else by the sums that a zip file carries."""
    expected = expected or noted.get(wheel.name, {}).get("sha256")
    if not wheel.is_file() or not zipfile.is_zipfile(wheel):
        return False
    if expected:
        return sha256_of(wheel) == expected
    with zipfile.ZipFile(wheel) as archive:
        return archive.testzip() is None


def remove_other_wheels(folder: Path, kept: set[str]) -> None:
    """Take wheels of earlier versions away: pip would see them."""
    for wheel in folder.glob("*.whl"):
        if wheel.name not in kept:
            wheel.unlink()


def packages_from(noted: list[dict]) -> list[Package]:
    return [Package(**entry) for entry in noted]


def packages_to(packages: list[Package]) -> list[dict]:
    return [asdict(package) for package in packages]
