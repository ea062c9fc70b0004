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
theorem lemma corollary corollaries axiom conjecture polynomial monomial binomial multinomial eigenvalue eigenvector
eigenspace determinant derivative antiderivative axiomatic integrand logarithm logarithmic cosine sine tangent cotangent secant
hypotenuse numerator denominator divisor divisible divisibility coprime congruence congruent modulo homomorphism
isomorphism isomorphic endomorphism automorphism bijection bijective injective surjective subgroup coset abelian
commutative associative distributive monoid semigroup topology topological compactness manifold homeomorphism homotopy
homology cohomology functor morphism convergent converge diverge divergent supremum infimum cauchy
countable uncountable cardinality superset lipschitz hessian jacobian laplacian fourier laplace taylor maclaurin
riemann lebesgue euclidean euclid pythagoras pythagorean gaussian bernoulli markov bayes chebyshev legendre bessel
hermite laguerre hypergeometric hilbert banach combinatorics combinatorial permutation factorial pigeonhole bipartite
hypergraph eulerian hamiltonian parabola hyperbola ellipse circumcircle incircle centroid orthocenter bisector bisect
collinear parallelogram rhombus trapezoid quadrilateral pentagon hexagon decagon polyhedron tetrahedron
contrapositive tautology irrational nonzero nonnegative totient fibonacci recurrence summand
arctan arctangent arcsin arccos gcd lcm orthogonal orthonormal subspace diagonalize diagonalise diagonalizable
 symplectic quaternion quadratic cubic quartic newton euler integer differentiable asymptote asymptotic
