"""The reward of a midtrain GRPO config, for verl: compute_score(data_source, solution_str, ground_truth, extra_info).

The last \\boxed{...} of the solution is held against the reference answer. Boxes, spelling and equality follow src/grader of midtrain as far as
one small file can: exact rationals, constants and formulas by their values, lists, tuples, intervals and sets part by part. It prefers to miss
an equality over claiming a false one. Needs nothing but Python 3.9; with math_verify installed and USE_MATH_VERIFY set, that is asked where this
file says no. Never raises, and bounds its work.
"""
import cmath
import math
import re
from fractions import Fraction

# settings: written by the exporter
RIGHT, WRONG = 1.0, -1.0
STOP_STRINGS = ()
USE_MATH_VERIFY = False
# end of settings

LONGEST = 2000  # characters of an answer; longer ones are compared as text


def compute_score(data_source, solution_str, ground_truth, extra_info=None):
    """A dict, as verl's reward managers take it: score for the update, acc and pred for its metrics."""
    text = solution_str
    for stop in STOP_STRINGS:
        at = text.find(stop)
        if at >= 0:
            text = text[:at]
    answer = boxed_group(text)
    choices = (extra_info or {}).get("choices")
    right = answer is not None and is_right(str(ground_truth), answer, choices)
    return {"score": RIGHT if right else WRONG, "acc": 1.0 if right else 0.0, "pred": "" if answer is None else answer[:200]}


def is_right(gold, answer, choices=None):
    inner = boxed_group(gold) if "box" in gold else None
    gold = gold.strip() if inner is None else inner
    try:
        if choices is not None and len(choices) > 0:
            return right_choice(gold, answer, list(choices))
        if same_answer(gold, answer):
            return True
        listed = re.match(r"\s*\(?[A-J][).:]\s+(\S.*)$", answer)
        if listed and same_answer(gold, listed.group(1)):
            return True
        if re.fullmatch(r"-?\d+,(?:\d{1,2}|\d{4,9})", answer) and re.fullmatch(r"-?\d+\.\d+", gold):
            return same_answer(gold, answer.replace(",", "."))
    except (Unreadable, ValueError, OverflowError, ZeroDivisionError, RecursionError):
        return gold == answer.strip()
    return USE_MATH_VERIFY and math_verify_says(gold, answer)


def right_choice(gold, answer, choices):
    """The letter of the right choice, or its text where no other choice is the same."""
    said = normalise(answer)[0]
    letter = choice_letter(said) or re.sub(r"^\(?([A-Z])[).:]\s.*$", r"\1", said)
    if letter == gold:
        return True
    place = ord(gold) - 65 if len(gold) == 1 else -1
    same = [i for i, choice in enumerate(choices) if same_answer(choice, answer)]
    return same == [place]


def math_verify_says(gold, answer):
    try:
        from math_verify import parse, verify
        return bool(verify(parse("\\boxed{" + gold + "}"), parse("\\boxed{" + answer + "}")))
    except Exception:
        return False


# --- boxes ---------------------------------------------------------------------------------------------------------------------------


def find_boxes(text):
    """(start, end, content) of the last outermost boxes; None for one that never closes."""
    offset = max(0, len(text) - 400_000)
    found, end = [], -1
    for match in list(re.finditer(r"\\(?:boxed|fbox)(?![A-Za-z])", text[offset:]))[-64:]:
        start, at = match.start() + offset, match.end() + offset
        while at < len(text) and text[at] in " \n":
            at += 1
        box = None
        if at < len(text) and text[at] == "{":
            close = matching_brace(text, at)
            if close >= 0:
                box = (start, close + 1, text[at + 1:close].strip())
        else:
            token = re.match(r"(?:\\[A-Za-z]+|[^\s$.,;\\]+(?:\.\d+)?)", text[at:at + 200])
            if token:
                box = (start, at + token.end(), token.group(0).strip())
        if box is not None and box[1] <= end:
            continue
        found.append(box)
        if box is not None:
            end = box[1]
    return found


def matching_brace(text, at):
    depth, limit = 0, min(len(text), at + 20_000)
    while at < limit:
        if text[at] == "\\":
            at += 1
        elif text[at] == "{":
            depth += 1
        elif text[at] == "}":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    return -1


def boxed_group(text):
    """The last boxes that belong together (`\\boxed{1} and \\boxed{-2}`), joined by commas; None without a box."""
    boxes = find_boxes(text)
    if not boxes or boxes[-1] is None:
        return None
    group = [boxes[-1][2]]
    for box, after in zip(boxes[-2::-1], boxes[:0:-1]):
        if box is None or not joins(text[box[1]:after[0]]):
            break
        group.insert(0, box[2])
    different = list(dict.fromkeys(group))
    return boxes[-1][2] if len(different) == 1 else ", ".join(different)


