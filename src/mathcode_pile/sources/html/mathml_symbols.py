"""The LaTeX names of the characters and functions that MathML uses, and of the letters' styles.

A character that has no entry is written as it is. Source: the symbol tables of amsmath and unicode-math.
"""

import unicodedata


def _pairs(table: str) -> dict[str, str]:
    parts = table.split()
    return {sign: f"\\{name}" for sign, name in zip(parts[::2], parts[1::2], strict=True)}


GREEK = _pairs(
    "α alpha β beta γ gamma δ delta ε varepsilon ϵ epsilon ζ zeta η eta θ theta ϑ vartheta ι iota κ kappa λ lambda "
    "μ mu µ mu ν nu ξ xi π pi ϖ varpi ρ rho ϱ varrho σ sigma ς varsigma τ tau υ upsilon φ varphi ϕ phi χ chi ψ psi "
    "ω omega Γ Gamma Δ Delta Θ Theta Λ Lambda Ξ Xi Π Pi Σ Sigma Υ Upsilon Φ Phi Ψ Psi Ω Omega ∂ partial ∇ nabla"
)
SYMBOLS = GREEK | _pairs(
    "± pm ∓ mp × times ÷ div · cdot ⋅ cdot ∗ ast ∘ circ ∙ bullet • bullet ⊕ oplus ⊖ ominus ⊗ otimes ⊙ odot † dagger "
    "≤ le ⩽ leqslant ≥ ge ⩾ geqslant ≠ ne ≈ approx ≅ cong ≃ simeq ∼ sim ≡ equiv ≢ not\\equiv ∝ propto ≪ ll ≫ gg "
    "≺ prec ≻ succ ∈ in ∉ notin ∋ ni ⊂ subset ⊃ supset ⊆ subseteq ⊇ supseteq ⊊ subsetneq ∪ cup ∩ cap ∅ emptyset "
    "∖ setminus ∁ complement ∀ forall ∃ exists ∄ nexists ¬ neg ∧ wedge ∨ vee ⊢ vdash ⊨ models ⊤ top ⊥ perp "
    "∥ parallel ∦ nparallel ∣ mid ∤ nmid ∠ angle → to ← leftarrow ↔ leftrightarrow ⇒ Rightarrow ⇐ Leftarrow "
    "⇔ Leftrightarrow ⟹ implies ⟸ impliedby ⟺ iff ↦ mapsto ⟶ longrightarrow ⟵ longleftarrow ↑ uparrow ↓ downarrow "
    "↪ hookrightarrow ⇌ rightleftharpoons ∑ sum ∏ prod ∐ coprod ∫ int ∬ iint ∭ iiint ∮ oint ⋃ bigcup ⋂ bigcap "
    "⋁ bigvee ⋀ bigwedge ⨁ bigoplus ⨂ bigotimes ∞ infty ℓ ell ℏ hbar ℜ Re ℑ Im ℵ aleph ℘ wp … dots ⋯ cdots ⋮ vdots "
    "⋱ ddots ′ prime ° circ √ surd ⌊ lfloor ⌋ rfloor ⌈ lceil ⌉ rceil ⟨ langle ⟩ rangle 〈 langle 〉 rangle ‖ Vert "
    "⋆ star △ triangle □ square ◻ square ∴ therefore ∵ because ⊲ triangleleft ⊳ triangleright ∎ blacksquare ⊎ uplus"
)
SYMBOLS |= {"−": "-", "\u2010": "-", "∕": "/", "⁄": "/", "~": "\\sim", "‴": "'''", "″": "''", "≔": ":="}
SYMBOLS |= {sign: f"\\{sign}" for sign in "%#&$_{}"} | {"\\": "\\backslash"}
# Invisible operators, function application, and spaces of no width.
SYMBOLS |= dict.fromkeys("\u2061\u2062\u2063\u2064\u200b\u200c\u200d\u2060\ufeff\u200a", "")
SYMBOLS |= {"\xa0": "\\ ", "\u2002": "\\ ", "\u2003": "\\quad"} | dict.fromkeys("\u2009\u2005\u2004", "\\,")

_FUNCTION_NAMES = (
    "arccos arcsin arctan arg cos cosh cot coth csc deg det dim exp gcd hom inf ker lg lim liminf limsup ln log max "
    "min Pr sec sin sinh sup tan tanh"
)
FUNCTIONS = frozenset(_FUNCTION_NAMES.split())
# Operators that take their lower and upper script as limits.
LARGE = frozenset("∑∏∐∫∬∭∮⋃⋂⋁⋀⨁⨂")
# The signs beside letters, and the combining characters that some editors write.
ACCENTS = {
    "¯": "\\bar", "ˉ": "\\bar", "\u0304": "\\bar", "‾": "\\overline", "―": "\\overline",
    "_": "\\underline", "\u0332": "\\underline", "^": "\\hat", "ˆ": "\\hat", "\u0302": "\\hat",
    "~": "\\tilde", "˜": "\\tilde", "\u0303": "\\tilde", "→": "\\vec", "\u20d7": "\\vec", "←": "\\overleftarrow",
    "˙": "\\dot", ".": "\\dot", "¨": "\\ddot", "⏞": "\\overbrace", "⏟": "\\underbrace",
    "ˇ": "\\check", "˘": "\\breve", "´": "\\acute", "`": "\\grave",
}  # fmt: skip
# What an accent becomes over more than one letter.
WIDE = {"\\bar": "\\overline", "\\hat": "\\widehat", "\\tilde": "\\widetilde", "\\vec": "\\overrightarrow"}
VARIANTS = {
    "bold": "\\mathbf", "bold-italic": "\\boldsymbol", "double-struck": "\\mathbb", "script": "\\mathcal",
    "bold-script": "\\mathcal", "fraktur": "\\mathfrak", "bold-fraktur": "\\mathfrak", "sans-serif": "\\mathsf",
    "monospace": "\\mathtt", "normal": "\\mathrm",
}  # fmt: skip
_STYLES = (
    ("DOUBLE-STRUCK", "\\mathbb"), ("SCRIPT", "\\mathcal"), ("FRAKTUR", "\\mathfrak"), ("BLACK-LETTER", "\\mathfrak"),
    ("SANS-SERIF", "\\mathsf"), ("MONOSPACE", "\\mathtt"), ("BOLD", "\\mathbf"), ("ITALIC", ""),
)  # fmt: skip


def write_character(character: str) -> str:
    """Return a character as LaTeX: a command, a letter in its style (ℝ is \\mathbb{R}), or the character itself."""
    if character in SYMBOLS:
        return SYMBOLS[character]
    if character.isascii():
        return character
    plain = unicodedata.normalize("NFKC", character)
    if len(plain) == 1 and plain != character:
        name = unicodedata.name(character, "")
        written = SYMBOLS.get(plain, plain)
        for word, command in _STYLES:
            if word in name:
                return f"{command}{{{written}}}" if command else written
    return character


def write_characters(text: str) -> str:
    """Return a text's characters as LaTeX, a space only where a command would run into the next letter."""
    out = ""
    for character in text:
        written = write_character(character)
        out = join(out, written)
    return out


def join(left: str, right: str) -> str:
    """Return two pieces of LaTeX as one, with a space where the left ends in a command and a letter follows."""
    if right[:1].isalpha() and right[:1].isascii():
        tail = left[left.rfind("\\") + 1 :] if "\\" in left else " "
        if tail and tail.isascii() and tail.isalpha():
            return f"{left} {right}"
    return left + right
