"""The schema beside the code is the one that the parameters give, and says what editors need."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from jsonschema import Draft202012Validator

from myna.presets import schema
from myna.presets.preset import CATEGORIES, FORMAT_VERSION
from myna.presets.schema import schema_for, schema_path, schema_text
from myna.synth.registry import SYNTHS, synth_table

COMMAND = "python -m myna.presets.schema myna.synth.serum_lite.parameters:TABLE"
TABLE = synth_table("serum-lite")


@pytest.mark.parametrize("synth", SYNTHS)
def test_the_kept_schema_is_the_generated_one(synth: str) -> None:
    table = synth_table(synth)
    kept = schema_path(table).read_text(encoding="utf-8")
    assert kept == schema_text(table), f"the parameters have changed; run: {COMMAND}"


def test_the_schema_is_a_valid_schema() -> None:
    Draft202012Validator.check_schema(schema_for(TABLE))


def test_the_command_writes_the_file(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(schema, "schema_path", lambda table: tmp_path / "schemas" / f"{table.synth}.json")
    schema.main([COMMAND.split()[-1]])
    assert (tmp_path / "schemas" / "serum-lite.json").read_text(encoding="utf-8") == schema_text(TABLE)
    assert capsys.readouterr().out.endswith("serum-lite.json\n")


def test_the_command_runs_without_warnings_and_says_how_it_is_used() -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-m", "myna.presets.schema"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "usage: python -m myna.presets.schema MODULE:TABLE…\n"


def test_every_parameter_has_its_range_its_default_and_its_help() -> None:
    knobs = json.loads(schema_text(TABLE))["properties"]["parameters"]["properties"]
    assert tuple(knobs) == TABLE.names
    for knob in TABLE.parameters:
        entry = knobs[knob.name]
        assert entry["default"] == knob.to_json(knob.default)
        assert entry["description"].startswith(knob.help) and knob.unit in entry["description"]
        if knob.kind in ("continuous", "integer"):
            assert (entry["minimum"], entry["maximum"]) == (knob.low, knob.high)
        else:
            assert entry.get("enum", [False, True]) == list(knob.choices or (False, True))


def test_the_version_and_the_categories_are_those_of_presets() -> None:
    properties = schema_for(TABLE)["properties"]
    assert properties["format_version"] == {"const": FORMAT_VERSION}
    assert properties["category"] == {"enum": list(CATEGORIES)}
