"""Type a piece of text by rules, without a model: cheap, and the same on every machine.

The rules count signs of mathematics, software and other fields for every thousand characters. They cannot tell a wrong
solution from a right one, judge quality, or read a language other than English.
"""

import re
from collections import Counter
from dataclasses import dataclass
from enum import IntEnum


class PieceType(IntEnum):
    """What a piece of text is to a reader who wants to learn mathematics from it."""

    PROBLEM_AND_SOLUTION = 1
    """Poses a mathematical problem and works it out."""
    CONCEPT_OR_THEORY = 2
    """Explains, defines, proves or shows a mathematical concept, theorem or method."""
    PROBLEM_WITHOUT_SOLUTION = 3
    """Poses mathematical problems and does not solve them."""
    APPLIED = 4
    """Science, engineering or business that uses mathematics as a tool."""
    SOFTWARE = 5
    """Programs, and text about using or configuring them."""
    OTHER_PROSE = 6
    """Any other running text."""
    NOISE = 7
    """Navigation, lists of links, bare tables, boilerplate, garble."""


def _vocabulary(words: str) -> frozenset[str]:
    return frozenset(words.split())


_WORD = re.compile(r"[a-z_][a-z_0-9]+")
# Formulas: LaTeX commands, dollar or bracket delimiters around something, roles of reStructuredText.
_FORMULA = re.compile(
    r"\\(?:[dt]?frac|sqrt|sum|int|prod|lim|binom|cdot|times|leq?|geq?|pi|alpha|beta|theta|lambda|infty|partial|mathbb"
    r"|mathrm|text|sin|cos|tan|log|ln|exp|left|begin\{[a-z]*(?:align|equation|matrix|cases)\*?\}|boxed|pmod|equiv|nu|zeta"
    r"|Gamma|Phi|phi|Psi|psi|Sigma|sigma|mu|ldots|cdots|dots|in|cup|cap|subset|to|mapsto|circ|approx|neq|pm)\b"
    r"|\$[^$\n]{1,200}\$|\\\(|\\\[|:math:`|\.\. math::|[∑∫√∞≤≥≠±×÷π∂∈ℝℤ]"
)
# Equations in plain text: 3*4 = 12, x^2 - 1 = 0, x**2.
_EQUATION = re.compile(
    r"[\d)\w] ?(?:[-+*/^×÷]|\*\*) ?[\d(\w]{1,12}[^=\n]{0,40}=\s?-?[\d(\w]|\w\*\*\w|\w\^\{?-?\w|\d\s?[+*/×÷]\s?\d"
)
# The vocabulary of mathematics, in the singular.
_MATHEMATICS = _vocabulary(
    """
    theorem lemma corollary corollaries proof prove proves proved axiom conjecture integer prime divisible
    divisor remainder modulo polynomial coefficient quadratic cubic root equation inequality inequalities
    variable matrix matrices vector determinant eigenvalue eigenvector linear bilinear orthogonal orthonormal
    unitary symmetric antisymmetric hermitian derivative differential differentiate integral integrand integrate
    integration limit converge converges convergence series sequence calculus logarithm exponential
    trigonometric sine cosine tangent hyperbolic factorial fraction numerator denominator algebra algebraic
    geometric geometry triangle circle radius angle perimeter polygon ellipse probability probabilities random
    permutation combination combinatorial combinatorics binomial expectation variance distribution gaussian
    bernoulli poisson hypergeometric bessel legendre chebyshev hermite laguerre fourier laplace euler gauss
    newton riemann hilbert manifold topology topological ring field group subgroup ideal homomorphism
    isomorphism isomorphic bijective injective surjective graph vertex vertices edge spanning bipartite cycle
    clique coloring planar digraph adjacency multigraph hypergraph node complex conjugate modulus sum product
    square cube arithmetic mathematical mathematics formula numerical asymptotic singularity singularities
    singular monotonic continuous discrete convex optimization minimize minimizes maximize interpolate
    interpolates interpolation spline quadrature residual norm symbolic expression simplify permute invertible
    rational irrational real imaginary decimal digit basis basic finite infinite infinity positive negative
    nonnegative zero zeros even odd gcd lcm fibonacci lattice partition tensor factorization factor cholesky
    eigenvalues algorithm cardinality subset superset tuple set operator commutator spectral recurrence identity
    identities inverse transpose diagonal triangular sparse rank kernel nullspace dot cross curvature metric
    normal plane line point segment parallel perpendicular coordinate axis axes dimension dimensional median
    mean deviation correlation covariance regression statistic hypothesis likelihood estimator moment quantile
    ratio percent average minus plus times divided multiplied multiply multiplication addition subtraction
    quotient
    """
)
_PROBLEM = re.compile(
    r"\b(?:problem|exercise|question|example)s?\b\s*(?:\d|[:.(])"
    r"|(?:^|[.:;?]\s+|,\s+|\n\s*|\d[.)] *|\*\*)(?:please\s+)?(?:find|compute|calculate|evaluate|"
    r"determine|solve|simplify|prove|show that|how (?:many|much|far|long|old|fast|big|large|tall)|"
    r"what (?:is|are|was|will)|express|expand|factor|differentiate|integrate|which of)\b",
    re.IGNORECASE,
)
_SOLUTION = re.compile(
    r"\b(?:solution|answer|solving|hence|therefore|thus|so that|it follows|"
    r"we (?:get|have|find|obtain|see|can|need|know|use|want)|substitut(?:e|es|ing)|simplif(?:y|ies|ying)|"
    r"gives|giving|which is|is equal to|equals|adding|subtracting|multiplying|dividing|as required|"
    r"q\.?e\.?d)\b|\\boxed|∴|\\therefore|\\implies|\\Rightarrow",
    re.IGNORECASE,
)
# The vocabulary of software and its documentation.
_SOFTWARE = _vocabulary(
    """
    api http https url urls request response client server session socket proxy proxies cookie header json yaml
    xml csv html config configuration configure configured credential token tokenizer tokenized auth
    authentication authorization iam arn aws amazon bucket s3 lambda endpoint resource tag file filename
    directory directories folder path filesystem disk cached cache caching git commit repo repository
    repositories cli command subcommand terminal stdout stderr stdin logging logger log async asyncio await
    coroutine thread threading subprocess multiprocessing lock callback hook deprecated exception warning
    decorator import module plugin backend frontend database sql schema query queries user account permission
    policy policies version install installed deploy deployed deployment container docker kubernetes cluster
    checkpoint pretrained layer attention embedding encoder decoder processor dataset pipeline batch torch
    tokens gpu cuda buffer byte bytes encoding encoded parser parse parsed serialize serialized serialization
    timeout retry retries upload download stream streaming message event queue dvc fsspec pandas arrow parquet
    fortran compiler compiled compilation wrapper wrapped printer debug subclass kwargs metadata unicode regex
    workspace app application service device cloud region tests testing image audio video text widget html5
    browser transformer transformers hidden masked masks logits config_dict sagemaker ec2 rest cls self
    """
)
# Words in the documentation of any function, mathematical ones included, so they weigh less.
_SIGNATURE = _vocabulary(
    """
    class method instance attribute property keyword args argument parameter param str bool dict none true false
    optional raise error type return default callable string object numpy scipy array_like ndarray dtype array
    list index indices key option flag input output iterable iterator int float shape
    """
)
# Words of fields that apply mathematics.
_APPLIED = _vocabulary(
    """
    velocity acceleration force mass energy voltage current circuit resistor temperature pressure molecule
    chemical reaction quantum electron photon astronomy astronomical economics economic market revenue invest
    investment investor loan tax budget patient clinical climate soil engine engineering sensor signal frequency
    frequencies bandwidth spectrum antenna mechanics fluid heat optics lens kinetic physics biology medicine
    hydrogen atom atomic
    """
)
# Reference pages use the imperative ("Compute the ...") although they pose no problem.
_REFERENCE = re.compile(r"^(?:Parameters|Returns|Notes|Examples?|See Also|References)\n[-=~]{3,}|^>>> ", re.MULTILINE)
# Words of menus and page frames, and addresses.
_MENU = re.compile(
    r"\b(?:home|login|log in|sign (?:in|up)|cookies?|privacy policy|terms of (?:use|service)|all rights reserved|"
    r"subscribe|next page|previous|share this|click here|copyright|menu|read more|newsletter)\b|https?://",
    re.IGNORECASE,
)
_CODE_LINE = re.compile(
    r"^\s*(?:>>> |\.\.\. |In \[\d|def \w+\(|class \w+[:(]|import \w|from \w+ import|return\b|if .*:$|for .*:$|#include"
    r"|\}\s*;?$|:(?:param|type|rtype|returns?|raises?)\b|@\w+|\w+ ?= ?\w+\(|\$ \w)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Signs:
    """How often a text has each kind of sign, for every 1,000 characters."""

    mathematics: float
    software: float
    applied: float


def count_signs(text: str) -> Signs:
    """Count the signs of a text. A shorter one counts as 400 characters, so that one word decides nothing."""
    scale = 1000 / max(len(text), 400)
    mathematics = software = applied = signature = 0
    for word, count in Counter(_WORD.findall(text.lower())).items():
        singular = word[:-1] if word.endswith("s") else word
        mathematics += count * (word in _MATHEMATICS or singular in _MATHEMATICS)
        software += count * (word in _SOFTWARE or singular in _SOFTWARE)
        applied += count * (word in _APPLIED or singular in _APPLIED)
        signature += count * (word in _SIGNATURE or singular in _SIGNATURE)
    formulas = min(len(_FORMULA.findall(text)), 60) + 0.7 * min(len(_EQUATION.findall(text)), 40)
    code = len(_CODE_LINE.findall(text))
    return Signs(
        scale * (1.5 * formulas + mathematics - 0.8 * software - 0.3 * signature),
        scale * (software + 0.7 * signature + 2 * code),
        scale * applied,
    )


def is_related(text: str) -> bool:
    """Tell whether a text is about mathematics."""
    return count_signs(text).mathematics >= 3.0


def type_piece(text: str) -> PieceType:
    """Return the type of a piece of text."""
    if _is_noise(text):
        return PieceType.NOISE
    signs = count_signs(text)
    if signs.mathematics < 3.0:
        if signs.software >= 6.0:
            return PieceType.SOFTWARE
        return PieceType.APPLIED if signs.applied >= 4.0 else PieceType.OTHER_PROSE
    if signs.applied > 0.8 * signs.mathematics:
        return PieceType.APPLIED
    if _REFERENCE.search(text) or not _PROBLEM.search(text):
        return PieceType.CONCEPT_OR_THEORY
    worked = len(_SOLUTION.findall(text)) + len(_EQUATION.findall(text))
    return PieceType.PROBLEM_AND_SOLUTION if worked >= 2 else PieceType.PROBLEM_WITHOUT_SOLUTION


def _is_noise(text: str) -> bool:
    if 1000 / max(len(text), 400) * len(_MENU.findall(text)) >= 8.0:
        return True
    return len(_WORD.findall(text.lower())) < 5 and not _FORMULA.search(text) and not _EQUATION.search(text)
