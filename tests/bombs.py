"""Texts that want more than a run may have: of each kind of thing that a few words can multiply, one."""

from __future__ import annotations

DATA = "INPUT(3x8x8) -> "


def chain(first: str, line: str, count: int, last: str) -> str:
    """`line` once per number from 1, where {i} is the number and {j} the one before."""
    return "\n".join([first, *(line.replace("{i}", str(i)).replace("{j}", str(i - 1)) for i in range(1, count)), last])


# Stopped at once, or almost.
QUICK = {
    "a great count": DATA + "[RELU]*9007199254740991",
    "a deep chain of blocks": chain("block A0 = RELU", "block A{i} = A{j}", 500, DATA + "A499"),
    "blocks and brackets": chain("block A0 = RELU", f"block A{{i}} = {'[' * 60}A{{j}}{']' * 60}", 60, DATA + "A59"),
    "lists doubled": chain("let a0 = [0, 0]", "let a{i} = [a{j}, a{j}]", 60, DATA + "FC(a59)"),
    "lists compared": chain(
        "let a0 = [0, 0]\nlet b0 = [0, 0]",
        "let a{i} = [a{j}, a{j}]\nlet b{i} = [b{j}, b{j}]",
        60,
        DATA + "RELU?(a59 == b59)",
    ),
    "a list for every step": DATA + "[RELU?(sum(0..4000) < 0)]*400000",
    "powers": "let a = 9^9^9^9\n" + DATA + "FC(a)",
    "powers, one by one": chain("let a0 = 9", "let a{i} = a{j} * a{j}", 60, DATA + "FC(a59)"),
    "rounding": "let a = round(5, -1000000000)\n" + DATA + "FC(a)",
    "many digits": DATA + f"FC({'9' * 200_000})",
    "many digits in sizes": DATA + f"CONV(4, {'9' * 100_000}x{'9' * 100_000})",
    "a great float": DATA + f"FC({'9' * 100_000}e9999)",
    "a long sum": f"let a = {'+'.join(['1'] * 20_000)}\n" + DATA + "FC(a)",
    "minuses": f"let a = {'-' * 20_000}1\n" + DATA + "FC(a)",
    "nots": f"let a = {'not ' * 20_000}on\n" + DATA + "RELU?(a)",
    "powers of powers": f"let a = {'^'.join(['1'] * 20_000)}\n" + DATA + "FC(a)",
    "else, else, else": f"let a = {'1 if off else ' * 8_000}2\n" + DATA + "FC(a)",
    "entries of entries": f"let a = [0]\nlet b = a{'[0]' * 10_000}\n" + DATA + "FC(b)",
    "a repeat of a repeat": DATA + "RELU" + "*1" * 20_000,
    "names in a count": DATA + f"[RELU]*({'+'.join(['N'] * 15_000)})",
    "deep brackets": DATA + "[" * 20_000 + "RELU" + "]" * 20_000,
    "brackets that never close": "(" * 40_000,
    "brackets that close": ")" * 40_000,
    "deep bodies": "net A " + "{" * 20_000,
    "a megabyte of words": "A " * 500_000,
    "a megabyte of one word": "A" * 1_000_000,
    "a megabyte of a comment": "#" * 1_000_000,
    "a megabyte of lines": "\n" * 1_000_000,
    "a megabyte of zeros": "\x00" * 1_000_000,
    "one word as long as may be": "A" * 262_000,
    "as many lines as may be": "\n" * 262_000 + "RELU",
    "a comment as long as may be": "#" * 262_000,
    "comments, lines, and no arrow": "INPUT(3x8x8)" + " #\n" * 80_000 + "RELU",
    "a bracket and many lines": DATA + "[" + "\n" * 200_000 + "RELU]",
    "an open bracket and many lines": DATA + "[" + " # a\n" * 40_000,
    "a text that never ends": '"' + "a" * 200_000,
    "mistakes everywhere": "INPUT(3x8x8) RELU\n" * 5_000,
    "arrows": "INPUT(3x8x8)" + " -> " * 40_000,
    "unknown layers": "INPUT(3x8x8)" + " -> COVN(4)" * 8_000,
    "long names": f"block {'A' * 100_000} = RELU\n" + DATA + "A" * 99_999 + "B",
    "many lets": chain("let value0 = 1", "let value{i} = 1", 12_000, DATA + "FC(vlaue1)"),
    "long labels": DATA + f"[RELU]*90000 as {'a' * 100_000}",
    "labels in three dimensions": "input a: 3x8x8\nfor i in 0..2000 { INPUT -> RELU as x[i, i, i] }\nadd[@x[*, *, *]]",
    "an index of very many": "input a: 3x8x8\nlet z = [0*i for i in 0..4000]\nINPUT -> RELU as x[0, 0, 0]\n"
    "add[@x[z, z, z]]",
    "a graph that never connects": DATA + "randwire(er, nodes=512, p=0.0001, seed=1)[RELU]",
    "channels without end": DATA + "[concat[ID | ID]]*60",
    "nets of nets": chain("net A0 {\ninput 3x8x8\nINPUT -> RELU\n}", "net A{i} = A{j}", 4_000, ""),
    "holes": "INPUT" + " -> CONV" * 10_000,
    "a very wide input": f"INPUT({'x'.join(['9000000000000000'] * 3)}) -> RELU",
    "very many axes": f"INPUT({'x'.join(['2'] * 4_000)}) -> RELU",
    "a very wide pool": "INPUT(3x9000000000x9000000000) -> MAXPOOL(8000000000x8000000000)",
    "phases without end": "INPUT(1x64) -> [UPCONV(1, 7, stride=5) -> CONV(1, 3, stride=3)]*60",
}

