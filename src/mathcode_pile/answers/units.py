"""The units that results are stated in, each with its worth in the base unit of its kind."""

import math

_KINDS = {
    "length": "mm 1e-3 cm 1e-2 dm 0.1 m 1 km 1e3 nm 1e-9 in 0.0254 ft 0.3048 yd 0.9144 mi 1609.344 millimeter 1e-3 "
    "centimeter 1e-2 meter 1 kilometer 1e3 metre 1 centimetre 1e-2 kilometre 1e3 inch 0.0254 inche 0.0254 foot 0.3048 "
    "feet 0.3048 yard 0.9144 mile 1609.344",
    "area": "mm^2 1e-6 cm^2 1e-4 m^2 1 km^2 1e6",
    "volume": "ml 1e-3 mL 1e-3 cl 1e-2 l 1 L 1 liter 1 litre 1 milliliter 1e-3 cm^3 1e-3 m^3 1e3",
    "mass": "mg 1e-6 g 1e-3 kg 1 lb 0.45359237 oz 0.028349523125 gram 1e-3 kilogram 1 pound 0.45359237 ton 1e3",
    "time": "ms 1e-3 s 1 sec 1 second 1 min 60 minute 60 h 3600 hr 3600 hour 3600 day 86400 week 604800 year 31557600",
    "angle": f"degree {math.pi / 180} deg {math.pi / 180} rad 1 radian 1",
    "money": "dollar 1 usd 1 euro 1 cent 0.01",
    "speed": f"m/s 1 km/h {1 / 3.6} kmh {1 / 3.6} mph 0.44704",
    "frequency": "Hz 1 kHz 1e3 MHz 1e6 GHz 1e9",
    "energy": "J 1 kJ 1e3 cal 4.184 kcal 4184 eV 1.602176634e-19",
    "power": "W 1 kW 1e3 MW 1e6",
    "pressure": "Pa 1 kPa 1e3 atm 101325",
    "charge": "C 1",
    "current": "A 1 mA 1e-3",
    "voltage": "V 1 mV 1e-3",
    "force": "N 1 kN 1e3",
    "other": "K 1 mol 1 m/s^2 1 kg/m^3 1 g/mol 1 unit 1 F 1",
}


def _read(table: str) -> dict[str, float]:
    words = table.split()
    return {name: float(worth) for name, worth in zip(words[::2], words[1::2], strict=True)}


UNITS: dict[str, tuple[str, float]] = {
    name: (kind, worth) for kind, table in _KINDS.items() for name, worth in _read(table).items()
}


def normalize(unit: str) -> str:
    """Return a unit in the singular, without points."""
    unit = unit.strip().strip(".")
    if unit in UNITS:
        return unit
    lower = unit.lower()
    if lower in UNITS:
        return lower
    return lower[:-1] if lower.endswith("s") else lower


def factor(stated: str, printed: str) -> float | None:
    """Return the factor from the printed unit to the stated one, None if they cannot be converted."""
    if normalize(stated) == normalize(printed):
        return 1.0
    one, other = UNITS.get(normalize(stated)), UNITS.get(normalize(printed))
    if one is None or other is None or one[0] != other[0] or one[0] in ("other", "money"):
        return None
    return other[1] / one[1]


def conversions(unit: str) -> list[float]:
    """Return the factors between a unit and the others of its kind."""
    entry = UNITS.get(normalize(unit))
    if entry is None:
        return []
    return [worth / entry[1] for kind, worth in UNITS.values() if kind == entry[0] and worth != entry[1]]
