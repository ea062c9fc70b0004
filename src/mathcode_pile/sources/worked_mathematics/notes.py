"""Pages without a computation, and pages whose statements cannot be checked by calculating.

The paragraphs make sense in any order. They define, name or describe mathematics and compute nothing.
"""

# ruff: noqa: E501 - sentences are kept whole

from mathcode_pile.sources.worked_mathematics.voice import Voice

CONCEPTS = [
    "A group is a set with an associative operation, an identity and inverses. The integers under addition are the first example one meets, the symmetries of a square the first surprising one, since there the order of two moves matters.",
    "Continuity at a point means that small changes of the argument cause only small changes of the value. The definition with $\\varepsilon$ and $\\delta$ makes precise who chooses first: the tolerance is given, the neighbourhood is answered.",
    "A prime is an integer greater than one whose only positive divisors are one and itself. Euclid's argument that there is no last prime multiplies finitely many and adds one; the result has a prime factor that was missing.",
    "The graph of a function is the set of all pairs of argument and value. Shifting it to the right replaces $x$ by $x - a$, which feels backwards until one asks where the old value at zero has gone.",
    "Two events are independent when knowing of one tells nothing about the other. This is not the same as being disjoint; disjoint events with positive probability are as dependent as can be.",
    "A vector space over a field is closed under addition and scaling. Polynomials of bounded degree form one, and so do the solutions of a homogeneous linear equation, which is why superposition works.",
    "Induction proves a statement for all natural numbers from one start and one step. The step assumes the statement for an arbitrary number, which looks like cheating and is not, because the assumption is discharged.",
    "An eigenvector keeps its direction under a linear map. The factor by which it is stretched is the eigenvalue, and a basis of eigenvectors turns the map into a list of stretches.",
    "The median splits ordered data in the middle. It does not care how extreme the largest value is, and that is why incomes are summarised by medians rather than by means.",
    "A sequence converges when its terms stay within any given tolerance of the limit from some index on. Bounded and monotone sequences of real numbers always do; boundedness alone is too little.",
    "A relation that is reflexive, symmetric and transitive divides a set into classes. Congruence of integers is the standard example, similarity of triangles an older one.",
    "The derivative measures change at an instant. As a limit of slopes of secants it may fail to exist at a corner, although the function is continuous there.",
    "Every rational number has a decimal expansion that ends or repeats, because long division has only finitely many remainders to choose from. Irrational numbers never fall into such a loop.",
    "A bijection pairs the elements of two sets without leftovers. The even numbers can be paired with all natural numbers, and Cantor's diagonal argument shows that the real numbers cannot.",
    "Axioms are not truths beyond doubt but the rules of a game on which we agree. Geometry without the parallel axiom is as consistent as geometry with it.",
    "The unit circle defines sine and cosine for every angle at once. Their periodicity and the relation $\\sin^2 t + \\cos^2 t$ equals one are then visible without any calculation.",
    "A matrix records what a linear map does to a basis. Multiplication of matrices is composition of maps, and that is the only reason for its odd definition.",
    "The fundamental theorem of algebra says that a polynomial with complex coefficients has as many complex roots as its degree, counted with multiplicity. All known proofs use some analysis.",
    "A random variable is a function on outcomes. Its expectation is linear even when the summands are dependent, a fact that shortens many arguments in combinatorics.",
    "In a metric space distance is symmetric, positive and obeys the triangle inequality. City blocks give a metric on the plane whose circles are squares.",
    "A conjecture is a statement believed and not proved. Goldbach's about even numbers and sums of two primes has been tested far, and testing far proves nothing.",
    "The logarithm turns multiplication into addition. Before machines this made tables of logarithms the most used books after the almanac.",
    "A graph consists of vertices and edges. Euler's walk over the bridges of a town is possible only if at most two vertices have an odd number of edges.",
    "The greatest lower bound of a set need not belong to it. For the reciprocals of the natural numbers it is zero, which is not among them.",
    "Complex numbers are pairs of real numbers with a multiplication that adds angles. Calling one part imaginary was meant as an insult, and the name stayed.",
    "A proof by contradiction assumes the opposite of what is wanted. One should use it sparingly; many such proofs can be turned into direct ones with a little tidying.",
    "Integration adds up infinitely many small contributions. That it should be the inverse of differentiation was a discovery and not a definition.",
    "A tree is a connected graph without cycles. Removing any edge disconnects it, adding any edge makes a cycle, and either property could serve as the definition.",
    "The pigeonhole principle says that more objects than boxes force some box to hold two. Its proofs are short, its consequences are not.",
    "Similar figures have equal angles and proportional sides. Lengths scale with the factor, areas with its square, volumes with its cube, and elephants have thick legs for that reason.",
    "A recursive definition explains a term by earlier ones. It needs a beginning, or it explains nothing.",
    "The variance is the expected squared distance from the mean. Squaring makes the theory smooth and the units strange, and so one takes the root at the end.",
]
UNCHECKABLE = [
    "For a suitable constant we may write $f(x) = g(x) + h(x)$, where $g$ is even and $h$ is odd; the decomposition is unique.",
    "In suitable units the energy satisfies $E = E_0 + \\Delta E$, and the correction is small as long as the field is weak.",
    "Counting by hand in the library gave $N_{\\text{books}} = 4120 \\text{ or so}$, but half of the shelves were empty that day.",
    "The author finds $F(n) = F(n - 1) + F(n - 2) + \\cdots + r(n)$ with a remainder that is never estimated.",
    "Suppose $P(A \\mid B) = p$ is known from experience. Then nothing follows about $P(B \\mid A)$ unless the base rates are known as well.",
    "With $\\pi(x)$ for the number of primes up to $x$ the theorem says $\\pi(x) \\sim x / \\ln x$, which is a statement about a limit.",
    "Measured on three days, the period was $T = 2.0 \\pm 0.1$ seconds; the length of the string was not recorded.",
    "Take any triangle $ABC$ with $\\angle A = \\alpha$ and let $M$ be the midpoint of $BC$; then $\\overline{AM} = m_a$ by definition.",
    "The survey reports $\\bar{x} = \\mu + \\epsilon$, as every survey does, with no word on the size of $\\epsilon$.",
    "From $u_{n+1} = \\varphi(u_n)$ one sees only that the orbit is determined by its first point.",
    "Let $\\mathcal{L}(y) = b$ be a linear equation. Its solutions are $y = y_p + y_h$ with one particular solution and all homogeneous ones.",
    "The manual claims a gain of $G = 20 \\log A$ and leaves open which amplitude is meant.",
    "We abbreviate $S = a_1 + a_2 + \\dots + a_n$ and will need nothing but that $S$ is finite.",
    "By the mean value theorem $f(b) - f(a) = f'(\\xi)(b - a)$ for some point between; which one is not said.",
    "In the notation of the paper $\\Phi = \\Phi^{-1}$ on a dense set, a claim for which no argument is given.",
    "Let $k = k(\\varepsilon)$ be chosen so large that the tail is below the tolerance; the proof does not need its value.",
]
_TITLES = [
    "Terms worth knowing", "A glossary in sentences", "Reading notes", "What the words mean", "Before you calculate", "Ideas without numbers", "Margin notes",
    "From the course blog", "Questions of language", "A page of definitions", "Some background", "Things left unsaid", "Thoughts after the lecture", "On reading mathematics",
]  # fmt: skip
_LINKS = [
    "On another page of the same notebook:", "A different matter.", "Related, though not obviously:", "The next entry is older.", "Then there is this.", "Moving on.",
    "It is worth setting beside this the following.", "A reader adds:", "For contrast:", "And a last one.", "Here the lecturer paused.", "The list continues.",
]  # fmt: skip
_STARTS = [
    "These paragraphs were written for people who have met the words before and want to be sure of them.", "No calculation appears on this page, and that is on purpose.",
    "I keep a file of sentences that helped me.", "The following was said in class, more or less.", "Definitions are read slowly or not at all.",
    "What follows is not meant to be complete.", "Someone asked for the ideas without the formulas.", "Copied from the board, with my comments.",
]  # fmt: skip


def without_computation(v: Voice) -> str:
    """Write a page that explains mathematics and computes nothing."""
    parts = [v.pick(*_TITLES), v.pick(*_STARTS)]
    for number, paragraph in enumerate(v.rng.sample(CONCEPTS, v.n(3, 6))):
        parts.append(f"{v.pick(*_LINKS)} {paragraph}" if number and v.rng.random() < 0.5 else paragraph)
    return "\n\n".join(parts)


def uncheckable(v: Voice) -> str:
    """Write a page whose equations cannot be checked by calculating."""
    parts = [v.pick(*_TITLES)]
    sentences = v.rng.sample(UNCHECKABLE, v.n(3, 5)) + v.rng.sample(CONCEPTS, v.n(1, 3))
    v.rng.shuffle(sentences)
    for number, paragraph in enumerate(sentences):
        parts.append(f"{v.pick(*_LINKS)} {paragraph}" if number and v.rng.random() < 0.4 else paragraph)
    return "\n\n".join(parts)
