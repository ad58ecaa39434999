"""A preset file is read exactly or refused with one sentence, whatever is in it."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from myna.errors import BadPresetError, IncompatibleVersionError, MynaError
from myna.params import ParameterTable
from myna.presets import FORMAT_VERSION, Preset, codec, dumps, load_preset, loads, save_preset
from myna.presets.generator import MusicalPrior, UniformPrior
from myna.presets.schema import schema_for
from myna.presets.strict_json import MAX_BYTES, MAX_DEPTH, MAX_DIGITS, parse
from myna.seeding import generator
from myna.synth.serum_lite.parameters import TABLE

PRESET = Preset(
    "serum-lite",
    {"osc_a.level": 0.25, "osc_a.table": "brass", "filter.on": True, "osc_a.octave": -1},
    name="Brass é 🎺",
    author="a person",
    category="brass",
    tags=("warm", "short"),
    description="One line.\nAnother.",
)
TEXT = dumps(PRESET)


def document(**changes: Any) -> dict[str, Any]:
    """The preset's document with some of its keys changed."""
    return json.loads(TEXT) | changes


def with_knob(name: str, value: str) -> str:
    """The preset's text with one parameter more, its value as raw JSON."""
    return TEXT.replace('"parameters": {', f'"parameters": {{"{name}": {value},', 1)


def without(key: str) -> str:
    return json.dumps({name: value for name, value in document().items() if name != key})


def with_value(key: str, value: Any) -> str:
    return json.dumps(document(**{key: value}))