# Let run for as long as anything is: these take about the time that the limit of steps or nodes gives them.
LONG = {
    "repeats in repeats": DATA + "[" * 60 + "RELU" + "]*9" * 60,
    "repeats that make nothing": DATA + "[" * 60 + "RELU?(off)" + "]*9" * 60,
    "options that are off": DATA + "[[RELU?(off)]*900]*900",
    "blocks of blocks": chain("block A0 = RELU?(off)", "block A{i} = A{j} -> A{j}", 60, DATA + "A59"),
    "lists of lists": "let a = [[[0 for i in 0..4000] for j in 0..4000] for k in 0..4000]\n" + DATA + "FC(2)",
    "a list in a list, deep": chain("let a0 = [0]", "let a{i} = [a{j}]", 4_000, DATA + "FC(a3999)"),
    "a long sum for every step": DATA + f"[RELU?({'+'.join(['1'] * 150)} < 0)]*400000",
    "lines of comments again and again": "INPUT(3x8x8)\n" + "#\nRELU" * 20_000,
    "minuses and a mistake": "let a = " + "-" * 40_000,
    "nots and a mistake": "let a = " + "not " * 40_000,
    "many names": chain(
        "block B0 = RELU", "block Block{i} = RELU", 9_000, "input a: 3x8x8\n" + "INPUT -> Blokc\n" * 10
    ),
    "a join of very many": DATA + "[RELU as e]*40000 -> [add[ID | @e[*]]]*40000",
    "a tap of very many": DATA + "[RELU as e]*40000 -> [add[ID | @e[0]]]*30000",
    "blocks with computed widths": "block A(w, s) = CONV(w, 3x3, stride=s) -> BN\n"
    "block B(w, s=1) = res[A(w, s) -> A(2*w // 2, s)]\n" + DATA + "[[B(w) -> RELU]*9000]*(w in [3, 3, 3])",
    "highways": DATA + "FLATTEN -> [highway(gate_bias=-1)[FC(192) -> RELU | FC(192)]]*100000",
    "a table of labels": "input a: 3x8x8\nfor i in 0..4000 { for j in 0..20 { INPUT -> RELU as x[i, j] } }\n"
    "for i in 0..4000 { add[@x[i, *] | @x[*, 0]] }",
    "statements in statements": "input a: 3x8x8\nfor i in 0..4000 { for j in 0..4000 { let a = 1 } }\nINPUT -> RELU",
    "branches of nothing": DATA + "[add[ID | RELU for i in 0..4000 if off]]*400",
    "dead text in a block": f"block B = [{' -> '.join(['RELU'] * 10_000)}]*0 -> RELU?(off)\n" + DATA + "[B]*200000",
    "dead text in an option": DATA + f"[[{' -> '.join(['RELU'] * 10_000)}]?(off)]*200000",
    "formals": f"block B({', '.join(f'a{i}=1' for i in range(8_000))}) = RELU?(off)\n" + DATA + "[B]*200000",
    "a ring that is full": DATA + "randwire(ws, nodes=512, k=510, p=1, seed=1)[RELU]",
    "graphs of graphs": DATA + "randwire(ba, nodes=512, m=200, seed=1)[" * 8 + "RELU" + "]" * 8,
    "dense": DATA + "dense[CONV(4)]*50000",
    "shared": chain("input a: 3x8x8\nshared t0 = RELU?(off)", "shared t{i} = t{j} -> t{j}", 60, "INPUT -> t59"),
    "asserts": DATA + "[RELU]*50000 as e\n" + "assert params < 0\n" * 2_000,
    "asserts about a step": DATA + "RELU as e -> [RELU]*50000\n" + "assert @e.params < 0\n" * 2_000,
}
