"""Names, addresses and contacts of people who don't exist; family names and streets are composed."""

import random
from collections.abc import Callable, Sequence

Rng = random.Random

GIVEN = {
    "en": "Oliver Harriet Callum Imogen Nathan Poppy Declan Tamsin George Ruby Edwin Clara Rupert Emily Jack Martha",
    "de": "Lukas Annegret Jürgen Heidi Matthias Lieselotte Torben Ulrike Bastian Frauke Detlef Sabine Moritz Käthe",
    "fr": "Benoît Océane Gaëtan Maëlle Thibault Solène Rémi Clémence Julien Élodie Didier Sandrine Loïc Margaux",
    "es": "Álvaro Lucía Íñigo Rocío Javier Marisol Diego Begoña Emilio Pilar Rubén Carmen Gonzalo Nieves Pablo",
    "nl": "Joost Femke Sjoerd Anouk Maarten Lotte Ruben Marijke Daan Hanneke Bram Sanne Thijs Ilse Wouter Lieke",
    "it": "Giacomo Ginevra Matteo Rossella Luca Martina Fabrizio Ilaria Salvatore Chiara Davide Noemi Andrea Giulia",
    "pl": "Mateusz Zuzanna Kacper Oliwia Tomasz Agnieszka Wojciech Kinga Marcin Ewa Paweł Beata Jakub Hanna Grzegorz",
    "sv": "Linus Ebba Viktor Saga Anders Maja Hampus Agnes Erik Linnea Oskar Tuva Nils Ingrid Fredrik Karin Johan",
}  # fmt: skip
FAMILY = {
    "en": (
        "Ash Brad Hart Thorn Wood Kings Hol Whit Lang Stan",
        "ley ton well ford field worth combe more wick bury",
    ),
    "de": (
        "Berg Stein Wald Lind Hart Schön Roth Eich Grün Winkel",
        "mann er bach feld hauer meier brecht wig hof ner",
    ),
    "fr": (
        "Beau Mont Char Dela Gran Lam Mal Ser Ville Roch",
        "mont court vin lier dier bert neuf champ fort rin",
    ),
    "es": ("Alar Bel Cas Dom Fer Gal Mar Nar Per Sal", "cón trán tillo íngue rero indo tínez váez era daña"),
    "nl": (
        "Bak Dijk Hoog Klein Meer Vel Wester Zand Korte Lind",
        "huis stra man veld kamp mans brink hof berg ema",
    ),
    "it": ("Bel Cal Dona Fer Gal Mar Pell Ros Sant Vi", "lini tti ello ani oni ucci aldi etti ara elli"),
    "pl": (
        "Kowal Nowa Wiśn Zie Dąbr Mazur Krawcz Wójt Kacz Lewan",
        "ski czyk iewicz kowski cki arek owicz ak dowski iński",
    ),
    "sv": (
        "Lind Berg Sjö Ek Ny Hol Sand Björk Dal Ström",
        "ström gren kvist berg man lund dahl holm blad vall",
    ),
}
CITY = {
    "en": "Leeds Bristol Norwich Exeter Durham Oakham Whitby Kendal Ludlow Derby York Bath Oxford Luton Hull Preston",
    "de": "Köln Bremen Kassel Mainz Ulm Celle Husum Görlitz Trier Erfurt Bonn Siegen Essen Jena Fulda Hamm",
    "fr": "Lyon Nantes Lille Dijon Metz Brive Albi Nevers Angers Rennes Tours Reims Caen Pau Nice Amiens",
    "es": "Sevilla Málaga Bilbao Burgos Cádiz Lugo Soria Teruel Murcia Toledo León Gijón Vigo Huelva Jaén Girona",
    "nl": "Utrecht Breda Zwolle Delft Gouda Hoorn Sneek Tiel Arnhem Leiden Assen Venlo Haarlem Almere Emmen Deventer",
    "it": "Torino Parma Pisa Lucca Bari Lecce Imola Asti Verona Modena Siena Genova Padova Trieste Ferrara Bergamo",
    "pl": "Kraków Gdańsk Poznań Lublin Toruń Opole Kielce Płock Łódź Wrocław Warszawa Szczecin Gdynia Katowice Radom",
    "sv": "Uppsala Malmö Umeå Lund Örebro Visby Falun Kalmar Göteborg Stockholm Linköping Karlstad Västerås Halmstad",
}  # fmt: skip


def given(rng: Rng, locale: str) -> str:
    return rng.choice(GIVEN[locale].split())


