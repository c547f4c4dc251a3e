/** Answers that are not the same, by category; most are one slip away from being so. Each line: reference ‖ answer. Held in both directions. */
const lines = (text: string): [string, string][] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => line.split('‖').map((side) => side.trim()) as [string, string]);

export const differentCases: Readonly<Record<string, [string, string][]>> = {
  'numbers and decimals': lines(String.raw`
    7 ‖ 8
    7 ‖ -7
    7 ‖ 70
    7 ‖ 7.1
    12 ‖ 1, 2
    1/3 ‖ 0.33
    1/3 ‖ 0.3333
    1/3 ‖ 0.333334
    3.14 ‖ 3.1416
    3.15 ‖ 3.14159
    \pi ‖ 3.14
    \pi ‖ 22/7
    \sqrt{2} ‖ 1.41
    \sqrt{2} ‖ 1.414
    2.5 ‖ 2
    2.999 ‖ 3
    0.80 ‖ 75
    0.75 ‖ 75
    1000 ‖ 1,000,000
    32349 ‖ 32, 349
    10^{10} ‖ 10^{10^{10^{10}}}
    100000000000000000000 ‖ 100000000000000000001
    123456789012345678901 ‖ 123456789012345678902
    2^{100} ‖ 2^{100}+1
    1.5e3 ‖ 1.5
    \frac{1}{2} ‖ \frac{2}{1}
    \frac{63}{400} ‖ \frac{64}{400}
    \frac{1}{2} ‖ 12
    3\frac{1}{2} ‖ \frac{3}{2}
    3/12 ‖ 4
    16386.17 ‖ 16386.16
    0.0000001 ‖ 0.0000002
    0 ‖ 
    NaN ‖ NaN1
    1e-9 ‖ 0
    1.0000001 ‖ 1
    5 ‖ 5x
    2 ‖ AZYUK2A
  `),
  'units, money, percent': lines(String.raw`
    5 cm ‖ 5 km
    5 cm ‖ 5 cm^2
    5 m ‖ 50 cm
    5 m ‖ 5 s
    1 hour ‖ 30 minutes
    \$5 ‖ 5 cents
    0.64N ‖ 0.64
    50\% ‖ 5
    50\% ‖ 0.05
    28\% ‖ 72\%
    90^\circ ‖ \pi
    45^\circ ‖ \frac{\pi}{3}
    10 apples ‖ 10 oranges
    60 km/h ‖ 60 m/s
  `),
  'roots, powers, functions': lines(String.raw`
    3\sqrt{13} ‖ 13\sqrt{3}
    \sqrt{67},-\sqrt{85} ‖ \sqrt{67}
    \sqrt[3]{2} ‖ \sqrt{2}
    \sqrt{5} ‖ 5
    2^{10} ‖ 2^{11}
    2^{10} ‖ 20
    \sin x ‖ \cos x
    \sin 30 ‖ \frac12
    \ln 2 ‖ \log 2
    \log_2 8 ‖ \log_8 2
    \ln x^2 ‖ (\ln x)^2
    \ln(x^2) ‖ 2\ln x
    \ln(x+y) ‖ \ln x + \ln y
    e^{i\pi} ‖ 1
    i ‖ -i
    1+i ‖ 1-i
    5! ‖ 5
    \binom{5}{2} ‖ \binom{5}{4}
    \arctan 1 ‖ \tan 1
    \sqrt{a+b} ‖ \sqrt{a}+\sqrt{b}
    \infty ‖ -\infty
    \infty - \infty ‖ 0
    \infty + 1 ‖ 2
    \lfloor x \rfloor ‖ \lceil x \rceil
    \sqrt{2}+\sqrt{3} ‖ \sqrt{5}
    \sqrt{2}+\sqrt{3} ‖ 3.146
    \frac{1}{0} ‖ \infty
    0/0 ‖ 1
    1.618 ‖ \frac{1+\sqrt5}{2}
  `),
  'expressions with variables': lines(String.raw`
    x+2n+1 ‖ x+1
    x^2 + 2x - 1 ‖ (x+1)^2
    x - 1 ‖ 1 - x
    (a+5)(b+2) ‖ (+5)(b+2)
    x^2+2x+1 ‖ x^3+2x+1
    2x ‖ x^2
    xy ‖ x+y
    \sqrt{x^2} ‖ x
    |x| ‖ x
    x/2y ‖ \frac{x}{2y^2}
    a_1 ‖ a_2
    x_1 ‖ x
    n ‖ N
    f(2x) ‖ 2f(x)
    f(x) ‖ f(y)
    \frac{1}{x+y} ‖ \frac{1}{x}+\frac{1}{y}
    (x+y)^2 ‖ x^2+y^2
    2^{n+1} ‖ 2^n+1
    E ‖ \mathrm{E}*2
    e ‖ E
    \frac{x}{y} ‖ \frac{y}{x}
    x^{2}y ‖ xy^2
    1000000000x+1 ‖ 1000000000x
    x + 0.0000000001 ‖ x
    \alpha ‖ \beta
    \sin(x+y) ‖ \sin x + \sin y
    \frac{n(n+1)}{2} ‖ \frac{n(n-1)}{2}
    x ‖ y
    \mathbf{x} ‖ x^2
  `),
  equations: lines(String.raw`
    7 = 11a+c ‖ 11a+c
    2x + z = 1 ‖ 1
    x + y - z + 2 = 0 ‖ 5x - 7y + 11z + 4 = 0
    x^2+y^2=1 ‖ x^2-y^2=1
    x^2+y^2=1 ‖ x^2+y^2=2
    y = 2x + 3 ‖ y = 3x + 2
    x = 5 ‖ x = 6
    x = 5 ‖ y = 6
    x = 1, y = 2 ‖ 2, 1
    x = 1, y = 2 ‖ x = 2, y = 1
    y = x ‖ y = -x
    y = x^2 ‖ y^2 = x
    n=2, 3, 4 ‖ n=1, 2, 3
    F_n = \sum_{k=0}^{n-1} F_k F_{n-k-1} ‖ F_n = \sum_{k=0}^{n-2} F_k F_{n-k-2}
    x = 3 ‖ x > 3
    E = mc^2 ‖ mc^3
  `),
  'sets, lists, tuples': lines(String.raw`
    (1,2) ‖ (2,1)
    (1,2) ‖ [1,2]
    (1,2) ‖ (1,2,3)
    (1,2) ‖ 12
    \{1,2\} ‖ \{1,3\}
    \{1,2\} ‖ \{1,2,3\}
    1, 2 ‖ 1
    1, 1, 2 ‖ 1, 2, 2
    \pm 3 ‖ 3
    1 \pm \sqrt{2} ‖ 1+\sqrt{2}
    (1,2),(3,4) ‖ (1,3),(2,4)
    \emptyset ‖ 0
    \{0\} ‖ \emptyset
    1:2 ‖ 2:1
    1:2:3 ‖ 1:2:4
    19, 46, and 82 ‖ 21, 36, and 82
    1112112_3 ‖ 1112122_3
    12_8 ‖ 12_9
    101_2 ‖ 101_3
  `),
  'intervals and inequalities': lines(String.raw`
    x > 5 ‖ x < 5
    x \ge 5 ‖ x > 5
    x \geq 5 ‖ x \leq 5
    [0,1) ‖ (0,1)
    [0,1) ‖ [0,1]
    [-3,2] ‖ (-\infty, -3] \cup [2, \infty)
    (0, 1) ‖ (0, 1.5)
    (-\infty, 3) ‖ (-\infty, 3]
    -2x > 6 ‖ x > -3
    x > 3 ‖ y > 3
    |x| < 2 ‖ x < 2
    |x| < 2 ‖ [-2, 2]
    \mathbb{R} ‖ (0, \infty)
    \mathbb{R} \setminus \{1\} ‖ \mathbb{R}
    x \ne 1 ‖ x = 1
    (1,2)\cup(2,3) ‖ (1,3)
    x < 1 \text{ or } x > 5 ‖ (1, 5)
    x+y < 3 ‖ x+y > 3
    -1 < x < 1 ‖ -1 < x \le 1
  `),
  matrices: lines(String.raw`
    \begin{pmatrix}1 & 2 \\ 3 & 5\end{pmatrix} ‖ \begin{pmatrix}1 & 2 \\ 3 & 4\end{pmatrix}
    \begin{pmatrix}1 & 2 \\ 3 & 4\end{pmatrix} ‖ \begin{pmatrix}1 & 3 \\ 2 & 4\end{pmatrix}
    \begin{pmatrix}1 \\ 2\end{pmatrix} ‖ \begin{pmatrix}2 \\ 1\end{pmatrix}
    \begin{pmatrix}1 & 2 \\ 3 & 4\end{pmatrix} ‖ 1, 2, 3, 4
    \begin{pmatrix}1\\2\end{pmatrix} ‖ (2,1)
    \begin{vmatrix} 2 & 1 \\ 1 & 2 \end{vmatrix} ‖ 5
    \begin{pmatrix}1&2\end{pmatrix}\begin{pmatrix}1&2\end{pmatrix} ‖ \begin{pmatrix}1&4\end{pmatrix}
  `),
  'words and choices': lines(`
    Alice ‖ Bob
    A ‖ B
    (A) ‖ (B)
    yes ‖ no
    even ‖ odd
    five ‖ 6
    circle ‖ semicircle
    12:00 ‖ 12:01
    42 ‖ 
    42 ‖ forty
    ellipse ‖ eclipse
    x^2+y^2=1 ‖ circle
    Paris ‖ 7
    minus 3 apples ‖ 3 apples
  `),
};
