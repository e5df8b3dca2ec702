"""PHP's values, its JSON and its forms."""

import contextlib
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.simulator import php, phpforms, phpjson
from gateway.simulator.php import PhpValue

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(-1e15, 1e15)  # Beyond, PHP pads the shortest digits with zeros.
    | st.text(st.characters(exclude_categories=["Cs"]))
)
keys = st.integers(-5, 5) | st.text(max_size=5).map(php.array_key)
values = st.recursive(
    scalars, lambda inner: st.dictionaries(keys, inner, max_size=5), max_leaves=15
)


def nested(depth: int) -> PhpValue:
    value: PhpValue = {}
    for _ in range(depth):
        value = {0: value}
    return value


def as_json(value: PhpValue) -> Any:
    """What a JSON reader makes of a PHP value."""
    if not isinstance(value, dict):
        return value
    if list(value) == list(range(len(value))):
        return [as_json(item) for item in value.values()]
    return {str(key): as_json(item) for key, item in value.items()}


@settings(deadline=None)
@given(values)
def test_printed_json_is_json_and_means_the_same(value: PhpValue) -> None:
    try:
        printed = phpjson.print_json(value)
    except phpjson.CannotPrint:
        assert "\\ud" in json.dumps(as_json(value))
        return
    assert printed.isascii()
    assert json.loads(printed) == as_json(value)


@settings(deadline=None)
@given(values)
def test_what_was_printed_reads_back(value: PhpValue) -> None:
    found = phpjson.read_json(phpjson.print_json(value))
    assert as_json(found) == as_json(value)


@settings(deadline=None)
@given(st.text() | st.binary().map(php.text_of))
def test_reading_json_never_fails_in_another_way(text: str) -> None:
    with contextlib.suppress(phpjson.CannotRead, phpjson.CannotPrint):
        phpjson.print_json(phpjson.read_json(text))


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ({}, "[]"),
        ({0: "a", 1: None}, '["a",null]'),
        ({1: "a"}, '{"1":"a"}'),
        ({"result": False, 0: "x"}, '{"result":false,"0":"x"}'),
        ("a/b", '"a\\/b"'),
        ('"\\\b\f\n\r\t\x01\x7f', '"\\"\\\\\\b\\f\\n\\r\\t\\u0001\x7f"'),
        ("ü😀", '"\\u00fc\\ud83d\\ude00"'),
        (1.0, "1"),
        (0.1, "0.1"),
        (-0.0, "-0"),
        (1e25, "1.0e+25"),
        (1.5e-7, "1.5e-7"),
        (123456789.25, "123456789.25"),
    ],
)
def test_json_as_php_prints_it(value: PhpValue, printed: str) -> None:
    assert phpjson.print_json(value) == printed


@pytest.mark.parametrize("value", ["\udcff", {0: math.inf}, nested(600), {"\udcff": 1}])
def test_what_has_no_json_form(value: PhpValue) -> None:
    with pytest.raises(phpjson.CannotPrint):
        phpjson.print_json(value)


@pytest.mark.parametrize(
    "text", ["", "[1", "NaN", "[Infinity]", '"\udcff"', '"\\ud800"', "[" * 600 + "]" * 600, "{1:2}"]
)
def test_what_is_no_json(text: str) -> None:
    with pytest.raises(phpjson.CannotRead):
        phpjson.read_json(text)


def test_objects_become_arrays_with_whole_keys() -> None:
    assert phpjson.read_json('{"0":1,"1":2}') == {0: 1, 1: 2}
    assert phpjson.read_json("[99999999999999999999, -0, 12345678901234567890123]") == {
        0: 1e20,
        1: 0,
        2: 12345678901234567890123.0,
    }
    assert phpjson.read_array("5") is None
    assert phpjson.read_array({0: 1}) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("12abc", 12),
        (" +5", 5),
        ("1e3", 1000),
        ("0x10", 0),
        ("-3.9", -3),
        (".5", 0),
        ("x", 0),
        ("99999999999999999999", 2**63 - 1),
        ("-99999999999999999999999", -(2**63)),
        ("1e400", 2**63 - 1),
        ("9" * 5000, 2**63 - 1),
        (2.7, 2),
        (math.inf, 0),
        (1e19, 10**19 - 2**64),
        (True, 1),
        (None, 0),
        ({}, 0),
        ({0: 0}, 1),
    ],
)
def test_whole_numbers_of_anything(value: PhpValue, number: int) -> None:
    assert php.to_int(value) == number


@pytest.mark.parametrize(
    ("sent", "setting", "equal"),
    [
        ("1000", "1e3", True),
        ("S3cret", "s3cret", False),
        (None, "x", False),
        (None, "", True),
        ({0: "x"}, "x", False),
        (5, "5", False),
        ("0", "00", True),
        ("1 ", "1", False),
    ],
)
def test_loose_comparison(sent: PhpValue, setting: str, equal: bool) -> None:
    assert php.loosely_equal(sent, setting) is equal