NEST = '{"format_version": 1, "x": %s}'
NUMBERS, DEEP, NO_JSON = "finite numbers only", "nested deeper", "is not JSON"
MALFORMED: dict[str, tuple[bytes | str, str]] = {
    "empty": (b"", NO_JSON),
    "blank": (b" \n\t ", NO_JSON),
    "half a file": (TEXT[: len(TEXT) // 2], NO_JSON),
    "two objects": (TEXT + TEXT, NO_JSON),
    "trailing comma": (TEXT.rstrip().removesuffix("}") + ",}", NO_JSON),
    "comment": ("// a preset\n" + TEXT, NO_JSON),
    "single quotes": (TEXT.replace('"', "'"), NO_JSON),
    "yaml": (b"name: bass\nsynth: serum-lite\n", NO_JSON),
    "wav": (b"RIFF\x24\x00\x00\x00WAVEfmt ", NO_JSON),
    "pickle": (b"\x80\x04\x95\x10\x00\x00\x00.", "not UTF-8"),
    "a number": (b"1", "must be a JSON object"),
    "a list": (b"[]", "must be a JSON object"),
    "a word": (b'"preset"', "must be a JSON object"),
    "null": (b"null", "must be a JSON object"),
    "an empty object": (b"{}", "does not say its format_version"),
    "NaN": (with_knob("osc_b.level", "NaN"), NUMBERS),
    "Infinity": (with_knob("osc_b.level", "Infinity"), NUMBERS),
    "minus Infinity": (with_knob("osc_b.level", "-Infinity"), NUMBERS),
    "1e400": (with_knob("osc_b.level", "1e400"), NUMBERS),
    "-1e999": (with_knob("osc_b.level", "-1e999"), NUMBERS),
    "hexadecimal": (with_knob("osc_b.level", "0x1"), NO_JSON),
    "leading zero": (with_knob("osc_b.level", "01"), NO_JSON),
    "a point alone": (with_knob("osc_b.level", ".5"), NO_JSON),
    "5000 digits": (with_knob("osc_b.level", "9" * 5000), "a number of 5000 digits"),
    "5000 decimals": (with_knob("osc_b.level", "0." + "3" * 5000), "a number of 5002 digits"),
    "41 digits": (with_knob("osc_b.level", "9" * (MAX_DIGITS + 1)), "a number of 41 digits"),
    "duplicate key": (TEXT.replace('"synth"', '"name": "x", "synth"', 1), "names 'name' twice"),
    "duplicate parameter": (with_knob("osc_a.level", "0.5"), "names 'osc_a.level' twice"),
    "duplicate by escape": (with_knob("osc_a.leve\\u006c", "0.5"), "names 'osc_a.level' twice"),
    "nested too deep": (NEST % ("[" * MAX_DEPTH + "]" * MAX_DEPTH), DEEP),
    "depth 1e3": (NEST % ("[" * 1000 + "]" * 1000), DEEP),
    "depth 1e5": (NEST % ("[" * 100_000 + "]" * 100_000), DEEP),
    "depth 1e5 of objects": ('{"a":' * 100_000 + "1" + "}" * 100_000, DEEP),
    "open brackets alone": ("[" * 100_000, DEEP),
    "oversize": (TEXT + " " * MAX_BYTES, "larger than a preset"),
    "oversize by one byte": (TEXT + " " * (MAX_BYTES + 1 - len(TEXT.encode())), "larger than a preset"),
    "byte order mark": (b"\xef\xbb\xbf" + TEXT.encode(), "byte order mark"),
    "UTF-16": (TEXT.encode("utf-16"), "not UTF-8"),
    "UTF-16 without a mark": ("{}".encode("utf-16-le"), NO_JSON),
    "UTF-32": (TEXT.encode("utf-32"), "not UTF-8"),
    "Latin-1": (TEXT.encode("latin-1", "replace"), "not UTF-8"),
    "overlong UTF-8": (TEXT.encode().replace(b"one", b"\xc0\xafne", 1) + b"\xc0\xaf", "not UTF-8"),
    "lone surrogate": (TEXT.replace("a person", "\\ud800"), "half a surrogate pair"),
    "lone surrogate as a name": (with_knob("\\udfff", "1"), "half a surrogate pair"),
    "lone surrogate in UTF-8": (TEXT.encode().replace(b"person", b"\xed\xa0\x80"), "not UTF-8"),
    "NUL byte": (TEXT.replace("a person", "\x00"), NO_JSON),
    "NUL after the end": (TEXT + "\x00", NO_JSON),
    "NUL in a parameter's name": (with_knob("osc\\u0000", "1"), "no parameter 'osc\\x00'"),
    "line break in a text": (TEXT.replace("a person", "a\nperson"), NO_JSON),
    "bad escape": (TEXT.replace("a person", "\\x41"), NO_JSON),
    "no version": (without("format_version"), "does not say its format_version"),
    "version true": (with_value("format_version", True), "does not say its format_version"),
    "version as text": (with_value("format_version", "1"), "does not say its format_version"),
    "version 1.5": (with_value("format_version", 1.5), "does not say its format_version"),
    "version -1": (with_value("format_version", -1), "does not say its format_version"),
    "version null": (with_value("format_version", None), "does not say its format_version"),
    "another synth": (with_value("synth", "vital"), "is a preset for vital, not for serum-lite"),
    "synth as a number": (with_value("synth", 1), "in synth, 'serum-lite' was expected"),
    "no synth": (without("synth"), "'synth' is a required property"),
    "no name": (without("name"), "'name' is a required property"),
    "no tags": (without("tags"), "'tags' is a required property"),
    "no parameters": (without("parameters"), "has no parameters"),
    "parameters in a list": (with_value("parameters", [1]), "has no parameters"),
    "parameters null": (with_value("parameters", None), "has no parameters"),
    "an extra key": (with_value("colour", "red"), "'colour' was unexpected"),
    "an extra parameter": (with_knob("osc_c.level", "0.5"), "no parameter 'osc_c.level' (did you mean 'osc_b.level'"),
    "a parameter in capitals": (with_knob("OSC_B.LEVEL", "0.5"), "no parameter 'OSC_B.LEVEL'"),
    "an empty name": (with_value("name", ""), "in name"),
    "a name of 201 letters": (with_value("name", "x" * 201), "in name"),
    "a name as a number": (with_value("name", 5), "in name"),
    "an author of 201 letters": (with_value("author", "x" * 201), "in author"),
    "an unknown category": (with_value("category", "noise"), "in category"),
    "a category in capitals": (with_value("category", "Bass"), "in category"),
    "tags as text": (with_value("tags", "warm"), "in tags"),
    "33 tags": (with_value("tags", ["a"] * 33), "in tags"),
    "a tag of 41 letters": (with_value("tags", ["x" * 41]), "in tags.0"),
    "a tag as a number": (with_value("tags", [1]), "in tags.0"),
    "a description of 2001 letters": (with_value("description", "x" * 2001), "in description"),
    "just above the range": (with_knob("osc_b.level", "1.0000001"), "osc_b.level must lie in 0 to 1; got 1."),
    "just under the range": (with_knob("filter.cutoff_hz", "19.99"), "filter.cutoff_hz must lie in 20 to 20000 Hz"),
    "a huge whole number": (with_knob("osc_b.octave", "9" * MAX_DIGITS), "osc_b.octave must lie in -3 to 3 octaves"),
    "half an octave": (with_knob("osc_b.octave", "0.5"), "must be a whole number"),
    "true for a number": (with_knob("osc_b.level", "true"), "osc_b.level must be a number; got True."),
    "false for an octave": (with_knob("osc_b.octave", "false"), "osc_b.octave must be a number; got False."),
    "a number as text": (with_knob("osc_b.level", '"0.5"'), "osc_b.level must be a number; got '0.5'."),
    "null for a number": (with_knob("osc_b.level", "null"), "osc_b.level must be a number; got None."),
    "a list for a number": (with_knob("osc_b.level", "[0.5]"), "osc_b.level must be a number; got [0.5]."),
    "an object for a number": (with_knob("osc_b.level", '{"value": 1}'), "osc_b.level must be a number"),
    "an unknown choice": (with_knob("osc_b.table", '"piano"'), "osc_b.table must be one of basic_shapes"),
    "a choice by index": (with_knob("osc_b.table", "3"), "osc_b.table must be one of basic_shapes"),
    "a switch as text": (with_knob("osc_b.on", '"on"'), "osc_b.on must be a number; got 'on'."),
    "a switch as 1": (with_knob("osc_b.on", "1"), "in parameters.osc_b.on, 1 is not of type 'boolean'"),
    "a megabyte of text for a choice": (with_knob("osc_b.table", '"' + "x" * 900_000 + '"'), "osc_b.table must be"),
}


def check_sentence(message: str) -> None:
    assert message.isprintable() and message.endswith(".") and len(message) < 600
    assert "Traceback" not in message


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_preset_is_refused_for_its_own_reason(case: str) -> None:
    data, says = MALFORMED[case]
    with pytest.raises(BadPresetError) as caught:
        loads(data, TABLE, "bad.json")
    assert type(caught.value) is BadPresetError and caught.value.exit_code == 3
    assert says in str(caught.value)
    assert "bad.json" in str(caught.value)
    check_sentence(str(caught.value))


def test_the_corpus_of_malformed_presets_is_large() -> None:
    assert len(MALFORMED) >= 40


def refusal_s(count: int) -> float:
    """Processor time to refuse two files with so many keys, one of them twice."""
    keys = ",".join(f'"{i:05x}":1' for i in [*range(count), 1])
    began = time.process_time()
    for text in ("{" + keys + "}", TEXT.replace('"parameters": {', '"parameters": {' + keys + ",")):
        with pytest.raises(BadPresetError):
            loads(text, TABLE)
    return time.process_time() - began


def test_refusing_many_keys_takes_no_longer_for_each() -> None:
    """Eight times as many would take 64 times as long if each were held against all others."""
    few, many = (min(refusal_s(count) for _ in range(3)) for count in (10_000, 80_000))
    assert many < 30 * few


def test_a_newer_version_is_refused_with_its_own_exit_code() -> None:
    text = with_value("format_version", FORMAT_VERSION + 1)
    with pytest.raises(IncompatibleVersionError, match="newer than this myna reads") as caught:
        loads(text, TABLE)
    assert caught.value.exit_code == 4
    check_sentence(str(caught.value))


def test_a_newer_version_is_refused_even_if_it_holds_more_than_we_know() -> None:
    with pytest.raises(IncompatibleVersionError):
        loads(json.dumps(document(format_version=99, shape="new", parameters={"x.y": 1})), TABLE)


def test_an_older_version_is_migrated() -> None:
    old = document(format_version=0, parameters={"osc_a.table": 3, "osc_a.octave": -1, "filter.type": 1})
    del old["tags"]
    preset = loads(json.dumps(old), TABLE)
    assert (preset.values["osc_a.table"], preset.values["filter.type"]) == ("sine_harmonics", "high_pass")
    assert (preset.values["osc_a.octave"], preset.tags, preset.format_version) == (-1, (), FORMAT_VERSION)


@pytest.mark.parametrize("index", [-1, 18, 10**30, 0.5, True, None])
def test_an_older_version_with_an_impossible_index_is_refused(index: object) -> None:
    with pytest.raises(BadPresetError, match=r"osc_a\.table must be one of"):
        loads(json.dumps(document(format_version=0, parameters={"osc_a.table": index})), TABLE)


# What is accepted


def test_a_preset_comes_back_as_it_was_with_defaults_for_the_rest() -> None:
    preset = loads(TEXT, TABLE)
    assert (preset.name, preset.author, preset.category) == ("Brass é 🎺", "a person", "brass")
    assert (preset.tags, preset.description) == (("warm", "short"), "One line.\nAnother.")
    assert preset.values == TABLE.to_dict(TABLE.defaults) | dict(PRESET.values)


def test_the_text_of_a_loaded_preset_is_a_fixed_point() -> None:
    once = dumps(loads(TEXT, TABLE))
    assert dumps(loads(once, TABLE)) == once
    assert loads(once.encode(), TABLE) == loads(once, TABLE)


def test_drawn_presets_keep_every_bit_through_a_file(tmp_path: Path) -> None:
    rng = generator(0, "codec")
    for i, u in enumerate(np.concatenate([UniformPrior(TABLE).sample(50, rng), MusicalPrior(TABLE).sample(50, rng)])):
        preset = Preset.from_u(TABLE, u, name=f"draw {i}")
        save_preset(preset, tmp_path / "draw.json")
        loaded = load_preset(tmp_path / "draw.json", TABLE)
        assert loaded == preset
        assert np.array_equal(loaded.u(TABLE), preset.u(TABLE))
        assert np.abs(loaded.u(TABLE) - u).max() <= 1e-6


def test_minus_zero_becomes_zero() -> None:
    preset = loads(with_knob("osc_b.pan", "-0.0"), TABLE)
    assert str(preset.values["osc_b.pan"]) == "0.0"


@pytest.mark.parametrize("number", ["1e-1", "0.1E0", "1E-1", "0.10000000000000000000000000000000000001"])
def test_every_way_to_write_a_number_is_read(number: str) -> None:
    assert loads(with_knob("osc_b.level", number), TABLE).values["osc_b.level"] == 0.1


def test_the_ends_of_every_range_are_accepted() -> None:
    for values in (np.array([p.low for p in TABLE.parameters]), np.array([p.high for p in TABLE.parameters])):
        text = dumps(Preset("serum-lite", TABLE.to_dict(values)))
        assert np.array_equal(TABLE.from_dict(loads(text, TABLE).values), values)


def test_brackets_inside_texts_are_no_nesting() -> None:
    text = with_value("description", '[[[[[[[[[[{{{{{{{{{{ \\" [[[')
    assert loads(text, TABLE).description == '[[[[[[[[[[{{{{{{{{{{ \\" [[['


def test_the_schema_accepts_and_refuses_what_the_reader_does() -> None:
    validator = Draft202012Validator(schema_for(TABLE))
    assert validator.is_valid(json.loads(TEXT))
    refused = 0
    for case, (data, _) in MALFORMED.items():
        with contextlib.suppress(BadPresetError):  # what no JSON reader should take is not the schema's concern
            assert not validator.is_valid(parse(data, "x")), case
            refused += 1
    assert refused > 35


def test_the_validator_is_built_once_for_many_presets(tmp_path: Path) -> None:
    for i, u in enumerate(MusicalPrior(TABLE).sample(20, generator(0, "speed"))):
        save_preset(Preset.from_u(TABLE, u, name=f"draw {i}"), tmp_path / f"{i}.json")
    loads(TEXT, TABLE)
    before = codec._validator.cache_info()
    for path in tmp_path.iterdir():
        load_preset(path, TABLE)
    after = codec._validator.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (0, 20)


# Files


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("none.json", "There is no preset file"),
        ("folder", "is not a file"),
        ("fifo", "is not a file"),
        ("nul\0.json", "cannot be read"),
        ("x" * 5000, "cannot be read"),
        ("link.json", "There is no preset file"),
        ("bad\x1b[2J.json", "There is no preset file"),
    ],
)
def test_what_is_no_file_is_refused(name: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link.json").symlink_to(tmp_path / "nowhere")
    with pytest.raises(BadPresetError, match=says) as caught:
        load_preset(tmp_path / name, TABLE)
    check_sentence(str(caught.value))


def test_a_huge_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    with open(tmp_path / "huge.json", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(BadPresetError, match="larger than a preset"):  # a terabyte would not fit into memory
        load_preset(tmp_path / "huge.json", TABLE)


def test_a_preset_that_is_not_finite_is_never_written(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    save_preset(PRESET, path)
    with pytest.raises(ValueError, match="JSON compliant"):
        save_preset(Preset("serum-lite", {"osc_a.level": float("nan")}), path)
    assert path.read_text() == TEXT


def test_a_table_of_another_synth_reads_its_own_presets_only() -> None:
    other = ParameterTable("other", 1, TABLE.parameters[:3])
    with pytest.raises(MynaError, match="is a preset for serum-lite, not for other"):
        loads(TEXT, other)
    assert loads(json.dumps(document(synth="other", parameters={})), other).synth == "other"
