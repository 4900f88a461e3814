"""scripts/install.py, run as a real process in a temporary project whose requirements are wheels made here."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(settings.BASE_DIR)


@dataclass
class Project:
    folder: Path
    environment: dict[str, str]

    @property
    def installed(self) -> Path:
        return self.folder / ".venv" / "installed.txt"

    def require(self, kind: str, *names: str) -> None:
        wheels = Path(self.environment["PIP_FIND_LINKS"])
        lines = [f"{name}==1.0 --hash=sha256:{_wheel(wheels, name)}\n" for name in names]
        (self.folder / "requirements" / f"{kind}.txt").write_text("".join(lines))

    def start(self, kind: str = "runtime", **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "scripts/install.py", kind],
            cwd=self.folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def install(self, kind: str = "runtime", **environment: str) -> str:
        process = self.start(kind, **environment)
        output, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (0, "")
        return output

    def refusal(self, kind: str = "runtime", **environment: str) -> str:
        process = self.start(kind, **environment)
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 1
        assert len(errors.splitlines()) == 1, errors
        return errors

    def has(self, name: str) -> bool:
        python = self.folder / ".venv" / "bin" / "python"
        return subprocess.run([python, "-c", f"import {name}"], capture_output=True, check=False).returncode == 0


def _wheel(folder: Path, name: str) -> str:
    """Make a wheel with one empty module, and return its hash."""
    info = f"{name}-1.0.dist-info"
    file = folder / f"{name}-1.0-py3-none-any.whl"
    files = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(file, "w") as wheel:
        for path, text in [*files.items(), (f"{info}/RECORD", record)]:
            wheel.writestr(zipfile.ZipInfo(path), text)
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _project(folder: Path) -> Project:
    project = Project(
        folder / "a blank" / "project",
        {
            **{name: value for name, value in os.environ.items() if not name.startswith("PIP_")},
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(folder / "wheels"),
        },
    )
    for needed in (folder / "wheels", project.folder / "scripts", project.folder / "requirements"):
        needed.mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "install.py", project.folder / "scripts")
    project.require("runtime", "server")
    project.require("development", "linter", "server")
    return project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return _project(tmp_path)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = _project(tmp_path_factory.mktemp("made"))
    project.install()
    return project.folder / ".venv"


@pytest.fixture
def made(project: Project, made_once: Path) -> Project:
    """Return a project whose runtime requirements are installed."""
    shutil.copytree(made_once, project.folder / ".venv", symlinks=True)
    assert project.install() == ""
    return project


def _unstable_python(folder: Path, startup: str) -> str:
    """Return a PYTHONPATH with which every Python runs these lines first."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(startup)
    return str(folder)


def test_the_first_run_creates_an_environment_and_the_second_does_nothing(project: Project) -> None:
    assert "Making .venv" in project.install()
    assert project.has("server")
    assert not project.has("linter")
    before = project.installed.stat().st_mtime_ns
    assert project.install() == ""
    assert project.installed.stat().st_mtime_ns == before


def test_the_development_requirements_include_the_runtime_requirements(made: Project) -> None:
    assert "Making" not in made.install("development")
    assert made.has("linter")
    assert made.install("runtime") == ""


def test_two_installations_at_once_wait_for_each_other(project: Project) -> None:
    one, two = project.start(), project.start("development")
    output = [process.communicate(timeout=120) for process in (one, two)]
    assert (one.returncode, two.returncode) == (0, 0), output
    assert sum("Making .venv" in printed for printed, _ in output) == 1
    assert project.has("server")
    assert project.has("linter")


def test_it_waits_for_the_lock(made: Project) -> None:
    made.require("runtime", "server", "cache")
    with (made.folder / ".venv" / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = made.start()
        assert process.stdout
        assert process.stdout.readline().startswith("Waiting for another installation")
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, ""), output
    assert made.has("cache")


def test_an_incomplete_environment_is_replaced(made: Project) -> None:
    made.installed.unlink()
    (pip,) = (made.folder / ".venv" / "lib").glob("python*/site-packages/pip")
    shutil.rmtree(pip / "_internal")
    assert "Making .venv" in made.install()
    assert made.has("server")