def family(rng: Rng, locale: str) -> str:
    first, last = FAMILY[locale]
    name = rng.choice(first.split()) + rng.choice(last.split())
    return f"{rng.choice(('van', 'de', 'van der'))} {name}" if locale == "nl" and rng.random() < 0.3 else name


def full(rng: Rng, locale: str) -> str:
    return f"{given(rng, locale)} {family(rng, locale)}"


def reversed_full(rng: Rng, locale: str) -> str:
    return f"{family(rng, locale)}, {given(rng, locale)}"


def street(rng: Rng, locale: str) -> str:
    stem = rng.choice(FAMILY[locale][0].split())
    number = rng.randint(1, 180)
    one = rng.choice
    forms = {
        "en": f"{number} {stem}{one(('ton', 'ley', 'wood'))} {one(('Road', 'Street', 'Avenue', 'Lane', 'Drive'))}",
        "de": f"{stem}{one(('straße', 'weg', 'str.', 'gasse', 'allee', 'platz'))} {number}{one(('', '', 'a', 'b'))}",
        "fr": f"{number} {one(('rue', 'avenue', 'boulevard', 'chemin', 'place'))} {one(('de la', 'du', 'des'))} {stem}",
        "es": f"{one(('Calle', 'Avenida', 'Plaza', 'C/', 'Paseo'))} {stem}, {number}",
        "nl": f"{stem}{one(('straat', 'laan', 'weg', 'plein', 'gracht', 'kade'))} {number}",
        "it": f"{one(('Via', 'Viale', 'Piazza', 'Corso'))} {stem} {number}",
        "pl": f"ul. {stem}a {number}{one(('', '/3', '/12'))}",
        "sv": f"{stem}{one(('gatan', 'vägen', 'gränd'))} {number}",
    }
    return forms[locale]


def post_code(rng: Rng, locale: str) -> str:
    number = rng.randint
    letters = "ABCDEFGHJKLMNPRSTW"
    forms = {
        "en": f"{rng.choice(('LS', 'BS', 'NR', 'M'))}{number(1, 20)} {number(1, 9)}A{rng.choice('DEGHN')}",
        "nl": f"{number(1000, 9999)} {rng.choice(letters)}{rng.choice(letters)}",
        "pl": f"{number(10, 99)}-{number(100, 999)}",
        "sv": f"{number(100, 999)} {number(10, 99)}",
    }
    return forms.get(locale) or f"{number(1000, 98999):05}"


def phone(rng: Rng, locale: str, abroad: bool) -> str:
    def n(count: int) -> str:
        return "".join(rng.choice("0123456789") for _ in range(count))

    forms = {
        "en": ("44", "0", f"7{rng.choice('4578')}{n(2)} {n(6)}"),
        "de": ("49", "0", f"15{rng.choice('127')} {n(8)}"),
        "fr": ("33", "0", f"6 {n(2)} {n(2)} {n(2)} {n(2)}"),
        "es": ("34", "", f"6{n(2)} {n(3)} {n(3)}"),
        "nl": ("31", "0", f"6-{rng.choice('12345')}{n(7)}"),
        "it": ("39", "", f"34{n(1)} {n(7)}"),
        "pl": ("48", "", f"60{rng.choice('1245')} {n(3)} {n(3)}"),
        "sv": ("46", "0", f"70-{n(3)} {n(2)} {n(2)}"),
    }
    code, trunk, rest = forms[locale]
    return f"+{code} {rest}" if abroad else f"{trunk}{rest}"


def american_phone(rng: Rng) -> str:
    area = rng.choice(("212", "415", "303", "617", "512", "206"))
    rest = f"{rng.randint(2, 9)}{rng.randint(11, 99)}", f"{rng.randint(0, 9999):04}"
    return rng.choice(
        (f"({area}) {rest[0]}-{rest[1]}", f"{area}-{rest[0]}-{rest[1]}", f"{area}.{rest[0]}.{rest[1]}")
    )


def mail(rng: Rng, locale: str) -> str:
    plain = "".join(c for c in given(rng, locale).lower() if c.isascii())
    host = rng.choice(("example.com", "post.example.org", "mail.example.net", f"{locale}.example.com"))
    return f"{plain}{rng.choice('._-')}{rng.randint(1, 9999)}@{host}"


def many(count: int, rng: Rng, make: Callable[..., str], *words: object) -> list[str]:
    return [make(rng, *words) for _ in range(count)]


def any_of(texts: str | Sequence[str]) -> Callable[[Rng], str]:
    listed = texts.split(" | ") if isinstance(texts, str) else list(texts)
    return lambda rng: rng.choice(listed)
