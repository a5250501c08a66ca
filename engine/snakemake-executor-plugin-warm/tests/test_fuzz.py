"""Generated scripts that set process state: the next job sees nothing of it, or has a fresh worker."""

from __future__ import annotations

import json
import os

import fuzz
import workflows

SCRIPTS = int(os.environ.get("WARM_TEST_FUZZ", "20"))
FIRST = int(os.environ.get("WARM_TEST_FUZZ_FIRST", "0"))


def test_the_next_job_sees_nothing_of_a_generated_script(tmp_path):
    numbers = range(FIRST, FIRST + SCRIPTS)
    wanted = [f"'probe/{number}'" for number in numbers] + ["'probe/reference'"]
    rules = [f"rule all:\n    input: {', '.join(wanted)}, expand('out/{{n}}', n={list(numbers)})"]
    files = {"probe.py": fuzz.probe()}
    made = {number: fuzz.script(number) for number in numbers}
    for place, (number, (_, text)) in enumerate(made.items()):
        files[f"set{number}.py"] = text
        # One after the other in one worker: first come the greater priorities.
        rules.append(
            f"rule set{number}:\n    output: 'out/{number}'\n    priority: {2 * (SCRIPTS - place)}\n"
            f"    script: 'set{number}.py'\n"
            f"rule probe{number}:\n    output: 'probe/{number}'\n"
            f"    priority: {2 * (SCRIPTS - place) - 1}\n    script: 'probe.py'"
        )
    rules.append("rule reference:\n    output: 'probe/reference'\n    script: 'probe.py'")
    workflows.write(tmp_path, files)
    (tmp_path / "Snakefile").write_text("\n".join(rules) + "\n")
    (tmp_path / "out").mkdir()
    options = ("--keep-going", *workflows.WARM, "--warm-exclude", "reference")
    result = workflows.run(tmp_path, *options, cores=1, seconds=60 + 10 * SCRIPTS)

    def found(name: object) -> dict:
        return json.loads((tmp_path / "probe" / str(name)).read_text())

    # An atom that changes nothing would test nothing.
    idle = {n: json.loads((tmp_path / "out" / f"{n}.told").read_text()) for n in numbers}
    assert not any(idle.values()), {n: names for n, names in idle.items() if names}
    expected = found("reference")["found"]
    seen = {
        number: differing
        for number in numbers
        if (differing := {k: v for k, v in found(number)["found"].items() if v != expected[k]})
    }
    assert seen == {}, {number: (names, made[number][0]) for number, names in seen.items()}
    processes = {found(number)["pid"] for number in numbers}
    # Warm in spite of all: most scripts leave nothing that only the end of a process ends.
    assert SCRIPTS < 20 or len(processes) < SCRIPTS, result.console
