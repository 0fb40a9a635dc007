"""Hostile and honest JSON, with the outcome that RFC 8259 (and our limits) give to each record.

Written by hand, in the categories of the public parser test suites: structure, numbers, text,
Unicode, white space, several values, limits. Each value stands in several
places, so that a weakness shows wherever it hides. Nothing here is computed by the code under test.
"""

import re
from typing import NamedTuple

import pyspark

SOUND = None
_HALF_PAIR = re.compile(rb"(?i)\\ud[89ab]..(?!\\ud[c-f])|(?<!\\ud[89ab]..)\\ud[c-f]")
# Half of a surrogate pair is sound JSON. Spark 4.0 puts `?` for it; from 4.2 on, it refuses to keep
# a member that has one.
KEEPS_HALF_PAIRS = pyspark.__version__ < "4.2"


class Case(NamedTuple):
    """The bytes of one record and the fault that `parsed` must find in it (None: sound)."""

    data: bytes | None
    fault: str | None

    @property
    def has_half_pair(self) -> bool:
        """Whether half of a surrogate pair stands in it, escaped."""
        return _HALF_PAIR.search(self.data or b"") is not None


# JSON values. Each is sound wherever a value may stand.
_VALUES = (
    *rb"""
0
-0
1
-1
10
1234567890123456789
12345678901234567890123456789012345678901234567890
-12345678901234567890123456789012345678901234567890
0.1
-0.1
0.000000000000000000000000000000000000000001
1.10
1e1
1E1
1e+1
1E-1
1.5e300
1e400
-1e400
1e-400
0e0
0e+1
0.0e-0
20e1
123.456e78
true
false
null
""
" "
"a"
"\""
"\\"
"\\\\"
"\\\""
"\/"
"\b\f\n\r\t"
"\u0000"
"\u0041"
"\u00e9"
"\uD83D\uDE00"
"\ud83d\ude00"
"\ud800"
"\udc00"
"\ud800\ud800"
"\ud800abc"
"\udc00\ud800"
"\uFFFF"
"\uFFFE"
"\u2028\u2029"
"\u0022"
"\u005C"
"\u005c\u0022"
"{"
"}"
"}}}"
"{\"a\":1}"
"[1,2"
"//"
"/* no comment */"
"# no comment"
"'"
"NaN"
",\"a\":1}"
"\\u0041"
"\u002c\u007d"
[]
[[]]
[1]
[1,2]
[null]
[null,null]
[""]
[{}]
[[[[[]]]]]
[1,"a",true,null,{},[]]
{}
{"":0}
{"a":{}}
{"a":[]}
{"a":{"a":{"a":1}}}
{"event_uuid":"inner","event_name":"inner","created_at":0}
{"a":1,"a":2}
{"a":1,"a":1}
{"a":1,"A":2}
{"\u0061":1,"a":2}
{"}":1}
{"{":"}"}
{"\"}":1}
{"a}\"":"}"}
{",":","}
{"a b":1}
{"\u0000":1}
{"$.a":1}
{"a.b":1}
{"a[0]":1}
{"`":1}
[ ]
{ }
[ 1 , 2 ]
{ "a" : 1 , "b" : [ ] }
""".strip().split(b"\n"),
    *[
        # UTF-8 as it is: two to four bytes, non-characters, DEL, line separators, BOM inside
        '"é"'.encode(),
        '"€"'.encode(),
        '"😀"'.encode(),
        '"\U0010ffff"'.encode(),
        '"\uffff"'.encode(),
        '"\u2028\u2029"'.encode(),
        '"\ufeff"'.encode(),
        b'"\x7f"',
        '"\u0085\u00a0"'.encode(),
        '{"ключ":"значение"}'.encode(),
        b"[\n1\r\n,\t2 ]",
        b'{\n"a"\t:\r1 }',
    ],
)