def joins(gap):
    if len(gap) > 80:
        return False
    plain = re.sub(r"\\(?:text|mbox|quad|qquad|,|;|\(|\)|\[|\]|left|right)|[$(){}\[\]~*\\]", " ", gap)
    plain = re.sub(r"\s+", " ", plain).strip()
    words = re.findall(r"[^\W\d_]+", plain)
    if not words:
        return re.search(r"[,;&+]", plain) is not None and re.fullmatch(r"[\s,;&+.]*", plain) is not None
    joiners = [word for word in words if word.lower() in ("and", "or")]
    return len(words) <= 3 and len(joiners) == 1 and not re.search(r"[\d=.:]", plain)


# --- one spelling ----------------------------------------------------------------------------------------------------------------------

SYMBOLS = [(re.compile(pattern), new) for pattern, new in (
    (r"\\[dtc]frac(?![A-Za-z])|\\over(?![A-Za-z])", r"\\frac"), (r"\\[dt]binom(?![A-Za-z])", r"\\binom"),
    (r"\\leqslant|\\leqq|\\leq?(?![A-Za-z])|≤|=<|<=|⩽", r"\\le "), (r"\\geqslant|\\geqq|\\geq?(?![A-Za-z])|≥|>=|⩾", r"\\ge "),
    (r"\\lt(?![A-Za-z])", "<"), (r"\\gt(?![A-Za-z])", ">"), (r"\\neq?(?![A-Za-z])|≠|!=", r"\\ne "),
    (r"\\lbrace(?![A-Za-z])", r"\\{"), (r"\\rbrace(?![A-Za-z])", r"\\}"), (r"\\lbrack(?![A-Za-z])", "["), (r"\\rbrack(?![A-Za-z])", "]"),
    (r"\\[lr]?vert(?![A-Za-z])", "|"), (r"[−–—‐‑‒﹣－]", "-"), (r"×|✕", r"\\times "), (r"[·⋅∙•]|\\(?:bullet|centerdot)(?![A-Za-z])", r"\\cdot "),
    (r"÷", r"\\div "), (r"∪", r"\\cup "), (r"∩", r"\\cap "), (r"∈", r"\\in "), (r"±|\+/-", r"\\pm "), (r"∞", r"\\infty "), (r"\+\s*\\infty", r"\\infty"), (r"π", r"\\pi "), (r"√", r"\\sqrt"),
    (r"∅|\\varnothing(?![A-Za-z])|\\\{\s*\\\}", r"\\emptyset "), (r"[⁄∕]", "/"), (r"\*\*", "^"), (r"\\langle", "("), (r"\\rangle", ")"), (r"\\approx(?![A-Za-z])|≈", "="), (r"\\varepsilon", r"\\epsilon"),
    (r"½", r"\\frac{1}{2}"), (r"⅓", r"\\frac{1}{3}"), (r"⅔", r"\\frac{2}{3}"), (r"¼", r"\\frac{1}{4}"), (r"¾", r"\\frac{3}{4}"),
    (r"\\operatorname\*?\s*\{([a-zA-Z]{1,8})\}", r"\\\1 "),
)]
DEGREE = re.compile(r"\^\s*\{?\s*(?:\\circ|∘|°)\s*\}?|[°˚º]|\\degrees?(?![A-Za-z])|\bdegrees?\b")
TEXT = re.compile(r"\\(?:text(?:bf|it|rm|sf|tt|normal|up)?|mbox|hbox|mathrm|mathbf|mathit|operatorname|rm)\s*\{([^{}]*)\}")
UNITS = set("""m cm mm km meter metre centimeter centimetre millimeter kilometer kilometre in inch ft foot feet yd yard mi mile g kg mg gram kilogram pound lb
ounce oz ton l ml liter litre gallon quart pint cup s sec second min minute h hr hour day week month year mph km/h unit dollar cent euro usd degree percent
people person student child children man men woman women boy girl way time item piece apple orange ball marble book page coin card point game step number
car dog cat box boxes cookie candy candies flower tree ticket bottle pencil pen bird chair table square triangle side edge face vertex vertices digit word
letter acre bag hectare bushel dozen pair set n j w v pa hz joule newton watt volt ampere ohm""".split())


def is_unit(words):
    words = re.sub(r"\^\s*\{?\s*-?\d\s*\}?|[²³]", "", words)
    parts = [w for w in re.split(r"\s*/\s*|\bper\b|\s+", words) if w and w.lower() not in ("a", "an", "the", "of", "square", "cubic", "sq", "cu", "each", "old", "total")]
    return 0 < len(parts) <= 3 and all(w.lower() in UNITS or re.sub(r"s$", "", w.lower()) in UNITS or re.sub(r"es$", "", w.lower()) in UNITS for w in parts)