def test_floats_of_anything() -> None:
    odd: list[PhpValue] = ["2.5x", "x", {}, {0: 1}, None, 3]
    assert [php.to_float(value) for value in odd] == [2.5, 0, 0, 1, 0, 3]


def test_array_keys() -> None:
    assert [php.array_key(k) for k in ("5", "05", "-1", "-0", "x", "9" * 19)] == [
        5,
        "05",
        -1,
        "-0",
        "x",
        "9" * 19,
    ]


# --- forms ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "array"),
    [
        ("a=1&b=&c", {"a": "1", "b": "", "c": ""}),
        ("a[b]=1&a[c]=2", {"a": {"b": "1", "c": "2"}}),
        ("a[]=1&a[]=2", {"a": {0: "1", 1: "2"}}),
        ("a[5]=x&a[]=y", {"a": {5: "x", 6: "y"}}),
        ("a[b][]=1&a[b][]=2", {"a": {"b": {0: "1", 1: "2"}}}),
        ("a=1&a[b]=2", {"a": {"b": "2"}}),
        ("a[b]=2&a=1", {"a": "1"}),
        ("a%5Bb%5D=%41+%2B", {"a": {"b": "A +"}}),
        ("a.b=1&c d=2", {"a_b": "1", "c_d": "2"}),
        ("a[b=1", {"a_b": "1"}),
        ("[a]=1&=2&&", {}),
        (" a=1", {"a": "1"}),
        ("a[ ]=1", {"a": {0: "1"}}),
        ("a[b]c=1", {"a": {"b": "1"}}),
        ("a[b][c=1", {"a": {"b": "1"}}),
        ("a%00b=1", {"a": "1"}),
        ("a=%zz%", {"a": "%zz%"}),
        ("a" + "[b]" * 70 + "=1", {}),
    ],
)
def test_variables_as_php_reads_them(form: str, array: PhpValue) -> None:
    assert phpforms.read_variables(phpforms.split_pairs(form.encode())) == array


@settings(deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=30), st.binary(max_size=30))))
def test_any_names_and_values_make_an_array(pairs: list[tuple[bytes, bytes]]) -> None:
    phpforms.clean(phpforms.read_variables(pairs))


@settings(deadline=None)
@given(st.text(alphabet="a[]&=%+.0\x00 _", max_size=60))
def test_any_form_makes_an_array(form: str) -> None:
    array = phpforms.read_variables(phpforms.split_pairs(form.encode()))
    assert all(isinstance(value, str | dict) for value in phpforms.clean(array).values())


@settings(deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=40))
def test_any_multipart_body_makes_pairs(body: bytes, content_type: bytes) -> None:
    phpforms.split_multipart(body, b"multipart/form-data; boundary=B" + content_type)


def test_at_most_500_variables_are_read() -> None:
    array = phpforms.read_variables([(b"f%d" % n, b"1") for n in range(600)])
    assert len(array) == 500


def test_files_and_nameless_parts_are_no_variables() -> None:
    body = (
        b'--B\r\nContent-Disposition: form-data; name="a[b]"\r\n\r\n1\r\n2\r\n'
        b'--B\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\nfile\r\n'
        b"--B\r\nContent-Disposition: form-data\r\n\r\nnothing\r\n"
        b"--B\r\nContent-Disposition: form-data; name=bare\r\n\r\n3\r\n"
        b"--B\r\nno blank line\r\n--B--\r\nrest"
    )
    assert phpforms.split_multipart(body, b'multipart/form-data; boundary="B"') == [
        (b"a[b]", b"1\r\n2"),
        (b"bare", b"3"),
    ]
    assert phpforms.split_multipart(body, b"multipart/form-data") == []
    assert phpforms.body_pairs("GET", b"application/x-www-form-urlencoded", b"a=1") == []
    assert phpforms.body_pairs("POST", b"application/json", b"a=1") == []


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        (" \t a\n\0\x0b", "a"),
        ("a\\b", "ab"),
        ("\u00a0x\u00a0", "\u00a0x\u00a0"),
        ("<SCRIPT><ScRiPt>", "&#60;script>&#60;script>"),
        ("<!---->", "&#60;&#33;----&#62;"),
        ("../../", "&#46;&#46;/&#46;&#46;/"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("&#123x &#65; &#6", "&#123;x &#65; &#6"),
        ("'\"<b>&%$`", "'\"<b>&%$`"),
        (php.text_of(b"\xc3\\\xa9"), "é"),
    ],
)
def test_values_as_the_script_keeps_them(value: str, cleaned: str) -> None:
    assert phpforms.clean_value(value) == cleaned


def test_keys_are_decoded_once_more_and_deep_ones_dropped() -> None:
    assert phpforms.clean({"max%5Fconn": "1", "__x__": "2", "a..b": "3", "%31": "4"}) == {
        "max_conn": "1",
        "": "2",
        "ab": "3",
        1: "4",
    }
    deep: PhpValue = "x"
    for _ in range(25):
        deep = {"a": deep}
    assert isinstance(deep, dict)
    found: PhpValue = phpforms.clean(deep)
    for _ in range(20):
        assert isinstance(found, dict)
        found = found["a"]
    assert found == {}
