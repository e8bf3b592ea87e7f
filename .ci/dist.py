"""dist.py [TARGET...]: makes the archives that are handed out, in target/dist, with SHA256SUMS.

Each holds the program, its licence and those of what is linked in (of a crate that comes without its licence's text the standard
text, said to be that), completions, manual pages, README and what that leads to.
Each program is started once; if it does not tell its version nothing is packed. `.ci/port dist` calls this."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "target" / "dist"
PORT = [shutil.which("bash"), str(ROOT / ".ci" / "port")]
TARGETS = ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl", "x86_64-pc-windows-gnu"]
NOTHING_STARTS_IT = 125
LICENCE_NAMES = ("licen", "copying", "copyright", "unlicen", "notice")
COMPLETIONS = {"bash": "explore.bash", "zsh": "_explore", "fish": "explore.fish", "powershell": "explore.ps1"}


def output(command):
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout.decode()


VERSION = json.loads(output(["cargo", "metadata", "--no-deps", "--format-version=1"]))["packages"][0]["version"]


def build(target):
    """The program, and the licences of what is linked besides crates, by what that is."""
    program, *licences = output([*PORT, "build", target]).splitlines()
    return Path(program), dict(line.split("=", 1) for line in licences)


def starts(target, program):
    """Whether the program can be started here; what it says is then its version."""
    started = subprocess.run([*PORT, "start", target, program, "--version"], stdout=subprocess.PIPE)
    said = started.stdout.decode(errors="replace").strip()
    if started.returncode == NOTHING_STARTS_IT:
        print(f"dist: {target} was built and NOT started: nothing here starts it", file=sys.stderr)
        return False
    if started.returncode != 0 or said != f"explore {VERSION}":
        sys.exit(f"dist: {target}: --version said {said!r} and ended with {started.returncode}")
    print(f"dist: {target} was started, and says: {said}", file=sys.stderr)
    return True


def write_documents(target, program, folder):
    """Manual pages and completions, which are the same for every target."""
    start = [*PORT, "start", target, str(program), "--lang", "en"]
    output([*start, "man", "--out", str(folder / "man")])
    (folder / "completions").mkdir()
    for shell, name in COMPLETIONS.items():
        (folder / "completions" / name).write_text(output([*start, "completions", shell]))


def linked_crates(target):
    """The packages whose code is in the program: what it depends on, without what only builds or tests it."""
    told = json.loads(output(["cargo", "metadata", "--locked", "--format-version=1", "--filter-platform", target]))
    packages = {package["id"]: package for package in told["packages"]}
    nodes = {node["id"]: node for node in told["resolve"]["nodes"]}
    root = told["resolve"]["root"]
    linked, waiting = {}, [root]
    while waiting:
        node = waiting.pop()
        if node in linked or any("proc-macro" in it["kind"] for it in packages[node]["targets"]):
            continue
        linked[node] = packages[node]
        kinds = [(it["pkg"], [kind["kind"] for kind in it["dep_kinds"]]) for it in nodes[node]["deps"]]
        waiting += [pkg for pkg, kinds in kinds if None in kinds]
    del linked[root]
    return sorted(linked.values(), key=lambda it: (it["name"], it["version"]))


def licence_files(crate):
    folder = Path(crate["manifest_path"]).parent
    return [it for it in sorted(folder.iterdir()) if it.name.lower().startswith(LICENCE_NAMES) and it.is_file()]


def standard_text(crate, crates):
    """The standard text of a licence that the crate names, for one that comes without: what it is, and the text."""
    choices = (crate["license"] or "").split(" OR ")
    if "Apache-2.0" in choices:
        return "Apache-2.0", (ROOT / "LICENSE-APACHE").read_text()
    if "MIT" in choices and crate["authors"]:
        text = (ROOT / "LICENSE-MIT").read_text()
        return "MIT, with the authors that its Cargo.toml names", re.sub("Copyright .*", f"Copyright (c) {', '.join(crate['authors'])}", text, count=1)
    if "BSL-1.0" in choices:  # it names no holder, so that every crate's file is the standard text
        alike = (file for it in crates if it["license"] == "BSL-1.0" for file in licence_files(it))
        return next((("BSL-1.0", file.read_text()) for file in alike), None)
    return None


def licence_text(target, others):
    """Who made what is linked in, under which licence, and each licence's text once."""
    lines = ["The program contains these crates and libraries, each under its own licence; the texts follow.", ""]
    texts, missing = {}, []
    crates = linked_crates(target)
    for crate in crates:
        name = f"{crate['name']} {crate['version']}"
        home = crate["repository"] or crate["homepage"] or "it gives no address"
        lines.append(f"{name}: {crate['license'] or 'see its text'}; {home}")
        files = licence_files(crate)
        standard = None if files else standard_text(crate, crates)
        if standard:
            licence, text = standard
            whose = f"{name}, which comes without a text: the standard one of {licence}"
            texts.setdefault(text.strip(), []).append(whose)
        elif not files:
            missing.append(f"{name} names its licence, {crate['license']}, and comes without its text: {home}")
        for file in files:
            texts.setdefault(file.read_text(errors="replace").strip(), []).append(f"{name}, {file.name}")
    for name, file in others.items():
        lines.append(name)
        if Path(file).is_file():
            texts.setdefault(Path(file).read_text(errors="replace").strip(), []).append(name)
        else:
            missing.append(f"{name}: its licence is not where it was expected on the machine that built this")
    for line in missing:
        print(f"dist: {target}: {line}", file=sys.stderr)
    lines += ["", "Texts that are missing here:", *(missing or ["none"])]
    for text, whose in texts.items():
        lines += ["", "=" * 100, *whose, "=" * 100, "", text]
    return "\n".join(lines) + "\n"


def pack(target, program, others, documents):
    name = f"explore-{VERSION}-{target}"
    folder = DIST / name
    shutil.copytree(documents, folder)
    shutil.copy(program, folder)
    for file in ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE-MIT", "LICENSE-APACHE"]:
        shutil.copy(ROOT / file, folder)
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=shutil.ignore_patterns("*.jsonl"))
    (folder / "LICENSES-OF-WHAT-IS-LINKED.txt").write_text(licence_text(target, others), encoding="utf-8")
    kind = "zip" if "windows" in target else "gztar"
    archive = shutil.make_archive(str(folder), kind, DIST, name, owner="root", group="root")
    shutil.rmtree(folder)
    return Path(archive)


def main(targets):
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir(parents=True)
    documents = DIST / "documents"
    built = [(target, *build(target)) for target in targets]
    started = [(target, program) for target, program, _ in built if starts(target, program)]
    if not started:
        sys.exit("dist: none of them starts here, and a program writes its own manual: build one for this machine too")
    write_documents(*started[0], documents)
    archives = [pack(target, program, others, documents) for target, program, others in built]
    shutil.rmtree(documents)
    sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in archives]
    (DIST / "SHA256SUMS").write_text("".join(sums))
    print("".join(f"{os.path.getsize(file):>10}  {file}\n" for file in archives), end="")


main(sys.argv[1:] or TARGETS)