def normalise(source):
    """(text, unit, percent)."""
    text = unwrap(plain_characters(source).strip())
    if "\\begin" not in text:
        text = re.sub(r"\\\\(?=[A-Za-z])", r"\\", text)
    text = re.sub(r"([_^])\{(\w)\}", r"\1\2", re.sub(r"\s+", " ", text))
    bare = re.sub(r"\\?%|\bper ?cent(?:age)?s?\b", " ", text)
    percent, text = bare != text, bare
    text = re.sub(r"\\(?:left|right)\s*\.", "", text)
    text = re.sub(r"\\(?:left|right|[bB]igg?[lrm]?|middle)(?![A-Za-z])\s*", "", text)
    text = re.sub(r"\s*\{\s*,\s*\}\s*", ",", text)
    text = re.sub(r"(\d)\s*(?:\\!)*\s*,\s*(?:\\!)+\s*(?=\d{3})", r"\1,", text)
    text = re.sub(r"(\d)\\[, ;:](?=\d{3}(?!\d))", r"\1,", text)
    text = re.sub(r"(?<!\\)\\(?:[,;:! ]|q?quad|displaystyle|textstyle)", " ", text).replace("~", " ")
    for pattern, new in SYMBOLS:
        text = pattern.sub(new, text)
    # Degrees inside a function are part of the value, else they are a unit.
    text = DEGREE.sub(r" \\degree " if re.search(r"\\?(?:sin|cos|tan|cot|sec|csc)", text) else " ", text)
    money = re.sub(r"\\?\$|[€£¥₹]", "", text)
    unit, text = ("dollars" if money != text else ""), money
    text, taken = take_unit(text)
    text = re.sub(r"\s+", " ", text).strip()
    while len(text) > 1 and text[-1] in ".,;:。，":
        text = text[:-1].strip()
    return join_thousands(text), taken or unit, percent


def plain_characters(text):
    if text.isascii():
        return text
    text = re.sub("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]", "", text)
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ]+", lambda run: "^{" + "".join("0123456789+-n"["⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ".index(c)] for c in run.group(0)) + "}", text)
    text = re.sub("[₀-₉]+", lambda run: "_{" + "".join(str(ord(c) - 0x2080) for c in run.group(0)) + "}", text)
    text = "".join(str(int(c)) if c.isdecimal() else chr(ord(c) - 0xFEE0) if "\uff01" <= c <= "\uff5e" else c for c in text)
    return re.sub("[\u00a0\u2000-\u200a\u202f\u205f\u3000]", " ", text)


def unwrap(text):
    for _ in range(8):
        before = text
        for left, right in (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"), ("**", "**"), ("`", "`"), ('"', '"'), ("“", "”")):
            if len(text) > len(left) + len(right) and text.startswith(left) and text.endswith(right):
                inner = text[len(left):-len(right)]
                if left not in inner and not inner.endswith("\\"):
                    text = inner.strip()
        whole = re.match(r"(?:\\f?box(?:ed)?|\\(?:text(?:bf|it|rm|normal)?|mathrm|mathbf|mbox|bm|boldsymbol))?\s*\{", text)
        if whole and matching_brace(text, whole.end() - 1) == len(text) - 1:
            text = text[whole.end():-1].strip()
        if re.search(r"[$)\]*}]\s*[.。]$", text):
            text = text[:-1].strip()
        if text == before:
            break
    return text


def take_unit(text):
    unit = []

    def text_command(match):
        word, before = match.group(1).strip(), text[:match.start()].rstrip()
        if re.fullmatch(r",?\s*(and|or|,)\s*,?", word) or not before or not word or before[-1] in "_^{":
            return " " + word + " "
        if re.search(r"[\d})\]a-zA-Z]$", before) and not re.search(r"(?:\band|\bor|,)$", before) and not re.search(r"[=<>]|\d.*\d", word) and not re.fullmatch(r"\(?[A-Z]\)?", word):
            unit.append(word)
            return " "
        return " " + word + " "

    bare = TEXT.sub(text_command, text)
    if unit:
        return re.sub(r"(?<=[\d})\s])\s\^\s*\{?[23]\}?\s*$", " ", bare), " ".join(unit)
    plain = re.match(r"(.*[\d})\]])\s*([A-Za-z¢²³][A-Za-z .^/{}23²³¢-]{0,40})$", bare.strip(), re.S)
    if plain is None:
        return bare, ""
    word = plain.group(2).strip().rstrip(".")
    if not is_unit(word) or (len(word) == 1 and not re.search(r"\s[a-z]\.?$", bare.strip())):
        return bare, ""
    return plain.group(1), word


def join_thousands(text):
    def join(match):
        before, after = text[:match.start()].rstrip()[-1:], text[match.end():].lstrip()[:1]
        pair = before and before in "([{" and after and after in ")]}\\"
        return match.group(0) if pair else match.group(0).replace(",", "")

    text = re.sub(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])", join, text)
    return text.replace(" ", "") if re.fullmatch(r"[+-]?\d{1,3}(?: \d{3})+(?:\.\d+)?", text) else text


# --- equality ----------------------------------------------------------------------------------------------------------------------


