"""Records of valid and invalid JSON, with the fault that RFC 8259 (and our limits) give to each.

The records are written by hand, in the categories of the public parser test suites: structure,
numbers, text, Unicode, white space, several values, limits. Each value of `json_values` and
`json_broken` occurs at several places in a record. The code under test computes nothing here.
"""

import re
from typing import NamedTuple

import pyspark

from tests.data.json_broken import BROKEN, NOT_UTF8
from tests.data.json_values import VALUES

SOUND = None
_HALF_PAIR = re.compile(rb"(?i)\\ud[89ab]..(?!\\ud[c-f])|(?<!\\ud[89ab]..)\\ud[c-f]")
# Half of a surrogate pair is valid JSON. Spark 4.0 replaces it with `?`. From 4.2 on, Spark rejects
# a member that has one.
KEEPS_HALF_PAIRS = pyspark.__version__ < "4.2"


class Case(NamedTuple):
    """The bytes of a record, and the fault that `with_parsed_json` must find (None: valid)."""

    data: bytes | None
    fault: str | None

    @property
    def has_half_pair(self) -> bool:
        """Whether it contains half of a surrogate pair, escaped."""
        return _HALF_PAIR.search(self.data or b"") is not None


_GOOD = b'{"event_uuid":"e1","event_name":"a:b","created_at":1763800000}'

# Whole records, whose fault depends on the place.
_RECORDS = [
    Case(None, "not_json"),
    Case(b"", "not_json"),
    *(Case(blank, "not_json") for blank in (b" ", b"\n", b"\r\n", b"\t", b" \r\n\t ")),
    # White space around the object is valid.
    *(Case(_GOOD + blank, SOUND) for blank in (b" ", b"\n", b"\r\n", b"\t", b" \n\n\r\t ")),
    *(Case(blank + _GOOD, SOUND) for blank in (b" ", b"\n", b"\r\n", b"\t", b" \n\n\r\t ")),
    *(Case(b"{" + blank + b"}", SOUND) for blank in (b"", b" ", b"\n", b"\r\n\t ")),
    *(Case(blank + b"{}" + blank, SOUND) for blank in (b" ", b"\n", b"\r\n\t ")),
    # Other white space is not.
    *(Case(_GOOD + blank, "trailing_data") for blank in (b"\x0b", b"\x0c", b"\x00", b"\xc2\xa0")),
    *(Case(blank + _GOOD, "not_json") for blank in (b"\x0b", b"\x0c", b"\x00", b"\xc2\xa0")),
    # A byte order mark alone is not JSON, and other encodings are not either.
    Case(b"\xef\xbb\xbf", "not_json"),
    Case(_GOOD.decode().encode("utf-16-le"), "not_json"),
    Case(_GOOD.decode().encode("utf-16-be"), "not_json"),
    Case(_GOOD.decode().encode("utf-16"), "not_utf8"),
    Case(_GOOD.decode().encode("utf-32-be"), "not_json"),
    Case('{"event_uuid":"é"}'.encode("latin-1"), "not_utf8"),
    # Data after a valid object
    *(
        Case(_GOOD + trailing, "trailing_data")
        for trailing in (
            _GOOD,
            b"\n" + _GOOD,
            b"\n" + _GOOD + b"\n",
            b"\r\n" + _GOOD,
            b" " + _GOOD,
            b"," + _GOOD,
            b",",
            b", ",
            b";",
            b"}",
            b"]",
            b"}}",
            b"] }",
            b'"',
            b"'",
            b"x",
            b" x",
            b"0",
            b" null",
            b"[]",
            b"{}",
            b"{",
            b"{}}",
            b"// comment",
            b"/* comment */",
            b"# comment",
            b',"a":1}',
            b'"a":1}',
            b'],"x":[{}',
            b'],"x":[{"a":1}',
            b"\\n",
            "é".encode(),
        )
    ),
    Case(b"{}{}", "trailing_data"),
    Case(b"{} {}", "trailing_data"),
    Case(b"{}\n{}\n", "trailing_data"),
    Case(b"{}}", "trailing_data"),
    Case(b"{}x", "trailing_data"),
    Case(b"{},", "trailing_data"),
    Case(b'{"a":1}}', "trailing_data"),
    Case(b'{"a":1} }', "trailing_data"),
    Case(b'{"a":{"b":1}}}', "trailing_data"),
    Case(b'{"a":1}{"a":', "trailing_data"),
    Case(b'{"a":1}{"a":}', "trailing_data"),
    # Several values, of which the first is not an object
    *(Case(text, "not_json") for text in (b"1 2", b"1{}", b"[]{}", b"[{}]{}", b"null{}", b'""{}')),
    *(Case(text, "not_json") for text in (b"[][]", b"true false", b'"a""b"', b"1}", b"[1]}")),
    *(Case(text, "not_json") for text in (b'1],"x":[2', b'[1]],"x":[[2', b'1],"x":[{}')),
    Case(b'"],"', "not_an_object"),
    # Data before the object
    *(
        Case(junk + _GOOD, "not_json")
        for junk in (b"x", b",", b"}", b")]}',\n", b"data: ", b"/**/")
    ),
    # Text that looks like an end, a start or a mark of our own
    Case(b'{"a":"}"}', SOUND),
    Case(b'{"a":"}","b":"{"}', SOUND),
    Case(b'{"a":"\\"}"}', SOUND),
    Case(b'{"a":"\\\\"}', SOUND),
    Case(b'{"a":"\\\\\\"}"}', SOUND),
    Case(b'{"a":"}', "not_json"),
    Case(b'{"a":"\\\\}', "not_json"),
    Case(b'{"a":"\\\\\\"}', "not_json"),
    Case(b'{"_corrupt":"x"}', SOUND),
    Case(b'{"_corrupt":{"a":1},"a":1}', SOUND),
    Case(b'{"k":1,"nonce":1}', SOUND),
    # The keys that the pipeline reads
    Case(b'{"event\\u005fuuid":"e1"}', SOUND),
    Case(b'{"event_uuid":"a","event_uuid":"b"}', SOUND),
    Case(b'{"event_uuid":{"a":1,"a":2}}', SOUND),
    Case(b'{"event_uuid":[[[{"event_uuid":1}]]]}', SOUND),
    Case(b'[{"event_uuid":"e1"}]', "not_an_object"),
    Case(b"[" + _GOOD + b"]", "not_an_object"),
    Case(b"[" + _GOOD + b"," + _GOOD + b"]", "not_an_object"),
    Case(b'"{\\"event_uuid\\":\\"e1\\"}"', "not_an_object"),
    # Size: a mebibyte of text, of members, of white space
    Case(b'{"a":"' + b"x" * 2**20 + b'"}', SOUND),
    Case(b'{"a":[' + b"1," * 2**19 + b"1]}", SOUND),
    Case(b'{"a":1' + b" " * 2**20 + b"}", SOUND),
    Case(b'{"a":1}' + b" " * 2**20, SOUND),
    Case(b'{"event_uuid":"' + b"x" * 2**20 + b'"}', SOUND),
    Case(b'{"a":"' + b"x" * 2**20, "not_json"),
    Case(b"x" * 2**20, "not_json"),
    Case(b"{" + b",".join(b'"k%d":%d' % (n, n) for n in range(20_000)) + b"}", SOUND),
    # A byte order mark before an object, which RFC 8259 lets a parser ignore
    Case(b"\xef\xbb\xbf" + _GOOD, SOUND),
    Case(b'\xef\xbb\xbf{"a":1}', SOUND),
    Case(b'\xef\xbb\xbf{"a":1} \n', SOUND),
    Case(b'\xef\xbb\xbf {"event_uuid":"e1"}', SOUND),
    Case(b"\xef\xbb\xbf{}", SOUND),
    Case(b"\xef\xbb\xbf[]", "not_an_object"),
    Case(b"\xef\xbb\xbf{}{}", "trailing_data"),
    Case(b'\xef\xbb\xbf\xef\xbb\xbf{"a":1}', "not_json"),
    Case(b' \xef\xbb\xbf{"a":1}', "not_json"),
    Case(_GOOD + b"\xef\xbb\xbf", "trailing_data"),
    # Numbers: the limit of the parser is 10,000 characters
    Case(b'{"a":' + b"1" * 1_500 + b"}", SOUND),
    Case(b'{"a":-0.' + b"1" * 9_000 + b"e-99999}", SOUND),
    Case(b'{"a":' + b"1" * 10_001 + b"}", "unsupported_json"),
    Case(b'{"created_at":' + b"1" * 10_001 + b"}", "unsupported_json"),
    Case(b'{"a":' + b"1" * 1_000_000 + b"} \n", "unsupported_json"),
    # Depth: the limit of the parser is 1,000 levels
    Case(b'{"a":' + b"[" * 900 + b"]" * 900 + b"}", SOUND),
    Case(b'{"a":' * 900 + b"1" + b"}" * 900, SOUND),
    Case(b'{"a":' + b"[" * 1_500 + b"]" * 1_500 + b"}", "unsupported_json"),
    Case(b'{"a":' + b"[" * 1_500 + b"]" * 1_499 + b"}", "not_json"),
    Case(b'{"a":' + b"[" * 1_500 + b"]" * 1_500 + b"}{}", "trailing_data"),
    Case(b"[" * 100_000, "not_json"),
    Case(b"[" * 100_000 + b"]" * 100_000, "not_json"),
    Case(b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "unsupported_json"),
    Case(b'{"event_uuid":' + b"[" * 1_500 + b"]" * 1_500 + b"}", "unsupported_json"),
    # Keys: the limit of the parser is 50,000 characters
    Case(b'{"' + b"k" * 50_000 + b'":1}', SOUND),
    Case(b'{"' + b"k" * 50_001 + b'":1}', "not_json"),
]


