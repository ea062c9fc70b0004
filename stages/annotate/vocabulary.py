"""The words by which the rules recognise mathematics, software, applied fields and other prose."""

from collections.abc import Mapping
from enum import IntEnum


class Kind(IntEnum):
    """What a word speaks for."""

    MATHEMATICAL = 0
    """Hardly used outside mathematics."""
    NUMERICAL = 1
    """Used in mathematics first of all, but also in software and applied fields."""
    EVERYDAY = 2
    """Has a mathematical sense among others: it counts only beside a formula or a mathematical word."""
    REASONING = 3
    """Joins the steps of an argument."""
    SOFTWARE = 4
    SIGNATURE = 5
    """Used in the documentation of any function, mathematical ones included."""
    APPLIED = 6
    PEOPLE = 7
    """Used where people, places, schools and books are spoken of, the names of subjects included."""
    NUMBER = 8
    """A number in words."""


_MATHEMATICAL = """
abelian additive adjacent antiderivative antisymmetric arccos arcsin arctan arctangent associative asymptote
asymptotic automorphism axiom axiomatic banach bayes bernoulli bessel bijection bijective bilinear binomial bipartite
bisect bisector cardinality cartesian cauchy centroid chebyshev cholesky chromatic circumcircle clique cohomology
collinear coloring combinatorial combinatorics commutative compactness concave congruence congruent conjecture
contradiction contrapositive converge convergent convex convexity coprime corollaries corollary coset cosine cotangent
countable counterexample cubic decagon denominator derivative determinant diagonalise diagonalizable diagonalize
differentiable dijkstra discriminant distributive diverge divergent divisibility divisible divisor eigenspace
eigenvalue eigenvector ellipse endomorphism equilateral equilibrium euclid euclidean euler eulerian factorial
fibonacci fourier functor gaussian gcd hamiltonian hermite hermitian hessian hexagon hilbert homeomorphism homology
homomorphism homotopy hyperbola hyperbolic hypergeometric hypergraph hypotenuse idempotent impossibility incircle
infimum injective integer integral integrand involution irrational isomorphic isomorphism isosceles jacobian laguerre
laplace laplacian lcm lebesgue legendre lemma lipschitz logarithm logarithmic maclaurin manifold markov martingale
maximizer minimizer modulo monoid monomial morphism multinomial multiplicative newton nilpotent nonnegative nonzero
nullity nullspace numerator odds orthocenter orthogonal orthonormal parabola parallelogram pentagon permutation
perpendicular pigeonhole polyhedron polynomial polynomially pythagoras pythagorean quadratic quadrature quadrilateral
quartic quaternion quotient reciprocal recurrence rhombus riemann secant semigroup sine spline sqrt subgroup
subsequence subspace summand summation superset supremum surjective symplectic tangent tautology taylor tetrahedron
theorem topological topology totient transcendental trapezoid trigonometric uncountable unitary
"""
_NUMERICAL = """
addition algebraic arithmetic bounded circle coefficient continuity continuous convergence correlation cube cubed
deviation diameter differentiate divided dividing division equation estimator even expectation exponent exponential
factoring factorise factorization factorize finite fraction geometric hypothesis induction inequality infinite
infinitely infinity integrate integrating interpolation inverse invertible likelihood linear matrices matrix median
monotonic multiplication multiplied multiply multiplying numerically odd pairwise parity perimeter polygon prime
probability proof provable prove proved puzzle quantile quartile quotient radius random rational recursive remainder
riddle simplifies simplify simplifying singular squared squaring substitution subtract subtracting subtraction
symmetric triangle unbounded variance vertex vertices
"""
_EVERYDAY = """
add algorithm angle approximate approximation arc area arrangement average axes axis base basis bound calculate card
chance chord class closed code coin column combination compact complex component compute condition cone confidence
confident connected constant convex coordinate coordinates count cover curve cycle cylinder decimal definition degree
density derive diagonal dice die difference digit dimension discrete distance distribution divide domain dual edge
element eliminate entropy entry equal error estimate evaluate event expand experiment expression factor field formula
function generator graph group height ideal identity image imaginary implies independent infinitesimal intersection
interval iteration kernel lattice length limit line map maximal maximum mean measure member method metric midpoint
minimal minimum minus model moment negative node norm normal notation nought number odds open operation operator order
pair parallel parameter partition path percent permute pivot plane plus point positive power product property range
rank ratio real rectangle regression regular relation residual result ring root row rule sample scalar segment
sequence series set side significance slope solution solve space sparse spectral spectrum sphere square statement
statistic step subset sum surface symbol tail tangent tensor term tolerance total trace transform transpose tree trial
triple tuple union unique unknown value variable vector volume weight whole zero
"""
_NUMBER = """
double dozen eight eighteen eighths eighty eleven fifteen fifth fifths fifty five forty four fourteen half halves
hundred million nine nineteen ninety quarter seven seventeen sevenths seventy six sixteen sixth sixths sixty ten
tenths third thirds thirteen thirty thousand three times twelve twenty twice two
"""
_REASONING = """
any arbitrary assume because becomes call called cannot claim consequently conversely define defined denote denoted
denotes either equal equals equivalently every exactly exists follows given gives hence holds if iff implies let means
must namely neither obtain obtained otherwise precisely satisfies satisfy show shown since so such suppose then
therefore thus whatever whence whenever write written yields
"""
_SOFTWARE = """
account allocation animate api app application arn async asyncio attribute attributes audio auth authentication
authorization await aws backend backward batch binary branch browser bucket buffer bug build builds button byte bytes
cache cached caching callback camera cell cells changelog checkpoint ci cli click client cloud cls cluster cmake
command commit compatibility compatible compilation compile compiled compiler config configuration configure
configured constructor container cookie copied copy coroutine cpu credential css csv cuda database dataset debian
debug decoder decorator default defaults deploy deployed deployment deprecated deprecation destructor device
directories directory disable disabled disk dispatcher docker docs documentation download dvc ec2 embedding enable
enabled encoded encoder encoding endpoint env environment exception file filename files filesystem fingerprint flag
flags folder fork fortran frontend fsspec getter git github gpu handler handlers hash hashed hashing header heap hook
html html5 http https iam implementation implementations import imported index indices install installation installed
instance instances interface iterable iterator jar java javadoc javascript job jobs json keyboard keyword kubernetes
kwargs lambda latency layer legacy licence license linux lock log logger logging logits macos memory merge message
metadata module multiprocessing mvn namespace npm object objects optional overridden override overrides overwrite
overwritten page pages pandas parquet parse parsed parser patch permission pickle pickled pip pipeline pixel pixels
plugin pointer pretrained printer processor program programmer programs proxies proxy pull python pytorch queries
query queue ram readme regex registry release render rendering repo repositories repository request requeue resource
response rest retries retry runtime rust s3 sagemaker scene schema script scripts self serialization serialize
serialized server service session setter setting settings socket software spreadsheet sql stack stderr stdin stdout
stream streaming string strings subclass subclasses subcommand subprocess syntax task tasks template terminal testing
text thread threading timeout token tokenized tokenizer torch transformers type types ubuntu unicode upload url urls
user validate validation validator version versions video warning web website widget windows workspace wrapped wrapper
xml yaml
"""
_SIGNATURE = """
args argument arguments array array_like arrays bool callable class convert converted dict dtype false float input
inputs int key keys list lists method ndarray none numpy option options output outputs param parameter parameters
params property raise raised raises return returned returns scipy shape shapes specified specifies specify str true
"""
_APPLIED = """
ablation ablations absorbance absorption absorptivity acceleration accelerometer accounting accuracy acid acoustic
actuarial actuator adamw advertising aerosol aggregate aircraft airfoil allele alleles alloy altitude amp amplifier
amps analyst analysts annuity anova antenna aperture assay asset assets astronomer astronomical astronomy athlete
atmosphere atom atomic audit azimuth bacteria bandwidth bank banking banks baseline basin batteries battery beam
bearing bearings behaviour bending biology biomass blood bolt bolts bond bonds borrower brand breaker broker budget
buffer buffers business buyback buybacks cable calibrate calibrated calibration calorie cancer capacitive capacitor
carbon cardiac carrier cash catalyst celsius centimetre centimetres centrifuge chemical chromatography chromosome
circuit clearance climate clinical cognition cognitive cohort combustion company compass compressor concentration
concrete conduction conductivity conductor consumption controller convection copper cortex cost costs covalent
creatinine credit crop crystal currency current customer customers cuvette dairy datasheet debt decibel decibels
deflection demand depreciation diagnosis diagnostic diet dilute diluted dilution dioxide disease dividend dna doped
dose dosing drag drought drug drugs earnings economic economics economy ecosystem elasticity electric electrical
electrode electrolyte electron electronic embryo emission emissions engine engineering enthalpy entropic enzyme
epidemic epochs equity exhaust exposure facade fahrenheit fastener feed fees fertilizer fft filter filtering fiscal
flow fluid focal focus forecast forest foundation foundations freight frequencies frequency friction fuel fuse gain
galaxy gating gear gears gene genome genotype genotypes geology germanium glacier gram grams guidance habitat hann
harvest hazard heat hedge hertz heterozygote hospital humidity hydraulic hydrogen ice immune impedance incidence
incubate inductance infection inference inflation infrared inheritance insolvency instrument insulation insurance
inventory inverter invest investment investor ion ionic irrigation isotope isotopic joist joule joules kcal kelvin
kidney kilogram kilograms kinetic knots lab laboratory laser latitude ledger lender lens liabilities liability lift
limestone liter liters litre litres liver livestock load loan longevity longitude lung machine magnet magnetic
manufacturer manufacturing margin market marketing masonry mass mechanics medicine metabolic methane millimeter
millimeters millimetre millimetres molar molarity molecule monetary mortality mortar mortgage motor muscle mutation
neuron neurons neutron nitrogen noise nozzle nuclear nurse nutrition obesity ocean optics optimizer orbit orbiter
oscillator overshoot oxidation ozone participant participants pascal pascals patient payload pharmacology phenotype
phosphorus photograph photon photovoltaic physician physics pipe pipette placebo planet plasma pneumatic policy
polymer porosity portfolio precipitation premium pressure prevalence price prices pricing procurement profit protein
proton psychological pump quantum questionnaire radiation rainfall rated reaction reagent recall regimen reinforcement
renal rent reserve resistance resistor retail revenue reverberation reynolds risk rocket roof rotor rpm sail salaries
salary sales sampled satellite scenario scenarios screening sea sediment seed semiconductor sensitivity sensor serum
setpoint shaft shareholder shares shear ship shipment ships signal silicon smoking snow sodium soil solar solubility
solvent sound sowing spacecraft species specification specifications specificity specimen spectra spectrometer
spectrometry spectroscopy star stator steel stellar stiffness stock strain stress supplier supply surgery survey
surveying symptoms synapse tariff tax telescope temperature terrain theodolite therapy thermal thermodynamic
throughput thrust tidal tide tides tillage timber titration torque transit traverse treatment tumor tumour turbine
turbulence vaccine valence valve vehicle velocity vessel vibration virus viscosity volatility volt voltage volts wage
warehouse watt watts wavelength wavelengths weld welding wheat wholesale wind windowing wiring zircon
"""
_PEOPLE = """
algebra apartment april art artist asked august aunt author authors autumn balcony bedroom believed biography boil
born boy boys bread brother bus calculus career carrots centuries century champion championship child children chop
church city coach college community council country cousin cried culture customers daughter death decade december died
dinner editor election enrol enrolled evening exhibition experts faculty father february felt flat flight friday
friend friends fry garden geometry girl girls goal government grade grades grandfather grandmother guide he her hers
herself him himself his historian history hotel husband i inn instructor january july june kids king kitchen lake
laughed leaders league lived loved lunch march match math mathematician mathematicians mathematics maths mayor me
memoir midterm minister monday morning mother mountain moved museum music my neighbor neighbour newspaper night novel
november obituary october oil onion our parents parliament party passion pepper philosopher philosophers philosophy
platonist poem poet political politics poll polls prerequisite prerequisites president professor pupil pupils queen
reader readers rebounds remembered restaurant river road said salt sang saturday school schools scored season seats
semester september serve she shots simmer sister society son soup spring statistics stories story street student
students summer sunday syllabus teacher teachers teaching team textbook textbooks thought thursday told tour town
trigonometry tuesday uncle universities university us village visitors votes walked war wednesday wife winter wrote
"""
_FUNCTION = """
a all also an and any are as at be been but by can do does each for from had has have he her his how i if in into is
it its may more no not of on one only or our she should so such than that the their then there these they this those
to was we were what when where which will with would you your
"""


def _forms(words: str) -> set[str]:
    """Return the words, and the plurals of those that may be nouns."""
    singular = set(words.split())
    return singular | {word + "s" for word in singular if len(word) > 2 and not word.endswith("s")}


def _classify() -> Mapping[str, Kind]:
    kinds: dict[str, Kind] = {}
    for kind, words in (
        (Kind.EVERYDAY, _EVERYDAY), (Kind.APPLIED, _APPLIED), (Kind.PEOPLE, _PEOPLE), (Kind.SIGNATURE, _SIGNATURE),
        (Kind.SOFTWARE, _SOFTWARE), (Kind.NUMERICAL, _NUMERICAL), (Kind.MATHEMATICAL, _MATHEMATICAL),
        (Kind.REASONING, _REASONING), (Kind.NUMBER, _NUMBER),
    ):  # fmt: skip
        kinds |= dict.fromkeys(_forms(words), kind)
    return kinds


KINDS = _classify()
FUNCTION_WORDS = frozenset(_FUNCTION.split())
"""Words that join others to sentences. Lists and tables have few of them."""