def same_answer(gold, answer):
    if len(gold) > LONGEST or len(answer) > LONGEST:
        return gold.strip() == answer.strip()
    (a, unit_a, percent_a), (b, unit_b, percent_b) = normalise(gold), normalise(answer)
    if a == "" or b == "" or not same_unit(unit_a, unit_b):
        return False
    if a.replace(" ", "") == b.replace(" ", ""):
        return True
    if choice_letter(a) and choice_letter(a) == choice_letter(b):
        return True
    a, b = SAYINGS.get(a.lower().rstrip(".!"), a), SAYINGS.get(b.lower().rstrip(".!"), b)
    if is_prose(a) or is_prose(b):
        return words_of(a) == words_of(b) != ""
    if same_form(a, b, 0):
        return True
    if percent_a != percent_b:  # 50 % = 0.5, where one side has the sign
        return same_form(f"\\frac{{{a}}}{{100}}", b, 0) if percent_a else same_form(a, f"\\frac{{{b}}}{{100}}", 0)
    return False


SAYINGS = {"no solution": "\\emptyset", "no solutions": "\\emptyset", "empty set": "\\emptyset", "the empty set": "\\emptyset", "infinity": "\\infty", "does not exist": "dne",
           "doesn't exist": "dne", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10"}


def same_unit(a, b):
    def plain(unit):
        unit = re.sub(r"[\\{}~\s.]", "", unit.lower()).replace("²", "^2").replace("³", "^3")
        unit = re.sub(r"^(?:square|sq)(\w+)$", r"\1^2", unit)
        unit = re.sub(r"^(?:cubic|cu)(\w+)$", r"\1^3", unit)
        return re.sub(r"(?<=[a-z]{2})s(?=$|\^|/)", "", unit)
    return not a or not b or plain(a) == plain(b) or plain(a).startswith("unit") or plain(b).startswith("unit")


def choice_letter(text):
    match = re.fullmatch(r"[(\[]?([A-Z])[)\].:]?", text.strip())
    return match.group(1) if match else None


def is_prose(text):
    plain = re.sub(r"\\(?:begin|end)\s*\{[a-zA-Z]+\}|\\math[a-z]+\{\w+\}|_\{[^{}]*\}|\\[A-Za-z]+", " ", text)
    plain = re.sub(r"(?:sqrt|infty|infinity|arc(?:sin|cos|tan)|(?:sin|cos|tan)h?|cot|sec|csc|log|exp|gcd|lcm|max|min|mod|and)(?![A-Za-z]{2})", " ", plain)
    return bool(re.search(r"[^\W\d_]{4,}", plain)) or (bool(re.search(r"[^\W\d_]{3,}", plain)) and not re.search(r"[\d^_=+\\(]", text))


def words_of(text):
    text = re.sub(r"['’]", "", re.sub(r"\\[a-z]+", " ", text).lower())
    text = re.sub(r"([-+*/=<>^])(?=\s*\d)", lambda sign: f" sign{ord(sign.group(1))} ", text)
    return re.sub(r"\s+", " ", re.sub(r"\b(?:the|an?)\b", " ", re.sub(r"[\W_]+", " ", text))).strip()


def split_top(text, separators):
    """Pieces between separators (a pattern) outside all brackets."""
    pieces, depth, start, at = [], 0, 0, 0
    pattern = re.compile(separators)
    while at < len(text):
        match = pattern.match(text, at) if depth == 0 else None
        if match and match.end() > at:
            pieces.append(text[start:at])
            at = start = match.end()
            continue
        if text[at] == "\\":
            command = re.match(r"\\(?:[A-Za-z]+|.)?", text[at:]).group(0)
            depth += (command in ("\\{", "\\begin", "\\langle")) - (command in ("\\}", "\\end", "\\rangle"))
            at += len(command)
            continue
        depth += (text[at] in "([{") - (text[at] in ")]}")
        at += 1
    return [piece.strip() for piece in pieces + [text[start:]]]


def one_group(text):
    depth = 0
    for at, unit in enumerate(text):
        depth += (unit in "([{") - (unit in ")]}")
        if depth <= 0:
            return at >= len(text) - 1
    return False


def shape(text):
    """('list' | 'set', parts), ('tuple', brackets, parts), ('relation', sign, left, right) or None for one expression."""
    parts = [p for p in split_top(text, r"[,;]|(?<![A-Za-z\\])(?:and|or)(?![A-Za-z])") if p]
    if len(parts) > 1:
        return ("list", parts)
    if "\\cup" in text and len(split_top(text, r"\\cup(?![A-Za-z])")) > 1:
        return ("set", split_top(text, r"\\cup(?![A-Za-z])"))
    sides = split_top(text, "=")
    if len(sides) > 1 and sides[0] and sides[-1]:
        return ("relation", "=", sides[0], sides[-1])
    matrix = re.fullmatch(r"\\begin\{([a-z]*)matrix\}(.*)\\end\{\1matrix\}", text, re.S)
    if matrix and "\\begin" not in matrix.group(2) and matrix.group(1) in ("p", "b", ""):
        rows = [row for row in re.split(r"\\\\", matrix.group(2)) if row.strip()]
        return ("matrix", len(rows), [cell.strip() for row in rows for cell in row.split("&")])
    span = interval(text)
    if span:
        return span
    for sign in (r"\\le(?![A-Za-z])", r"\\ge(?![A-Za-z])", "<", ">"):
        sides = split_top(text, sign)
        if len(sides) == 2 and all(sides):
            return ("relation", sign, *sides)
    plus_minus = re.split(r"\\pm(?![A-Za-z])", text)
    if len(plus_minus) == 2:
        return ("list", ["+".join(plus_minus), "-".join(plus_minus)])
    if text.startswith("\\{") and text.endswith("\\}"):
        return ("set", [p for p in split_top(text[2:-2], r"[,;]") if p])
    if text[:1] in "([" and text[-1:] in ")]" and one_group(text):
        inner = split_top(text[1:-1], r"[,;]")
        if len(inner) > 1:
            return ("tuple", text[0] + text[-1], inner)
    return None


def interval(text):
    """`x < 3`, `-2 < x \\le 7`, `7 \\ge x` as the interval they say, for one letter alone."""
    parts = re.split(r"(\\le(?![A-Za-z])|\\ge(?![A-Za-z])|<|>)", text)
    sides, signs = [part.strip() for part in parts[::2]], parts[1::2]
    if len(signs) not in (1, 2) or not all(sides):
        return None
    if signs[0] in (">", "\\ge"):
        sides, signs = sides[::-1], [{">": "<", "\\ge": "\\le"}.get(sign) for sign in signs[::-1]]
    if any(sign not in ("<", "\\le") for sign in signs):
        return None
    letters = [i for i, side in enumerate(sides) if re.fullmatch(r"[a-zA-Z]", side)]
    if letters != [len(signs) - 1] and not (len(signs) == 1 and letters == [1]):
        return None
    at = letters[0]
    low = (sides[at - 1], signs[at - 1]) if at > 0 else ("-\\infty", "<")
    high = (sides[at + 1], signs[at]) if at + 1 < len(sides) else ("\\infty", "<")
    return ("tuple", ("[" if low[1] == "\\le" else "(") + ("]" if high[1] == "\\le" else ")"), [low[0], high[0]], sides[at])


NAMED = re.compile(r"\\?[A-Za-z]\w{0,3}(?:_\{?\w{1,3}\}?)?(?:\([A-Za-z]\))?|\|?[A-Z]{1,3}\|?|\\angle ?[A-Z]{1,3}|\\frac\{[A-Z]{1,2}\}\{[A-Z]{1,2}\}|\w+ ?: ?\w+|\([a-z](?:, ?[a-z])*\)")


def is_named(text, right):
    """Whether the left side of `.. = 5` only says what 5 is: a name, or a sum whose value it is."""
    if NAMED.fullmatch(text):
        return True
    try:
        return not names_of(Reader(text).whole()) and not names_of(Reader(right).whole())
    except (Unreadable, RecursionError):
        return False


def same_equation(left, right):
    """Two equations are the same where one is a multiple of the other."""
    try:
        first, second = (("subtract", Reader(sides[0]).whole(), Reader(sides[1]).whole()) for sides in (left, right))
        names, ratios = sorted(names_of(first) | names_of(second)), []
        if not names or len(names) > 8:
            return False
        for number in range(6):
            point = point_at(names, number)
            ratios.append(complex(value(first, point)) / complex(value(second, point)))
        return abs(ratios[0]) > 1e-9 and all(abs(ratio - ratios[0]) <= 1e-9 * abs(ratios[0]) for ratio in ratios)
    except (Unreadable, ValueError, OverflowError, ZeroDivisionError, RecursionError):
        return False


def same_form(a, b, depth):
    a, b = (re.sub(r"^[A-Za-z](?:_\{?\w{1,3}\}?)?\s*\\in(?![A-Za-z])\s*", "", side.strip()) for side in (a, b))
    if depth > 6:
        return False
    left, right = shape(a), shape(b)
    if left and left[0] == "relation" and left[1] == "=" and (not right or right[0] != "relation"):
        return is_named(left[2], left[3]) and same_form(left[3], b, depth + 1)
    if right and right[0] == "relation" and right[1] == "=" and (not left or left[0] != "relation"):
        return is_named(right[2], right[3]) and same_form(a, right[3], depth + 1)
    if left is None and right is None:
        return same_value(a, b)
    if left is None or right is None or left[0] != right[0]:
        if left and right and {left[0], right[0]} == {"list", "set"}:
            return same_parts(left[1], right[1], depth, (left[0], right[0]))
        if left and right and {left[0], right[0]} == {"list", "tuple"} and "()" in (left[1], right[1]):
            return in_order(left[-1], right[-1], depth)
        column = left if left and left[0] == "matrix" else right if right and right[0] == "matrix" else None
        other = right if column is left else left
        if column and other and other[0] == "tuple" and other[1] == "()" and column[1] == len(column[2]):
            return in_order(left[2], right[2], depth)
        return False
    if left[0] == "relation" and left[1] == right[1] == "=" and same_equation(left[2:], right[2:]):
        return True
    if left[0] == "relation":
        return left[1] == right[1] and same_form(left[2], right[2], depth + 1) and same_form(left[3], right[3], depth + 1)
    if left[0] in ("tuple", "matrix"):
        if len(left) == len(right) == 4 and left[3] != right[3]:
            return False  # x > 3 and y > 3
        return left[1] == right[1] and in_order(left[2], right[2], depth)
    return same_parts(left[1], right[1], depth, (left[0], right[0]))


def in_order(left, right, depth):
    return len(left) == len(right) and all(same_form(x, y, depth + 1) for x, y in zip(left, right))


def same_parts(left, right, depth, kinds):
    if "set" in kinds:
        left, right = list(dict.fromkeys(left)), list(dict.fromkeys(right))
    if len(left) > 30 or len(left) != len(right):
        return False
    shapes = [[shape(part) for part in side] for side in (left, right)]
    if any(len({one[2] for one in side if one and one[0] == "relation"}) > 1 for side in shapes) and not all(one and one[0] == "relation" for side in shapes for one in side):
        return all(same_form(x, y, depth + 1) for x, y in zip(left, right))  # `x = 1, y = 2` says which is which
    rest = list(right)
    for part in left:
        found = next((i for i, other in enumerate(rest) if same_form(part, other, depth + 1)), None)
        if found is None:
            return False
        rest.pop(found)
    return True


def same_value(a, b):
    if a.replace(" ", "") == b.replace(" ", ""):
        return True
    try:
        left, right = Reader(a).whole(), Reader(b).whole()
        names = sorted(names_of(left) | names_of(right))
        if len(names) > 12:
            return False
        for number in range(6 if names else 1):
            point = point_at(names, number)
            if not close(value(left, point), value(right, point), names, (left, right)):
                return False
        for number in range(6, 11 if names else 0):  # of either sign: where both are real they must agree
            point = point_at(names, number)
            try:
                x, y = value(left, point), value(right, point)
            except (ValueError, OverflowError, ZeroDivisionError):
                continue
            real = [isinstance(v, Fraction) or abs(v.imag) <= 1e-12 * abs(v) for v in (x, y)]
            if (all(real) and not close(x, y, names, (left, right))) or (len(names) == 1 and real[0] != real[1]):
                return False
        return True
    except (Unreadable, ValueError, OverflowError, ZeroDivisionError, RecursionError):
        return False


def point_at(names, number):
    """Fixed values of variables, above 0 up to number 5 and of either sign from 6 on."""
    points = {}
    for name in names:
        size = Fraction(7 + 13 * number + 5 * sum(map(ord, name)) % 37, 11 + number)
        points[name] = -size if number > 5 and (number + sum(map(ord, name))) % 3 != 0 else size
    return points


def close(x, y, names, nodes):
    if isinstance(x, Fraction) and isinstance(y, Fraction):
        if x == y:
            return True
        if names:
            return False
        # A decimal equals an exact value only where it rounds it, with six decimals or nine digits; two decimals must be equal.
        decimals = [node[2] if node[0] == "number" else node[1][2] if node[0] == "negate" and node[1][0] == "number" else None for node in nodes]
        for mine, theirs, digits, other in ((x, y, decimals[0], nodes[1]), (y, x, decimals[1], nodes[0])):
            if digits is not None and not any_decimal(other) and (digits >= 6 or len(str(abs(mine.numerator))) >= 9):
                if abs(mine - theirs) * 2 <= Fraction(1, 10 ** digits):
                    return True
        # the noise of floating point
        return max(d or 0 for d in decimals) >= 12 and abs(x - y) <= abs(x) * Fraction(1, 10 ** 12)
    p, q = complex(x), complex(y)
    size = max(abs(p), abs(q))
    if not math.isfinite(size):
        return False
    if not names:
        for mine, theirs, node in ((x, q, nodes[0]), (y, p, nodes[1])):
            if node[0] == "number" and node[2]:
                return abs(complex(mine) - theirs) <= 1e-13 * size or (node[2] >= 6 or size * 10 ** node[2] >= 1e8) and abs(complex(mine) - theirs) * 2 * 10 ** node[2] <= 1.0000001
    return abs(p - q) <= 1e-11 * max(size, 1e-6)


def any_decimal(node):
    return (node[0] == "number" and bool(node[2])) or any(any_decimal(part) for part in node[1:] if isinstance(part, tuple))


# --- expressions ---------------------------------------------------------------------------------------------------------------------


class Unreadable(Exception):
    pass


TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d*)?|\.\d+)(?:[eE]([+-]?\d{1,3})(?![\d.]))?|(\\[A-Za-z]+|\\.)|([A-Za-z])|(.))", re.S)
FUNCTIONS = ("arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "sin", "cos", "tan", "cot", "sec", "csc", "log", "ln", "exp", "sqrt")
OPENING = {"(": ")", "[": "]", "{": "}"}


class Reader:
    """Recursive descent over TeX: sums, products (also unwritten), powers, fractions, roots, functions. Nodes are tuples."""

    def __init__(self, text):
        text = re.sub(r"(?<![A-Za-z\\])(" + "|".join(FUNCTIONS) + r")(?![A-Za-z])", r"\\\1 ", text)
        self.tokens = []
        at = 0
        while at < len(text):
            match = TOKEN.match(text, at)
            if match is None:
                break
            at = match.end()
            number, exponent, command, letter, other = match.groups()
            if number is not None:
                self.tokens.append(("number", number, exponent))
            elif command or letter or (other and other.strip()):
                self.tokens.append(command or letter or other)
        self.at = 0

    def whole(self):
        node = self.sum()
        if self.at < len(self.tokens):
            raise Unreadable
        return node

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, *wanted):
        if self.peek() in wanted:
            self.at += 1
            return self.tokens[self.at - 1]
        return None

    def need(self, wanted):
        if self.take(wanted) is None:
            raise Unreadable

    def sum(self):
        node = self.product()
        while True:
            sign = self.take("+", "-")
            if sign is None:
                return node
            node = ("add" if sign == "+" else "subtract", node, self.product())

    def product(self):
        if self.take("-"):
            return ("negate", self.product())
        if self.take("+"):
            return self.product()
        node, mixed = self.power(), None
        while True:
            if self.take("\\cdot", "\\times", "*"):
                node = ("multiply", node, self.signed())
            elif self.take("/", "\\div", ":"):
                node = ("divide", node, self.signed())
            elif self.starts():
                mixed = isinstance(self.peek(), str) and self.peek() == "\\frac" and node[0] == "number" and not node[2]
                if isinstance(self.peek(), tuple):
                    # `1 1/2` is a mixed number; other numbers side by side are not read.
                    node = self.mixed_number(node)
                    continue
                right = self.power()
                node = ("add" if mixed else "multiply", node, right)
            else:
                return node

    def mixed_number(self, node):
        top = self.power()
        if node[0] != "number" or node[2] or top[0] != "number" or not self.take("/"):
            raise Unreadable
        return ("add", node, ("divide", top, self.power()))

    def signed(self):
        return ("negate", self.signed()) if self.take("-") else self.power()

    def starts(self):
        token = self.peek()
        if token is None or token in ("+", "-", ")", "]", "}", "|", "^", "!", ",", "=", "\\rfloor", "\\rceil", "\\bmod", "\\cdot", "\\times", "*", "/", "\\div"):
            return False
        return isinstance(token, tuple) or token in OPENING or token[0].isalpha() or token[0] == "\\"

    def power(self):
        node = self.atom()
        while True:
            if self.take("^"):
                node = ("power", node, self.argument())
            elif self.take("!"):
                node = ("factorial", node)
            else:
                return node

    def argument(self):
        """What `^`, `\\frac`, `\\sqrt` take: a group, a sign with its number, a single digit, a command."""
        if self.take("{"):
            node = self.sum()
            self.need("}")
            return node
        token = self.peek()
        if token == "-":
            self.at += 1
            return ("negate", self.argument())
        if isinstance(token, tuple) and len(token[1]) > 1 and "." not in token[1]:
            self.tokens[self.at] = ("number", token[1][1:], token[2])
            return ("number", Fraction(int(token[1][0])), 0)
        return self.atom()

    def atom(self):
        token = self.peek()
        if token is None:
            raise Unreadable
        self.at += 1
        if isinstance(token, tuple):
            digits = len(token[1].partition(".")[2])
            exponent = int(token[2] or 0)
            return ("number", Fraction(token[1] if token[1][0] != "." else "0" + token[1]) * Fraction(10) ** exponent, max(0, digits - exponent))
        if token in OPENING or token == "\\lfloor" or token == "\\lceil":
            node = self.sum()
            close_with = {"\\lfloor": "\\rfloor", "\\lceil": "\\rceil"}.get(token) or OPENING[token]
            self.need(close_with)
            return (token[2:], node) if token[0] == "\\" else node
        if token == "|":
            node = self.sum()
            self.need("|")
            return ("abs", node)
        if token == "\\frac":
            return ("divide", self.argument(), self.argument())
        if token == "\\binom":
            return ("binom", self.argument(), self.argument())
        if token == "\\sqrt":
            if self.take("["):
                degree = self.sum()
                self.need("]")
                return ("root", self.argument(), degree)
            return ("power", self.argument(), ("number", Fraction(1, 2), 0))
        if token in ("\\pi", "\\degree"):
            return ("constant", math.pi if token == "\\pi" else math.pi / 180)
        if token == "\\infty":
            raise Unreadable  # arithmetic with it proves anything
        if token[0] == "\\" and token[1:] in FUNCTIONS:
            return self.function(token[1:])
        if token[0] == "\\" and token in ("\\mathbf", "\\mathrm", "\\text"):
            return self.argument()
        if token[0] == "\\" and not token[1:].isalpha():
            raise Unreadable
        if token in ("e", "i"):
            return ("constant", math.e if token == "e" else 1j)
        if not (token.isalpha() or token[0] == "\\"):
            raise Unreadable
        name = token
        if self.take("_"):
            name += "_" + str(self.argument())
        if name in ("f", "g", "h") and self.peek() == "(":
            return ("apply", self.atom(), ("number", Fraction(ord(name)), 0))
        return ("name", name)

    def function(self, name):
        power = self.argument() if self.take("^") else None
        base = self.argument() if name == "log" and self.take("_") else None
        if self.peek() in OPENING or self.peek() == "|":
            inner = self.atom()
        else:  # sin 2x
            inner = self.power()
            while self.starts() and not (isinstance(self.peek(), str) and self.peek()[1:] in FUNCTIONS):
                inner = ("multiply", inner, self.power())
        node = ("divide", ("ln", inner), ("ln", base)) if base else (name, inner)
        return ("power", node, power) if power else node