def test_an_environment_without_a_working_python_is_replaced(made: Project) -> None:
    python = made.folder / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    assert "Making .venv" in made.install()
    assert made.has("server")


def test_changed_requirements_are_installed_into_the_existing_environment(made: Project) -> None:
    made.require("runtime", "cache", "server")
    assert "Making" not in made.install()
    assert made.has("cache")


def test_a_wheel_with_another_hash_is_refused_and_the_environment_counts_as_incomplete(made: Project) -> None:
    requirements = made.folder / "requirements" / "runtime.txt"
    made.require("runtime", "cache")
    requirements.write_text(re.sub(r"sha256:\w+", "sha256:" + "0" * 64, requirements.read_text()))
    assert "DO NOT MATCH THE HASHES" in made.refusal()
    assert not made.installed.exists()


def test_a_missing_package_is_named(made: Project) -> None:
    requirements = made.folder / "requirements" / "runtime.txt"
    requirements.write_text(f"absent==1.0 --hash=sha256:{'0' * 64}\n")
    assert "No matching distribution found for absent==1.0" in made.refusal()


def test_a_missing_network_is_reported(made: Project) -> None:
    requirements = made.folder / "requirements" / "runtime.txt"
    requirements.write_text(f"absent==1.0 --hash=sha256:{'0' * 64}\n")
    nobody = {"PIP_NO_INDEX": "0", "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1"}
    assert "Is there a network?" in made.refusal(**nobody)


def test_a_python_that_is_too_old_is_refused(project: Project, tmp_path: Path) -> None:
    old = _unstable_python(tmp_path / "old", "import sys\nsys.version_info = (3, 9, 2, 'final', 0)\n")
    assert "needs Python 3.11 or later, and this is 3.9" in project.refusal(PYTHONPATH=old)


def test_a_python_without_venv_is_refused(project: Project, tmp_path: Path) -> None:
    bare = _unstable_python(tmp_path / "bare", "import sys\nsys.modules['ensurepip'] = None\n")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"`apt install python{version}-venv`" in project.refusal(PYTHONPATH=bare)


def test_an_unwritable_folder_is_named(project: Project) -> None:
    (project.folder / ".venv").touch()
    assert f"{project.folder / '.venv'} cannot be read or written" in project.refusal()


def test_an_environment_behind_a_link_is_not_changed(project: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "theirs").touch()
    (project.folder / ".venv").symlink_to(elsewhere)
    assert "is a link" in project.refusal()
    assert [file.name for file in elsewhere.iterdir()] == ["theirs"]


def test_an_argument_is_required(project: Project) -> None:
    assert "runtime or development" in project.refusal("production")


def _pins(kind: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{kind}.txt").read_text()
    found = re.findall(r"^([\w.-]+)(?:\[[\w, -]+\])?==([\w.]+)", text, re.M)
    return {canonicalize_name(name): version for name, version in found}


def test_every_dependency_is_pinned_in_an_allowed_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for kind, required in (
        ("runtime", project["project"]["dependencies"]),
        ("development", project["dependency-groups"]["dev"]),
    ):
        pins = _pins(kind)
        for requirement in map(Requirement, required):
            pinned = pins.get(canonicalize_name(requirement.name), "nothing")
            assert pinned != "nothing", f"{requirement.name} is not in {kind}.txt: run make lock"
            assert requirement.specifier.contains(pinned), f"{requirement}, not {pinned}: run make lock"


def test_the_development_pins_include_the_runtime_pins() -> None:
    assert _pins("runtime").items() < _pins("development").items()


@pytest.mark.parametrize("kind", ["runtime", "development"])
def test_the_pins_name_no_package_index(kind: str) -> None:
    text = (ROOT / "requirements" / f"{kind}.txt").read_text()
    assert "//" not in text
    assert not re.search(r"^\s*-[^-]|--(index|extra|find|trusted)", text, re.M)