# Not JSON, wherever they stand.
_BROKEN = [
    *rb"""
+1
.1
-.1
1.
-1.
1.e1
01
-01
00
007
-
--1
+-1
- 1
1e
1e+
1E-
1eE2
1e1.5
1.2.3
1_000
0x1F
0b1
0o7
1n
1f
1d
1L
Infinity
-Infinity
+Infinity
Inf
-Inf
INF
NaN
-NaN
nan
True
False
None
TRUE
nul
nulll
tru
truee
fals
undefined
a
abc
'a'
'
"
"a
"\
"\"
"\x41"
"\a"
"\e"
"\'"
"\0"
"\U0041"
"\u"
"\u0"
"\u00"
"\u004"
"\u00G0"
"\u 041"
"\u{41}"
"\ud83d\u"
"\ud83d\ude0"
`a`
"a" "b"
"a"b
"a"'b'
[
]
[1
[1,
[1,]
[,1]
[,]
[1,,2]
[1 2]
[1;2]
[1:2]
["a":1]
["a"
["a
["a"]]
[[1]
[}
[1}
[1,2}
(1)
<1>
{
}
{"a"
{"a":
{"a":1
{"a":1,
{"a":1,}
{"a":1,,}
{,"a":1}
{,}
{"a" 1}
{"a"}
{"a",1}
{"a":}
{"a"::1}
{:1}
{"a":1 "b":2}
{"a":1;"b":2}
{"a":1,"b"}
{"a":1,"b":}
{a:1}
{'a':1}
{"a':1}
{1:1}
{null:1}
{true:1}
{[]:1}
{{}:1}
{{}}
{[1]}
{"a":'b'}
{"a":"b
{"a":"b}
{"a":"b\}
{"a":"b\\}
{"a":"b\"}
{"a
{"a}
{"a":1]
{"a":[1}
{"a":[1]
{"a":{"b":1}
{"a":{"b":[}
{"a":1,"b":"}
{"a":1,"
{"a":=1}
{"a"=1}
{"a"=>1}
// comment
/* comment */
# comment
[1,// comment
[1/* comment */]
{"a":/* comment */1}
{"a":1/* comment */}
{"a":1// comment}
{"a":1# comment}
,
:
,1
1,
*
$
&
\u0031
\"a\"
<html>
a=1&b=2
key: value
- item
event_uuid,event_name,created_at
""".strip().split(b"\n"),
    b'"a\nb"',
    b'"a\tb"',
    b'"a\rb"',
    b'"\x00"',
    b'"\x01"',
    b'"\x1f"',
    b'{"a\n":1}',
    b'{"\x00":1}',
    b"\x00",
    b"\x0b1",
    b"1\x0c",
    b"[1\x0b]",
    b"[\x001]",
    "[1\xa0]".encode(),
    "\xa01".encode(),
    "\u20281".encode(),
    "\u200b1".encode(),
    "[\u2060]".encode(),
    "\ufeff1".encode(),
    "“a”".encode(),
    "١".encode(),
    "１".encode(),
    "−1".encode(),
]

# Bytes that are no UTF-8. Inside of text or out of it makes no difference.
_NOT_UTF8 = [
    b"\xff",
    b"\xfe\xff",
    b"\x80",
    b"\xbf",
    b"\xc0\x80",  # NUL, overlong
    b"\xc1\xbf",
    b"\xe0\x80\xaf",  # slash, overlong
    b"\xf0\x80\x80\x80",
    b"\xc3",  # cut
    b"\xe2\x82",
    b"\xf0\x9f\x98",
    b"\xed\xa0\x80",  # a surrogate
    b"\xed\xbf\xbf",
    b"\xed\xa0\xbd\xed\xb8\x80",  # CESU-8
    b"\xf4\x90\x80\x80",  # above U+10FFFF
    b"\xf5\x80\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xe9",  # é in Latin-1
    b"\x93a\x94",  # quotes in Windows-1252
]

_GOOD = b'{"event_uuid":"e1","event_name":"a:b","created_at":1763800000}'

