"""LaTeX commands by what they say: nothing (how a formula looks, or a sign), or a word that text writes out too."""

# How a formula looks, and not what it says.
DRESS = """
    left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr quad qquad enspace thinspace
    medspace thickspace negthinspace hspace vspace hfill space nobreakspace displaystyle textstyle scriptstyle
    limits nolimits phantom mathstrut strut text textrm textbf textit textsf texttt textnormal textup textsc mbox hbox
    emph underline mathrm mathbf mathit mathsf mathtt mathbb mathcal mathfrak mathscr mathop mathbin mathrel boldsymbol
    bm operatorname operatornamewithlimits begin end label tag nonumber notag item noindent newline par raggedright
    includegraphics centering intertext substack rule hline cline tabularnewline normalsize small large rm bf it cal
    boxed color textcolor
""".split()  # noqa: SIM905 -- a hundred names read better in lines
# Signs. Plain text has one character for each, or none, and no character but a letter or digit makes a word.
SIGNS = """
    frac dfrac tfrac cfrac over sqrt root binom dbinom tbinom choose atop times cdot cdots ldots dots dotsc dotsb vdots
    ddots div pm mp ast star circ bullet oplus otimes odot le leq leqslant ge geq geqslant ne neq lt gt ll gg equiv
    approx sim simeq cong propto doteq prec succ preceq succeq in notin ni subset supset subseteq supseteq subsetneq
    cup cap bigcup bigcap setminus backslash emptyset varnothing forall exists neg lnot land lor wedge vee bigoplus
    bigotimes sum prod coprod int iint iiint oint partial nabla infty prime to gets mapsto rightarrow leftarrow
    longrightarrow longleftarrow leftrightarrow uparrow downarrow implies iff mid nmid parallel nparallel perp angle
    measuredangle triangle square degree lfloor rfloor lceil rceil langle rangle lbrace rbrace lbrack rbrack vert lvert
    rvert lVert rVert colon therefore because dagger not overline underbrace overbrace bar hat widehat tilde widetilde
    vec overrightarrow overset underset stackrel dot ddot top bot vdash models cdotp bmatrix pmatrix sharp flat natural
    nearrow searrow nexists rightleftharpoons trianglelefteq ntriangleleft textdegree textbackslash textasciitilde
    textgreater textless tfrac nleq ngeq notequal nsubseteq nsim ncong textellipsis rightsquigarrow rule
""".split()  # noqa: SIM905
# Letters by another name, and the word "mod" with its brackets.
RENAMED = {"pmod": "mod", "bmod": "mod"} | {
    f"var{name}": name for name in ("epsilon", "theta", "phi", "rho", "sigma", "pi", "kappa")
}
# Words that begin like an escape (\n, \r, \t) and are none.
WORDS_LIKE_ESCAPES = "nu nabla rho tau theta tan tanh tr trace rank ran rad re real reals rem res null norm".split()  # noqa: SIM905
GREEK = """
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma sigma tau upsilon phi
    chi psi omega
""".split()  # noqa: SIM905
# Drawings as code: what is between is no text.
DRAWINGS = ("asy", "tikzpicture", "picture", "pspicture")


def say_commands() -> dict[str, str]:
    """Return what each known command counts as: a word, or nothing."""
    silent = dict.fromkeys([*DRESS, *SIGNS], "")
    return silent | {name: name for name in [*WORDS_LIKE_ESCAPES, *GREEK]} | RENAMED | dict.fromkeys("nrt", "")


def name_greek() -> dict[str, str]:
    """Return the name of each Greek letter, as the command that writes it."""
    small = {chr(0x3B1 + place): name for place, name in enumerate(GREEK)}
    return small | {letter.upper(): name for letter, name in small.items()} | {"ϵ": "epsilon", "ϑ": "theta", "ϕ": "phi"}
