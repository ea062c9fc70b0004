"""A number has a name in a program only where the text ties the name to it; otherwise the name claims nothing."""

import pytest

from stages.translate.symbolic import translate_document


def code_of(text: str) -> str:
    """The last program of a text, without its imports."""
    code = translate_document(text).computations[-1].code
    return "\n".join(line for line in code.splitlines() if line and not line.startswith("from "))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (r"Each bag holds 25 kg, so there are $25 \cdot 12 = 300$ in stock.", "kilograms = 25"),
        (r"Ann lends 700 crowns for a year at 6\%, which brings $700 \cdot 0.06 = 42$.", "crowns = 700"),
        (r"A notebook costs 24 euros each, and $24 \cdot 15 = 360$ is due.", "price = 24"),
        (r"The bridge is 40 m wide and so $40 \cdot 17 = 680$.", "width = 40"),
        (r"It stands 20 m from the wall, thus $20 \cdot 17 = 340$.", "distance = 20"),
        (r"The room has 20 °C, hence $20 \cdot 1.8 + 32 = 68$.", "temperature = 20"),
        (r"Stones fall with 10 m/s² here. After a while: $10 \cdot 14 = 140$.", "acceleration = 10"),
        (
            r"Bags have mean 1002 g and standard deviation 14 g. So $1002 + 2 \cdot 14 = 1030$.",
            "standard_deviation = 14",
        ),
        (r"The mean of 16 bags was taken, so that $\sqrt{16} \cdot 12 = 48$.", "bags = 16"),
    ],
)
def test_a_unit_names_the_unit_and_words_around_it_the_quantity(text: str, name: str) -> None:
    assert name in code_of(text).splitlines()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (r"Dropping a zero from sheets with otherwise 90 raises the average, from $9 \cdot 90 = 810$.", "90"),
        (r"Old walls have 0.65 m²K/W, and $120 \cdot 20 / 0.65 \approx 3692$.", "0.65"),
        # A number of another sentence, which the text also mentions without a name.
        (
            r"Cut it into 3 squares. Not close to 3, but 3. There $3 \cdot \sin 60^\circ = \frac{3\sqrt{3}}{2}$.",
            "3",
        ),
        (r"A hexagon has 6 triangles. The angle is small: $12 \cdot \sin\frac{\pi}{6} = 6$.", "6"),
        (r"Chiara needs 15 hours, Elena 3. Together $\frac{1}{15} + \frac{1}{3} = \frac{2}{5}$ of it an hour.", "15"),
        # Another quantity of the same size, in a paragraph of its own.
        ("My way is 14 km long.\n\nA bicycle has 42 teeth in front and 14 behind: $14 \\cdot 15 + 1 = 211$.", "14"),
        (r"He drove 4 hours at 90 km/h. That makes $90 \cdot 4 = 360$ km, and $360 + 90 = 450$.", "90"),
    ],
)
def test_a_number_that_the_text_does_not_tie_to_a_name_stays_a_number(text: str, number: str) -> None:
    assert not any(line.endswith(f"= {number}") for line in code_of(text).splitlines()[-3:-1][-1:])
    assert number in code_of(text).splitlines()[-2]


def test_a_small_number_of_an_earlier_sentence_has_its_name_where_another_number_comes_from_there_too() -> None:
    text = r"A crate has 12 bottles, and 8 crates are a pallet, not 9. One pallet is full: $12 \cdot 8 = 96$ bottles."
    assert code_of(text).splitlines()[:2] == ["bottles = 12", "crates = 8"]


def test_the_letters_of_the_page_keep_their_meaning() -> None:
    text = r"An ellipse has the half axes $a$ and $b$ with $b < a$. The pegs are at $\sqrt{15^2 - 12^2} = 9$."
    assert "a =" not in code_of(text) and "b =" not in code_of(text)
    assert code_of(text.replace("$a$ and $b$ with $b < a$", "known")).splitlines()[:2] == ["a = 15", "b = 12"]


def test_a_result_is_not_named_by_what_follows_the_end_of_its_clause() -> None:
    text = "Near zero it is harmless,\n$$\\int_0^1 \\frac{1}{\\sqrt{x}}\\,dx = 2,$$\nwhereas the other is not."
    assert "integral = integrate(" in code_of(text)


def test_quantities_of_two_steps_with_one_word_are_numbered() -> None:
    text = (
        r"Resistors of 220 and 210 ohms are in parallel. The currents are $\frac{6}{220} = \frac{3}{110}$ and "
        r"$\frac{6}{210} = \frac{1}{35}$, in all $\frac{6}{220} + \frac{6}{210} = \frac{43}{770}$."
    )
    assert code_of(text).splitlines()[:2] == ["ohms_1 = 220", "ohms_2 = 210"]


def test_of_a_binomial_coefficient_both_numbers_have_names() -> None:
    assert code_of(r"Of 13 toppings one chooses $\binom{13}{3} = 286$.").splitlines()[:2] == ["toppings = 13", "k = 3"]


def test_a_known_difference_of_a_sequence_does_not_name_a_result() -> None:
    text = r"The fourth term is 11 and the difference 3. So the first is $11 - 3 \cdot 3 = 2$."
    assert "difference =" not in code_of(text)


def test_a_value_that_is_stated_again_has_no_second_name() -> None:
    text = (
        r"The length is $L = \int_1^2 x^2 dx = \frac{7}{3}$. It is longer, $\frac{7}{3} \approx 2.333$, than the chord."
    )
    assert code_of(text).splitlines()[-1] == "print(round(float(L), 3))"


def test_a_negative_factor_is_subtracted() -> None:
    assert "2 * (-3) ** 3 - 4 * (-3) ** 2 - 1" in code_of(
        r"At $x = -3$: $2 \cdot (-3)^3 + (-4) \cdot (-3)^2 - 1 = -91$."
    )


def test_a_power_of_a_sum_of_roots_is_worked_out() -> None:
    assert code_of(r"Squared, $(2 + \sqrt{3})^2 = 7 + 4\sqrt{3}$.").splitlines()[-1] == "print(expand(power))"


def test_legs_that_the_text_states_have_their_names() -> None:
    text = r"The legs of a right triangle are 36 and 160. In one line $\sqrt{36^2 + 160^2} = 164$."
    assert code_of(text).splitlines()[:2] == ["leg_1 = 36", "leg_2 = 160"]
    assert "leg" not in code_of(text.replace("legs", "sides"))