# Whole records, where the place matters.
_RECORDS = [
    Case(None, "not_json"),
    Case(b"", "not_json"),
    *(Case(blank, "not_json") for blank in (b" ", b"\n", b"\r\n", b"\t", b" \r\n\t ")),
    # White space around the object belongs to JSON.
    *(Case(_GOOD + blank, SOUND) for blank in (b" ", b"\n", b"\r\n", b"\t", b" \n\n\r\t ")),
    *(Case(blank + _GOOD, SOUND) for blank in (b" ", b"\n", b"\r\n", b"\t", b" \n\n\r\t ")),
    *(Case(b"{" + blank + b"}", SOUND) for blank in (b"", b" ", b"\n", b"\r\n\t ")),
    *(Case(blank + b"{}" + blank, SOUND) for blank in (b" ", b"\n", b"\r\n\t ")),
    # Other white space does not.
    *(Case(_GOOD + blank, "trailing_data") for blank in (b"\x0b", b"\x0c", b"\x00", b"\xc2\xa0")),
    *(Case(blank + _GOOD, "not_json") for blank in (b"\x0b", b"\x0c", b"\x00", b"\xc2\xa0")),
    # A byte order mark is not JSON (RFC 8259, 8.1), other encodings neither.
    Case(b"\xef\xbb\xbf" + _GOOD, "not_json"),
    Case(b"\xef\xbb\xbf", "not_json"),
    Case(_GOOD.decode().encode("utf-16-le"), "not_json"),
    Case(_GOOD.decode().encode("utf-16-be"), "not_json"),
    Case(_GOOD.decode().encode("utf-16"), "not_utf8"),
    Case(_GOOD.decode().encode("utf-32-be"), "not_json"),
    Case('{"event_uuid":"é"}'.encode("latin-1"), "not_utf8"),
    # Something behind a sound object
    *(
        Case(_GOOD + behind, "trailing_data")
        for behind in (
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
            "\ufeff".encode(),
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
    # Several values of which the first is no object
    *(Case(text, "not_json") for text in (b"1 2", b"1{}", b"[]{}", b"[{}]{}", b"null{}", b'""{}')),
    *(Case(text, "not_json") for text in (b"[][]", b"true false", b'"a""b"', b"1}", b"[1]}")),
    *(Case(text, "not_json") for text in (b'1],"x":[2', b'[1]],"x":[[2', b'1],"x":[{}')),
    Case(b'"],"', "not_an_object"),
    # Something before the object
    *(
        Case(junk + _GOOD, "not_json")
        for junk in (b"x", b",", b"}", b")]}',\n", b"data: ", b"/**/")
    ),
    # Text that looks like an end, a start or a mark of ours
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
    # The keys that we read
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
    # Depth: 1,000 levels are the parser's limit, of which we use none for the common case.
    Case(b'{"a":' + b"[" * 900 + b"]" * 900 + b"}", SOUND),
    Case(b'{"a":' * 900 + b"1" + b"}" * 900, SOUND),
    Case(b'{"a":' + b"[" * 1_500 + b"]" * 1_500 + b"}", "not_json"),
    Case(b"[" * 100_000, "not_json"),
    Case(b"[" * 100_000 + b"]" * 100_000, "not_json"),
    Case(b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "not_json"),
    Case(b'{"event_uuid":' + b"[" * 1_500 + b"]" * 1_500 + b"}", "not_json"),
]


def _cases() -> list[Case]:
    cases = list(_RECORDS)
    for value in _VALUES:
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
    for broken in _BROKEN:
        # `{"a":1}` with more behind it stands among the records.
        cases += [
            Case(broken, "not_json"),
            Case(b"[" + broken + b"]", "not_json"),
            Case(b'{"event_name":"x","a":' + broken + b"}", "not_json"),
            Case(b'{"event_name":"x","event_uuid":' + broken + b"}", "not_json"),
            Case(b'{"a":[' + broken + b"]}", "not_json"),
        ]
    for junk in _NOT_UTF8:
        cases += [
            Case(junk, "not_utf8"),
            Case(b'{"event_uuid":"' + junk + b'"}', "not_utf8"),
            Case(b'{"' + junk + b'":1}', "not_utf8"),
            Case(_GOOD + junk, "not_utf8"),
        ]
    return cases


CORPUS = _cases()
