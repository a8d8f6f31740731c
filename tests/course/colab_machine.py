"""A pretended Google Colab machine: a process in which ``google.colab`` is imported, and git, pip and Drive
are stand-ins that note what they are asked, and leave on disk what the real ones would leave.

The process sees the standard library and the machine's own ``site`` folder, nothing of this environment:
what the first cell needs before it has installed anything is proved by its running at all.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "lab_helpers"
# All of the course that may be needed before anything is installed.
BOOTSTRAP = ("__init__.py", "course/__init__.py", "course/colab.py", "runtime/__init__.py")
BOOTSTRAP += ("runtime/devices.py", "runtime/errors.py", "runtime/language.py")
ON_COLAB = {
    "torch": "2.11.0+cu128",
    "transformers": "5.15.0",
    "peft": "0.20.0",
    "accelerate": "1.13.0",
    "torchao": "0.10.0",
    "datasets": "4.0.0",
    "pyarrow": "18.1.0",
    "ipywidgets": "7.7.1",
}

_GIT = """#!{python} -IS
import json, os, shutil, sys
machine, asked = {machine!r}, sys.argv[1:]
given = json.load(open(machine + "/setting.json"))
with open(machine + "/calls.jsonl", "a") as log:
    print(json.dumps(["git", asked, os.environ.get("GIT_TERMINAL_PROMPT")]), file=log)
if asked[asked.index("--branch") + 1] not in given["branches"]:
    sys.exit("fatal: unable to access: Could not resolve host")
shutil.copytree(machine + "/origin", asked[-1])
"""

_PIP = """
import json, pathlib, shutil, sys
site = pathlib.Path(__file__).parents[1]
machine, asked = site.parent, sys.argv[1:]
given = json.loads((machine / "setting.json").read_text())
held = pathlib.Path(asked[asked.index("--constraint") + 1]).read_text() if "--constraint" in asked else ""
with open(machine / "calls.jsonl", "a") as log:
    print(json.dumps(["pip", asked, held]), file=log)

def put(name, version):
    for old in site.glob(name.replace("-", "_") + "-*.dist-info"):
        shutil.rmtree(old)
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
    (info / "RECORD").write_text(f"{name}/__init__.py,,\\n")

what = "course" if "--editable" in asked else asked[3]
if asked[0] == "uninstall":
    shutil.rmtree(next(site.glob(asked[2] + "-*.dist-info")))
    sys.exit()
for name, version in given["renewed"].items() if what == "course" else ():
    put(name, version)
if what in given["failing"]:
    print("Collecting something", "ERROR: No matching distribution found for it", "more", sep="\\n", file=sys.stderr)
    sys.exit(1)
if what == "course":
    put("llm-finetuning-labs", given["version"])
for name, _, version in (one.partition("==") for one in asked if "==" in one):
    put(name, version)
"""

_DRIVE = """
import json, pathlib
machine = pathlib.Path(__file__).parents[3]
def mount(place, **options):
    with open(machine / "calls.jsonl", "a") as log:
        print(json.dumps(["drive", place, options]), file=log)
    if json.loads((machine / "setting.json").read_text())["drive"] == "refused":
        raise ValueError("mount failed\\nlong story")
    (pathlib.Path(place) / "MyDrive").mkdir(parents=True)
"""

_SESSION = """
import contextlib, importlib, io, json, os, sys
modules, cells = json.loads(sys.argv[1]), json.loads(sys.argv[2])
for name in modules:
    importlib.import_module(name)
loaded, told = set(sys.modules), []
names = {"__name__": "__main__"}
for cell in cells:
    printed, failed = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(cell, "<cell>", "exec"), names)
        except Exception as error:  # as IPython shows it
            render = getattr(error, "_render_traceback_", None)
            failed = "\\n".join(render() if render else ["Traceback", repr(error)])
    told.append({
        "printed": printed.getvalue(), "failed": failed, "path": sys.path[0],
        "lang": os.environ.get("LAB_LANG"), "home": os.environ.get("LAB_HOME"),
        "imported": sorted(set(sys.modules) - loaded), "names": sorted(set(names) - {"__builtins__", "__name__"}),
    })
print(json.dumps(told))
"""


class ColabMachine:
    """One machine; :meth:`run` is one session on it. ``setting`` says what git, pip and Drive do."""

    def __init__(self, folder: Path, installed: dict[str, str] = ON_COLAB):
        self.folder = folder
        self.content, self.site = folder / "content", folder / "site"
        self.setting = {
            "branches": ["main"],
            "renewed": {},
            "failing": [],
            "drive": "allowed",
            "version": "0.1.0",
        }
        for place in (self.content, self.site / "google" / "colab", self.site / "pip"):
            place.mkdir(parents=True)
        (self.site / "google" / "colab" / "__init__.py").touch()
        (self.site / "google" / "colab" / "drive.py").write_text(_DRIVE)
        (self.site / "pip" / "__init__.py").touch()
        (self.site / "pip" / "__main__.py").write_text(_PIP)
        for name, version in installed.items():
            self.has(name, version)
        for name in BOOTSTRAP:
            target = folder / "origin" / "lab_helpers" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            text = (PACKAGE / name).read_text(encoding="utf-8")
            target.write_text(text.replace('"/content', f'"{self.content}'), encoding="utf-8")
        (folder / "bin").mkdir()
        git = folder / "bin" / "git"
        git.write_text(_GIT.format(python=sys.executable, machine=str(folder)))
        git.chmod(0o755)

    def has(self, name: str, version: str) -> None:
        """Put an importable package there that does nothing."""
        info = self.site / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "RECORD").write_text(f"{name}/__init__.py,,\n")
        (self.site / name).mkdir(exist_ok=True)
        (self.site / name / "__init__.py").touch()

    def run(self, *cells: str, modules=("google.colab",), python=sys.executable, **setting):
        """What each of ``cells`` did in a new session that has imported ``modules``."""
        self.setting |= setting
        (self.folder / "setting.json").write_text(json.dumps(self.setting))
        here = [cell.replace('"/content', f'"{self.content}') for cell in cells]
        kept = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH")
        environment = {name: os.environ[name] for name in kept if name in os.environ} | {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.site),
            "PYTHONUTF8": "1",
        }
        done = subprocess.run(
            [python, "-S", "-c", _SESSION, json.dumps(list(modules)), json.dumps(here)],
            capture_output=True, text=True, encoding="utf-8", env=environment, cwd=self.content, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def calls(self, kind: str | None = None) -> list[list]:
        """What git, pip and Drive were asked since the last look."""
        log = self.folder / "calls.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        found = [json.loads(line) for line in lines]
        return [call for call in found if kind in (None, call[0])]

    def version_of(self, name: str) -> str | None:
        [*found] = self.site.glob(f"{name.replace('-', '_')}-*.dist-info")
        return found[0].name.removesuffix(".dist-info").partition("-")[2] if found else None

    def forget(self) -> None:
        """Give the machine back."""
        shutil.rmtree(self.folder)