def names_of(node):
    if node[0] == "name":
        return {node[1]}
    return set().union(*(names_of(part) for part in node[1:] if isinstance(part, tuple)))


def value(node, point):
    """A Fraction where it is rational, else a complex double."""
    kind = node[0]
    if kind == "number":
        return node[1]
    if kind == "constant":
        return complex(node[1])
    if kind == "name":
        return point[node[1]]
    args = [value(part, point) for part in node[1:]]
    x = args[0]
    if kind == "negate":
        return -x
    exact = all(isinstance(arg, Fraction) for arg in args)
    if kind in ("add", "subtract", "multiply", "divide"):
        x, y = args if exact else map(complex, args)
        result = x + y if kind == "add" else x - y if kind == "subtract" else x * y if kind == "multiply" else x / y
        return bounded(result)
    if kind == "root":
        return power_of(x, 1 / args[1] if isinstance(args[1], Fraction) else 1 / complex(args[1]), odd=exact and args[1].denominator == 1 and args[1].numerator % 2 == 1)
    if kind == "power":
        return power_of(x, args[1])
    if kind in ("factorial", "binom", "floor", "ceil"):
        if not exact or any(arg.denominator != 1 or not 0 <= arg < 500 for arg in args) and kind in ("factorial", "binom"):
            raise Unreadable
        return Fraction(math.factorial(int(x)) if kind == "factorial" else math.comb(int(x), int(args[1])) if kind == "binom" else math.floor(x) if kind == "floor" else math.ceil(x))
    if kind == "abs":
        return abs(x) if exact else complex(abs(x))
    z = complex(x)
    if kind == "apply":  # an unknown function: a fixed one, so that f(1 + x) is f(x + 1) and nothing else
        return cmath.sin(z * 1.37 + float(args[1])) + z * 0.61
    if kind in ("log", "ln"):
        return cmath.log(z) if kind == "ln" else cmath.log10(z)
    if kind in ("cot", "sec", "csc"):
        return 1 / {"cot": cmath.tan, "sec": cmath.cos, "csc": cmath.sin}[kind](z)
    names = {"arcsin": "asin", "arccos": "acos", "arctan": "atan"}
    return getattr(cmath, names.get(kind, kind))(z)


def bounded(x):
    if isinstance(x, Fraction) and x.numerator.bit_length() + x.denominator.bit_length() > 8000:
        raise Unreadable
    return x


def power_of(x, y, odd=False):
    if isinstance(x, Fraction) and isinstance(y, Fraction):
        if y.denominator == 1:
            if abs(y) * (x.numerator.bit_length() + x.denominator.bit_length()) > 8000:
                raise Unreadable
            return x ** int(y)
        if y.denominator <= 12 and (x >= 0 or odd):
            sides = [exact_root(abs(side), y.denominator) for side in (x.numerator, x.denominator)]
            if None not in sides:
                return power_of(Fraction(*sides) * (-1 if x < 0 else 1), Fraction(y.numerator))
        if x < 0 and odd:
            return -complex((-float(x)) ** float(y))
    return complex(x) ** complex(y)


def exact_root(n, degree):
    if n.bit_length() > 900:
        return None
    guess = math.isqrt(n) if degree == 2 else round(n ** (1 / degree))
    return next((g for g in (guess - 1, guess, guess + 1) if g >= 0 and g ** degree == n), None)