discriminant involution idempotent nilpotent transcendental antisymmetric hermitian unitary bilinear trigonometric
hyperbolic subsequence nullity nullspace spline quadrature equilateral isosceles perpendicular adjacent
contradiction counterexample integral quotient sqrt cholesky dijkstra polynomially coloring clique
chromatic minimizer maximizer summation multiplicative additive odds martingale equilibrium impossibility concave convex convexity
reciprocal cartesian 
"""
_NUMERICAL = """
equation inequality fraction probability expectation variance matrix matrices coefficient exponent
exponential geometric arithmetic symmetric linear triangle circle  prime quotient remainder multiply
multiplying multiplied multiplication subtract subtracting subtraction addition divided dividing division proof prove
proved provable radius perimeter diameter polygon cube cubed squared squaring vertex vertices algebraic infinity
infinite infinitely finite differentiate integrate integrating factorization factorise factorize factoring
random deviation correlation hypothesis median quartile quantile estimator likelihood invertible inverse
convergence singular rational numerically induction puzzle riddle bounded unbounded monotonic continuous continuity interpolation
substitution recursive parity odd even pairwise simplify simplifies simplifying
"""
_EVERYDAY = """
set point variable vector scalar product root series sequence limit field ring group ideal normal plane line
square real complex imaginary function graph edge tree node cycle path degree order rank basis base dimension
coordinate axis axes angle degree area volume slope distance length side height curve surface tangent segment
number digit decimal sum difference ratio percent average mean total minus plus equal zero positive negative minimum
maximum minimal maximal constant term factor power expression operator operation identity element member subset union
intersection map image kernel domain range interval bound distribution sample event independent trial experiment
density error tolerance iteration step approximation solution solve derive transform transpose diagonal trace norm
metric space dual partition lattice tuple permute generator relation class parallel midpoint chord arc sphere
rectangle cone cylinder count chance coin die dice card odds whole column row entry pivot
coordinates combination arrangement algorithm statement definition notation symbol formula result compute
divide add convex unique property condition implies pair triple regular regression statistic residual moment entropy
tensor spectral spectrum sparse discrete cover open closed compact connected component tail code measure value
unknown parameter model weight estimate significance confidence confident calculate evaluate rule method
eliminate expand approximate infinitesimal nought
"""
_NUMBER = """
two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million twice half halves quarter thirds third
fifths fifth sixths sixth sevenths eighths tenths dozen times double
"""
_REASONING = """
hence therefore thus suppose let assume since because then if implies follows consequently whenever whence
so namely equivalently conversely otherwise exists exactly precisely every any arbitrary satisfy satisfies denote
denoted denotes define defined call called write written obtain obtained show shown claim holds given such
either neither iff whatever must cannot equals equal gives yields becomes means
"""
_SOFTWARE = """
api http https url urls request response client server session socket proxy proxies cookie header json yaml xml csv
html config configuration configure configured credential token tokenizer tokenized auth authentication authorization
iam arn aws bucket s3 lambda endpoint resource filename directory directories folder filesystem disk cached
cache caching git github commit repo repository repositories cli command subcommand terminal stdout stderr stdin logging logger
log async asyncio await coroutine thread threading subprocess multiprocessing callback hook deprecated exception
warning decorator import imported module plugin backend frontend database sql schema query queries user account
permission install installed installation deploy deployed deployment container docker kubernetes cluster checkpoint
pretrained layer embedding encoder decoder processor dataset pipeline batch torch pytorch gpu cuda buffer byte bytes
encoding encoded parser parse parsed serialize serialized serialization timeout retry retries upload download stream
streaming message queue dvc fsspec pandas parquet fortran compiler compile compiled compilation wrapper wrapped printer
debug subclass subclasses kwargs metadata unicode regex workspace app application service device cloud testing audio
video text widget html5 browser transformers logits sagemaker ec2 rest cls self pickle pickled file files
java javascript python javadoc rust cmake pip npm mvn jar cpu ram memory latency runtime release version versions
bug patch fork branch merge pull ci build builds binary linux ubuntu debian macos windows environment env override
overridden overrides overwrite overwritten default defaults setting settings script scripts syntax string strings
template  namespace constructor destructor getter setter interface implementation implementations
compatibility compatible backward deprecation documentation docs readme license licence changelog
legacy keyword software program programs programmer lock allocation pointer heap stack render rendering  pixel
pixels css camera animate scene keyboard button click page pages website web  cell cells spreadsheet
index indices iterator iterable hash hashing hashed fingerprint validation validate validator registry dispatcher
handler handlers flag flags enabled disable disabled enable optional copy copied object objects instance instances
attribute attributes type types   job jobs task tasks requeue
"""
_SIGNATURE = """
class method property args argument arguments parameter parameters param params str bool dict none true false raise raises raised returned
return returns array arrays list lists scipy numpy array_like ndarray dtype key keys option options input inputs output outputs float
int shape shapes callable convert converted specify specifies specified
"""
_APPLIED = """
velocity acceleration mass voltage current circuit resistor resistance temperature pressure molecule chemical reaction
quantum electron photon astronomy astronomical astronomer economics economic economy market revenue invest investment investor
loan tax budget patient clinical climate soil engine engineering sensor signal bandwidth antenna mechanics fluid heat
optics lens kinetic physics biology medicine hydrogen atom atomic amplifier capacitor capacitive inductance frequency frequencies
oscillator actuator controller calibration calibrate beam load bending shear deflection timber steel concrete
joist stress strain stiffness torque friction  acid sodium molar solvent concentration dose dosing renal
clearance creatinine mortality hazard cohort placebo treatment disease infection risk participants smoking
regimen symptoms therapy diagnosis muscle protein metabolic calorie kcal diet athlete  fertilizer crop
wheat seed sowing tillage harvest irrigation emission emissions ocean glacier ice sea atmosphere rainfall
sediment limestone isotope zircon porosity geology basin orbit star planet telescope transit galaxy stellar
aperture exposure focal  focus photograph decibel acoustic reverberation sound noise absorption
inventory stock supplier supply demand elasticity consumption price prices pricing cost costs sales profit margin earnings equity
shares shareholder dividend liabilities liability asset assets portfolio insolvency insurance premium reserve annuity debt cash
 customer customers business company tariff wage inflation monetary fiscal policy