def _cases() -> list[Case]:
    cases = list(_RECORDS)
    for value in VALUES:
        is_object = value.startswith(b"{")
        cases += [
            Case(value, SOUND if is_object else "not_an_object"),
            Case(b" \n" + value + b"\r\n", SOUND if is_object else "not_an_object"),
            Case(b"[" + value + b"]", "not_an_object"),
            Case(b'{"a":' + value + b"}", SOUND),
            Case(b'{"event_uuid":' + value + b"}", SOUND),
            Case(b'{"a":[0,{"b":' + value + b"}]}", SOUND),
            Case(b'{"a":' + value + b',"event_name":"x"}\n', SOUND),
        ]
    for broken in BROKEN:
        # `{"a":1}` with trailing data is one of the whole records.
        cases += [
            Case(broken, "not_json"),
            Case(b"[" + broken + b"]", "not_json"),
            Case(b'{"event_name":"x","a":' + broken + b"}", "not_json"),
            Case(b'{"event_name":"x","event_uuid":' + broken + b"}", "not_json"),
            Case(b'{"a":[' + broken + b"]}", "not_json"),
        ]
    for junk in NOT_UTF8:
        cases += [
            Case(junk, "not_utf8"),
            Case(b'{"event_uuid":"' + junk + b'"}', "not_utf8"),
            Case(b'{"' + junk + b'":1}', "not_utf8"),
            Case(_GOOD + junk, "not_utf8"),
        ]
    return cases


CORPUS = _cases()
