"""Texts that are not JSON at any place, and bytes that are not UTF-8.

Written by hand. The code under test computes nothing here.
"""

BROKEN = (
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
    " \ufeff1".encode(),
    "“a”".encode(),
    "١".encode(),
    "１".encode(),
    "−1".encode(),
)

# Bytes that are not UTF-8, inside text or outside.
NOT_UTF8 = (
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
)