cable copper breaker wiring  fuse watt motor pump valve pipe flow turbine compressor machine
laboratory lab specimen instrument spectrometer spectra spectroscopy infrared laser crystal semiconductor germanium
silicon doped carrier magnet magnetic electric electrical electronic plasma nuclear radiation neutron proton ion
 enzyme gene genome dna  bacteria virus species  anova participant recall
questionnaire psychological cognitive behaviour therapy baseline ablation ablations epochs throughput inference
 optimizer adamw gating    accuracy
survey surveying traverse bearing bearings theodolite terrain exposure wind snow roof facade fastener
vehicle aircraft airfoil drag lift thrust fuel combustion  exhaust  vibration shaft
accelerometer sampled hann fft windowing filter filtering  gain overshoot setpoint
actuarial longevity scenario scenarios forecast volatility hedge bond bonds 
nutrition obesity physician nurse hospital surgery drug drugs pharmacology
rent salaries salary fees
absorbance absorptivity wavelength wavelengths cuvette reagent titration solubility  enthalpy entropic
catalyst polymer alloy molarity chromatography buffer buffers dilute diluted dilution pipette centrifuge assay incubate
oxidation ionic covalent valence isotopic spectrometry electrode electrolyte battery batteries impedance conductor
conductivity insulation  rotor stator inverter  photovoltaic solar 
thermal thermodynamic  convection conduction viscosity turbulence reynolds nozzle hydraulic pneumatic
rpm gear gears  weld welding bolt bolts masonry foundation foundations reinforcement aggregate mortar
allele alleles genotype genotypes phenotype chromosome mutation heterozygote  inheritance embryo neuron
neurons synapse cortex cognition serum  blood cardiac kidney liver lung tumour tumor cancer vaccine immune
epidemic incidence prevalence screening diagnostic sensitivity specificity 
compass  tide tides tidal  vessel ship ships sail latitude longitude altitude azimuth
satellite orbiter rocket payload spacecraft
ecosystem habitat biomass nitrogen phosphorus carbon dioxide methane ozone aerosol humidity precipitation drought
forest   livestock dairy feed
manufacturer manufacturing warehouse shipment freight procurement retail wholesale brand marketing advertising
analyst analysts guidance buyback buybacks  broker  currency bank banks banking mortgage
lender borrower credit audit accounting ledger  depreciation
millimetre millimetres millimeter millimeters centimetre centimetres kilogram kilograms gram grams litre litres liter liters
volt volts amp amps watts joule joules  pascal pascals hertz kelvin celsius fahrenheit knots decibels
calibrated specification specifications datasheet  rated
"""
_PEOPLE = """
mathematician mathematicians mathematics math maths algebra geometry calculus statistics trigonometry professor university universities
school schools student students teacher teachers teaching pupil pupils  faculty college 
grade grades semester syllabus textbook textbooks prerequisite prerequisites instructor  midterm enrol enrolled
career born died death wife husband father mother daughter son sister brother grandfather grandmother aunt uncle
cousin neighbour neighbor friend friends village city town country war church king queen president mayor minister
government council parliament election party votes seats poll polls newspaper editor reader readers author authors
novel story stories  century centuries decade biography obituary memoir museum visitors exhibition
tour guide hotel inn restaurant kitchen garden flat apartment bedroom balcony road street mountain river lake
bus  flight morning evening night winter summer autumn spring monday tuesday wednesday thursday friday
saturday sunday january february march april june july august september october november december
season match league team coach  champion championship leaders scored goal shots rebounds
dinner lunch soup bread onion carrots salt pepper oil boil simmer fry chop serve
he she his her him hers himself herself my me i  our us said told asked remembered laughed cried
sang walked loved lived moved believed thought felt wrote
philosopher philosophers philosophy platonist culture history historian art artist music poem poet
politics political society community  experts leaders passion customers
parents children child boy boys girl girls kids
"""
_FUNCTION = """
the a an of to in is are was were be been and or that this these those it its for with as by on at from which but not
if we you he she they i has have had do does can may will would should there then than when where what how all any
each into so one only no more such also their his her our your
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
