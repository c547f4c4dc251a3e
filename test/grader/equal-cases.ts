/** Answers that are the same, by category. Each line: reference ‖ answer. Held in both directions. */
const lines = (text: string): [string, string][] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => line.split('‖').map((side) => side.trim()) as [string, string]);

export const equalCases: Readonly<Record<string, [string, string][]>> = {
  'whole numbers and decimals': lines(String.raw`
    7 ‖ 7
    7 ‖ 7.0
    7 ‖ +7
    -7 ‖ -7.00
    -7 ‖ −7
    -7 ‖ –7
    0 ‖ -0
    0 ‖ 0.00
    0.5 ‖ .5
    0.50 ‖ 0.5
    12.340 ‖ 12.34
    007 ‖ 7
    3 ‖ 3.
    $42$ ‖ 42
    \(42\) ‖ 42
    \[42\] ‖ $$42$$
    \boxed{42} ‖ 42
    **42** ‖ 42
    \mathbf{42} ‖ 42
    \text{42} ‖ 42
    {42} ‖ 42
    １２３ ‖ 123
    ٣٤ ‖ 34
    1 000 000 ‖ 1000000
    1,000,000 ‖ 1000000
    12,345.67 ‖ 12345.67
    14{,}916 ‖ 14916
    14\,916 ‖ 14916
    32,\!349 ‖ 32349
    -1,234 ‖ -1234
    100000000000000000000 ‖ 10^{20}
    123456789012345678901234567890 ‖ 123456789012345678901234567890.0
    0.30000000000000004 ‖ 0.3
    2.9999999999999996 ‖ 3
  `),
  'scientific notation': lines(String.raw`
    7.8 \times 10^2 ‖ 780
    7.8\cdot10^{2} ‖ 780
    1.5e3 ‖ 1500
    2E-3 ‖ 0.002
    6.02 \times 10^{23} ‖ 6.02e23
    10^{-4} ‖ 0.0001
    5 \times 10^{-7} ‖ 0.0000005
    3×10^8 ‖ 300000000
    3 × 10⁸ ‖ 3 \times 10^8
    3*10**8 ‖ 300000000
  `),
  fractions: lines(String.raw`
    1/2 ‖ 0.5
    \frac{1}{2} ‖ 1/2
    \frac12 ‖ \frac{1}{2}
    \dfrac{1}{2} ‖ \tfrac{1}{2}
    \cfrac{3}{4} ‖ 0.75
    \frac{3}{6} ‖ \frac{1}{2}
    -\frac{10}{9} ‖ \frac{-10}{9}
    \frac{10}{-9} ‖ -10/9
    -10/9 ‖ -\dfrac{10}{9}
    \frac{22}{7} ‖ 22 / 7
    \frac 3 4 ‖ 3/4
    \frac3{3} ‖ 1
    \frac{\frac{1}{2}}{3} ‖ \frac{1}{6}
    \frac{1}{\frac{2}{3}} ‖ 3/2
    \left(\frac{1}{3}\right) ‖ 1/3
    ½ ‖ 0.5
    ¾ ‖ \frac{3}{4}
    1 \div 4 ‖ 0.25
    1÷4 ‖ 1/4
    \frac{0}{5} ‖ 0
    \frac{x+2}{7} ‖ \frac{x}{7}+\frac{2}{7}
    63/400 ‖ \frac{63}{400}
    1⁄2 ‖ 0.5
    \frac{1}{3} ‖ 0.333333
    2/3 ‖ 0.6666666666666666
    \frac{22}{7} ‖ 3.142857142857
  `),
  'mixed numbers': lines(String.raw`
    918\frac{1}{2} ‖ 918.5
    3 1/2 ‖ 7/2
    2\frac34 ‖ 11/4
    1\dfrac{1}{5} ‖ 1.2
    -1\frac{1}{2} ‖ -1.5
    5\tfrac{1}{3} ‖ \frac{16}{3}
  `),
  percent: lines(String.raw`
    50\% ‖ 50
    50% ‖ 0.5
    28 percent ‖ 28\%
    12.5\% ‖ 12.5
    12.5\% ‖ 1/8
    $28\%$ ‖ $28$%
    100% ‖ 100
    7 per cent ‖ 7%
    \frac{1}{2}\% ‖ 0.5%
    66\frac{2}{3}\% ‖ \frac{200}{3}\%
  `),
  money: lines(String.raw`
    \$12.01 ‖ 12.01
    $12.01 ‖ 12.01
    $1,000.99 ‖ 1000.99
    1,000.99$ ‖ 1000.99
    \$5 ‖ 5 dollars
    5 cents ‖ 5
    \$0.50 ‖ 50 cents
    €20 ‖ 20
    £3.50 ‖ 3.5
    18 dollars ‖ \$18.00
    \$10{,}000 ‖ 10000
  `),
  units: lines(String.raw`
    10\text{ cm} ‖ 10
    10\text{ cm} ‖ 10 centimeters
    10 cm ‖ 10cm
    125\textnormal{ miles} ‖ $125$ miles
    5 m ‖ 500 cm
    1 km ‖ 1000 m
    2 hours ‖ 120 minutes
    90 \text{ min} ‖ 1.5 \text{ h}
    1.5 \text{ kg} ‖ 1500 g
    3 \text{ m}^2 ‖ 3
    3 \text{ m}^2 ‖ 3 square meters
    12\,\mathrm{cm}^3 ‖ 12 cubic centimetres
    60 \text{ km/h} ‖ 60 km/h
    60 \text{ miles per hour} ‖ 60
    20 \text{ units} ‖ 20
    20 \text{ square units} ‖ 20 units^2
    45^\circ ‖ 45
    45^{\circ} ‖ 45 degrees
    45° ‖ 45
    \frac{\pi}{2} ‖ 90^\circ
    3.14\text{ inches} ‖ 3.14
    10 years old ‖ 10
    12 apples ‖ 12
    6 people ‖ 6
    5 ft ‖ 60 in
    0.64N ‖ 0.6400 N
    0.64N ‖ \frac{16}{25}N
  `),
  'roots and powers': lines(String.raw`
    3\sqrt{13} ‖ \sqrt{117}
    \sqrt3 ‖ \sqrt{3}
    \sqrt[3]{8} ‖ 2
    \sqrt[3]{-8} ‖ -2
    \sqrt{\frac{1}{4}} ‖ 0.5
    \frac{\sqrt{2}}{2} ‖ \frac{1}{\sqrt{2}}
    \frac{5}{\sqrt{5}} ‖ \sqrt5
    2^{10} ‖ 1024
    2^{-1} ‖ 1/2
    4^{1/2} ‖ 2
    8^{2/3} ‖ 4
    \sqrt{3+2\sqrt{2}} ‖ 1+\sqrt{2}
    \sqrt{7-4\sqrt{3}} ‖ 2-\sqrt{3}
    \frac{1}{\sqrt{2}-1} ‖ \sqrt{2}+1
    \sqrt{\sqrt{16}} ‖ 2
    \sqrt[3]{\frac{5}{12}} ‖ (\frac{5}{12})^{\frac{1}{3}}
    \sqrt[4]{4} ‖ \sqrt{2}
    \frac{\sqrt{\sqrt{11}+\sqrt{194}}}{15+2\sqrt{33}} ‖ \frac{\sqrt{\sqrt{11}+\sqrt{194}}}{2\sqrt{33}+15}
    √5 ‖ \sqrt{5}
    2√3 ‖ \sqrt{12}
    sqrt(12) ‖ 2*sqrt(3)
    x² ‖ x^2
    5! ‖ 120
    \binom{5}{2} ‖ 10
    \frac{10!}{8!} ‖ 90
    2^{100} ‖ 1267650600228229401496703205376
    \left|3-5\right| ‖ 2
    |{-4}| ‖ 4
    \lfloor 2.7 \rfloor ‖ 2
    \lceil 2.1 \rceil ‖ 3
    17 \bmod 5 ‖ 2
    \gcd(12, 18) ‖ 6
    \frac{\sqrt{6}-\sqrt{2}}{4} ‖ \frac{\sqrt{2}(\sqrt{3}-1)}{4}
  `),
  'constants and functions': lines(String.raw`
    2\pi ‖ 2π
    \frac{9}{4}\pi ‖ \frac{9\pi}{4}
    \pi/4 ‖ \frac{\pi}{4}
    e^{i\pi} ‖ -1
    i^2 ‖ -1
    \frac{3}{4}i ‖ \frac34i
    (1+i)^2 ‖ 2i
    \frac{1}{i} ‖ -i
    \sqrt{-4} ‖ 2i
    \sin(\frac{\pi}{2}) ‖ 1
    \sin\frac{\pi}{6} ‖ 1/2
    \sin 30^\circ ‖ 0.5
    \cos 60^{\circ} ‖ \frac{1}{2}
    \tan(\pi/4) ‖ 1
    \cos^2 15^\circ ‖ \frac{2+\sqrt{3}}{4}
    \log_2 8 ‖ 3
    \log_2(8) ‖ 3
    \log_{10} 100 ‖ 2
    \log 100 ‖ 2
    \ln e ‖ 1
    \ln e^3 ‖ 3
    \ln 8 ‖ 3\ln 2
    \ln\frac{1}{2} ‖ -\ln 2
    \log_2 3 ‖ \frac{\ln 3}{\ln 2}
    e^{\ln 5} ‖ 5
    \arctan 1 ‖ \frac{\pi}{4}
    \tan^{-1}(1) ‖ \arctan(1)
    \arcsin\frac12 ‖ \pi/6
    \cosh 0 ‖ 1
    \frac{1+\sqrt{5}}{2} ‖ \frac{2}{\sqrt{5}-1}
    2\cos 36^\circ ‖ \frac{1+\sqrt5}{2}
    4.123105625617661 ‖ \sqrt{17}
    3.141593 ‖ \pi
    \mathrm{e} ‖ e
    \exp(2) ‖ e^2
  `),
  'expressions with variables': lines(String.raw`
    (x-2)(x+2) ‖ x^2 - 4
    (x+1)^2 ‖ x^2+2x+1
    (x+1)^3 ‖ 1 + 3x + 3x^2 + x^3
    2x+3 ‖ 3+2x
    2xy ‖ 2yx
    2\pi r ‖ 2r\pi
    \frac{x}{2} ‖ 0.5x
    \frac{1}{2}x ‖ x/2
    a(b+c) ‖ ab+ac
    \frac{x^2-1}{x-1} ‖ x+1
    \frac{1}{x}+\frac{1}{y} ‖ \frac{x+y}{xy}
    x^{-1} ‖ \frac{1}{x}
    x\sqrt{x} ‖ x^{3/2}
    \sqrt{x} ‖ x^{0.5}
    \sqrt{4x} ‖ 2\sqrt{x}
    \frac{1}{\sqrt{x}} ‖ \frac{\sqrt{x}}{x}
    \sin^2 x + \cos^2 x ‖ 1
    \sin 2x ‖ 2\sin x\cos x
    \cos 2x ‖ 1 - 2\sin^2 x
    \tan x ‖ \frac{\sin x}{\cos x}
    \sec x ‖ \frac{1}{\cos x}
    e^{x+1} ‖ e \cdot e^x
    e^{2x} ‖ (e^x)^2
    2^{n+1} ‖ 2\cdot 2^n
    4^n ‖ 2^{2n}
    \frac{n(n+1)}{2} ‖ \frac{n^2+n}{2}
    \binom{n}{2} ‖ \frac{n(n-1)}{2}
    n! ‖ n \cdot (n-1)!
    \ln(xy) ‖ \ln x + \ln y
    \ln\frac{x}{y} ‖ \ln x - \ln y
    \log_2 x ‖ \frac{\ln x}{\ln 2}
    a_{n} ‖ a_n
    x_{1}+x_{2} ‖ x_2 + x_1
    a_1 + 2d ‖ 2d+a_{1}
    k_{\mathrm{B}}T ‖ k_B T
    \varepsilon^2 ‖ \epsilon^2
    \alpha+\beta ‖ \beta+\alpha
    f(x+1) ‖ f(1+x)
    |x-1| ‖ |1-x|
    \sqrt{x^2} ‖ |x|
    \frac{\pi r}{h+r} ‖ \frac{r\pi}{r+h}
    -\frac{\omega_L\hbar}{c} ‖ -\frac{\hbar \omega_{L}}{c}
    \sqrt{\frac{2h}{g}} ‖ \frac{\sqrt{2h}}{\sqrt{g}}
    \frac{2x+2}{4} ‖ \frac{x+1}{2}
    x^2 y ‖ y x^{2}
    3(x+y)-2(x-y) ‖ x+5y
    \frac{a^2-b^2}{a-b} ‖ a+b
    e^{-x^2} ‖ \frac{1}{e^{x^2}}
    2x\cdot 3 ‖ 6x
    -(x-1) ‖ 1-x
    x y ‖ xy
    2*x + 1 ‖ 2x+1
    x**2 + 1 ‖ x^2+1
    cos(x)^2 ‖ \cos^2 x
  `),
  'named values and equations': lines(String.raw`
    x = 5 ‖ 5
    5 ‖ x=5
    $x\approx11$ ‖ 11
    f(x) = 2x ‖ 2x
    f(x)=x^2 ‖ f(x) = x \cdot x
    y = 2x+3 ‖ 2x + 3
    y = 2x + 3 ‖ 2x - y + 3 = 0
    x^2+y^2=1 ‖ x^2 = 1 - y^2
    x^2/4 + y^2/3 = 1 ‖ x^2/16 + y^2/12 = 1/4
    34x+45y-20z+100=0 ‖ -34x-45y+20z-100=0
    x - (y+2) = 0 ‖ x = y + 2
    2x+4y=6 ‖ x+2y=3
    a_{n} = 2n + 1 ‖ a_n=2n+1
    z = 1 + 1 = 2 ‖ 2
    3+4 = 7 ‖ 7
    (p,q) = (3,2) ‖ (3,2)
    |AB| = 1 ‖ 1
    AB = 5 ‖ 5
    \angle ABC = 30^\circ ‖ 30
    V_1:V_2 = 11:21 ‖ 11:21
    P(A) = \frac{1}{3} ‖ 1/3
    \frac{NO}{BO}=\frac{1}{\sqrt{6}} ‖ \frac{\sqrt{6}}{6}
    x = 1, y = 2 ‖ y = 2, x = 1
    x=1, y=2 ‖ (1, 2)
    \sin x = \frac{1}{2} ‖ 2 \sin x = 1
    e^x = 3y ‖ 2e^x = 6y
    y - 1 = 2(x - 3) ‖ y = 2x - 5
    x = \frac{1}{3} ‖ x = 5 + 1 = \frac{1}{3} \approx 0.33
    E = mc^2 ‖ mc^2
    x=\pm 2 ‖ 2, -2
  `),
  'sets, lists and tuples': lines(String.raw`
    \{1, 2\} ‖ \{2, 1\}
    \{1, 2, 2\} ‖ \{1, 2\}
    \{1,2\} ‖ 1, 2
    -2,1 ‖ 1, -2
    1 and 2 ‖ 2, 1
    1 or 2 ‖ 1, 2
    x = 1 \text{ or } x = 2 ‖ 2, 1
    p = -1 \text{ and } p = \frac{15}{8} ‖ p=-1,p=15/8
    21,16 or 11 ‖ 21,16,11
    1 \pm \sqrt{19} ‖ 1-\sqrt{19}, 1+\sqrt{19}
    \pm 3 ‖ 3, -3
    \pm 3 ‖ \{-3, 3\}
    (1,\frac{9}{2}) ‖ \left(1, 4.5\right)
    (1, 2) ‖ (1,2)
    (1, 2) ‖ 1, 2
    (1;2) ‖ (1,2)
    \langle 1, 2 \rangle ‖ (1,2)
    (2,1),(1,2) ‖ (1,2),(2,1)
    (-2, 2), (2, -2) ‖ \{(2,-2), (-2,2)\}
    4, 0.1, 2 ‖ \frac{1}{10}, 2, 4
    \{x, 2x\} ‖ \{2x, x\}
    a=4,\,-8,\,-10 ‖ -10,-8,4
    \emptyset ‖ \varnothing
    \emptyset ‖ \{\}
    \emptyset ‖ no solution
    1, 2, 3 ‖ {1, 2, 3}
    1:2 ‖ 2:4
    2:3:5 ‖ 2 : 3 : 5
    100, 200 ‖ 200, 100
    [1, 2, 3] ‖ [1,2,3]
  `),
  'intervals and inequalities': lines(String.raw`
    (0, 1) ‖ \left(0, 1\right)
    [0, 1) ‖ [0,1)
    x \in [0, 1] ‖ [0,1]
    (-\infty, 3) ‖ x < 3
    [3, \infty) ‖ x \ge 3
    x \ge 3 ‖ 3 \leq x
    x \geq 3 ‖ [3, +\infty)
    -2 < x \le 7 ‖ (-2, 7]
    -x \ge -1 ‖ x \le 1
    2x > 6 ‖ x > 3
    (-\infty,1]\cup[10,\infty) ‖ [10,+\infty) \cup (-\infty, 1]
    x < 1 \text{ or } x > 5 ‖ (-\infty,1)\cup(5,\infty)
    x > 1 \text{ and } x < 5 ‖ (1, 5)
    |x| < 2 ‖ (-2, 2)
    |x-1| \le 2 ‖ [-1, 3]
    |x| > 2 ‖ (-\infty,-2)\cup(2,\infty)
    1\leq|z|\leq \frac{3}{2} ‖ z \in [-\frac{3}{2}, -1] \cup [1, \frac{3}{2}]
    \mathbb{R} ‖ (-\infty, \infty)
    \mathbb{R} ‖ all real numbers
    \mathbb{R} \setminus \{1\} ‖ (-\infty,1)\cup(1,\infty)
    x \ne 1 ‖ (-\infty,1)\cup(1,\infty)
    [1,2]\cup[2,3] ‖ [1,3]
    ]0, 1[ ‖ (0, 1)
    [-4/2, 0.5] ‖ [-2, \frac{1}{2}]
    7 \ge x > -2 ‖ -2 < x \le 7
    \{x \mid x > 3\} ‖ (3, \infty)
    0 < t < \pi ‖ (0, \pi)
    k \ge 2 ‖ $$k \geq 2$$
    x+y < 3 ‖ 3 > y + x
  `),
  'matrices and vectors': lines(String.raw`
    \begin{pmatrix}1 & 2 \\ 3 & 4\end{pmatrix} ‖ \begin{bmatrix}1&2\\3&4\end{bmatrix}
    \begin{pmatrix}1/5\\-2\end{pmatrix} ‖ \begin{pmatrix}0.2 \\ -2\end{pmatrix}
    \begin{pmatrix} 1 \\ 2 \end{pmatrix} ‖ (1, 2)
    \begin{pmatrix}6 & 8 \\ 10 & 12\end{pmatrix} ‖ \begin{pmatrix}1 & 2 \\ 3 & 4\end{pmatrix} + \begin{pmatrix}5 & 6 \\ 7 & 8\end{pmatrix}
    \begin{pmatrix}2 & 4\end{pmatrix} ‖ 2\begin{pmatrix}1 & 2\end{pmatrix}
    \begin{pmatrix}7\\15\end{pmatrix} ‖ \begin{pmatrix}1&2\\3&4\end{pmatrix}\begin{pmatrix}1\\3\end{pmatrix}
    \begin{vmatrix} 2 & 1 \\ 1 & 2 \end{vmatrix} ‖ 3
    \frac{1}{2}\begin{pmatrix}2\\4\end{pmatrix} ‖ \begin{pmatrix}1\\2\end{pmatrix}
    \begin{array}{cc}1&2\\3&4\end{array} ‖ \begin{pmatrix}1&2\\3&4\\\end{pmatrix}
    \begin{pmatrix}x+1\\2\end{pmatrix} ‖ \begin{pmatrix}1+x\\2\end{pmatrix}
  `),
  'words and choices': lines(String.raw`
    \text{Evelyn} ‖ evelyn
    Paris ‖ PARIS.
    New York City ‖ new york city!
    the circle ‖ Circle
    \text{(B)} ‖ B
    (D) ‖ D
    D. ‖ D
    \textbf{(C)} ‖ C
    \text{yes} ‖ Yes
    five ‖ 5
    \text{twelve} ‖ 12
    twenty-one ‖ 21
    one hundred five ‖ 105
    \text{Even} ‖ Even
    \text{e} ‖ e
    Monday ‖ \text{Monday}
    hyperbola ‖ \text{Hyperbola}
    does not exist ‖ DNE
    infinity ‖ \infty
    12:00 ‖ $12:00$
    1101_2 ‖ 1101_{2}
    2516_8 ‖ 2516_{8}
    3:30 p.m. ‖ 3:30 PM
  `),
};
