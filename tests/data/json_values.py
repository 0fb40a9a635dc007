"""Values of valid JSON. Each is valid at any place where JSON allows a value.

Written by hand. The code under test computes nothing here.
"""

VALUES = (
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
