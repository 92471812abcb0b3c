"""Columns whose class is known, made from a seed. The two editions differ in headers, languages and forms."""

import hashlib
import json
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tests.classify import made, numbers, people

Rng = random.Random
Make = Callable[[Rng], str]
ROWS = 150
FIRMS = (("GmbH", "Ltd", "AG", "Inc", "Group"), ("BV", "SRL", "S.A.", "Sp. z o.o.", "Holding"))
LOCALES = (("en", "de", "fr", "sv"), ("es", "nl", "it", "pl"))


@dataclass(frozen=True)
class Labelled:
    kind: str
    header: str
    cells: list[str]


def labelled(seed: int, edition: int, rows: int = ROWS, most: int | None = None) -> list[Labelled]:
    """About 200 columns, or the first of them, in random order, with some empty cells."""
    rng = random.Random(seed)
    specs = [
        (kind, header, make)
        for kind, headers, make in [*_personal(edition), *_harmless(edition)]
        for header in headers.split("|")
    ]
    rng.shuffle(specs)
    return [
        Labelled(kind, header, [make(rng) if rng.random() > 0.05 else "" for _ in range(rows)])
        for kind, header, make in specs[:most]
    ]


Spec = tuple[str, str, Make]


def _personal(edition: int) -> Iterator[Spec]:
    one, two, three, four = LOCALES[edition]
    cryptic, other = ("c1|f_02|", "attr7|x3|")[edition], ("col_9", "fld4")[edition]

    def here(make: Callable[..., str], *more: object) -> Make:
        return lambda rng: make(rng, rng.choice(LOCALES[edition]), *more)

    def of(locale: str, make: Callable[..., str], *more: object) -> Make:
        return lambda rng: make(rng, locale, *more)

    a = edition == 0
    yield (
        "email",
        ("E-Mail|contact_email|CustomerEmail|", "correo|e_mail_adres|Login Mail|attr1|")[edition] + cryptic,
        here(people.mail),
    )
    yield "phone", ("Phone|Telefonnummer|" if a else "telefoon|Móvil|") + cryptic, of(two, people.phone, True)
    yield (
        "phone",
        "mobile_no|Rufnummer" if a else "teléfono|nr tel",
        of(one if a else four, people.phone, False),
    )
    yield "phone", "Work Phone|c33" if a else "cell|k9", people.american_phone
    yield (
        "credit_card",
        ("card_number|Kreditkarte Nummer|" if a else "Credit Card|tarjeta_credito|") + cryptic,
        lambda rng: numbers.card(rng, not a),
    )
    yield (
        "iban",
        ("IBAN|Bankverbindung|" if a else "iban_klant|cuenta_bancaria|") + cryptic,
        lambda rng: numbers.iban(rng, "DE" if a else "ES", a),
    )
    yield (
        "iban",
        "c20" if a else "v8",
        lambda rng: numbers.iban(rng, rng.choice(("FR", "GB", "AT") if a else ("NL", "IT", "PL"))),
    )
    ids = (
        ("DE", "FR", "US", "SE", "FI", "CH", "NO", "CA", "GB")
        if a
        else ("NL", "ES", "PL", "BE", "BR", "RO", "TR", "ZA", "BG")
    )
    names = (
        ("steuer_id", "", "SSN", "c40", "hetu", "c41", "", "c42", "NI Number")
        if a
        else ("BSN", "x9", "PESEL", "", "cpf", "x10", "", "x11", "EGN")
    )
    for country, name in zip(ids, names, strict=True):
        yield "national_id", name, numbers.MAKERS[country]
    yield (
        "national_id",
        "passport_no" if a else "Driver License Number",
        lambda rng: f"{rng.choice('CFGHJK')}{numbers.digits(rng, 8)}",
    )
    yield "ip_address", ("ip|client_ip|" if a else "Remote Addr|IP-Adresse|") + cryptic, made.ipv4
    yield (
        "ip_address",
        "src_ip|c50" if a else "host_ip|x20",
        lambda rng: ":".join(f"{rng.randint(0, 65535):x}" for _ in range(8)),
    )
    yield (
        "mac_address",
        ("mac|Hardware Address|" if a else "device_mac|bssid|") + cryptic,
        lambda rng: (":" if a else "-").join(f"{rng.randint(0, 255):02X}" for _ in range(6)),
    )
    yield (
        "person_name",
        ("Full Name|Kundenname|employee_name|" if a else "Nombre completo|naam klant|patient|") + cryptic,
        here(people.full),
    )
    yield "person_name", "first_name|Vorname|Prénom" if a else "voornaam|imię|First Names", here(people.given)
    yield "person_name", "last_name|Nachname" if a else "apellidos|nazwisko|cognome", here(people.family)
    yield "person_name", f"name|{other}" if a else f"contact|{other}", of(two, people.reversed_full)
    yield (
        "street_address",
        ("Street|Anschrift|address_line1|" if a else "Dirección|adres|Shipping Address|") + cryptic,
        here(people.street),
    )
    yield "street_address", "c60" if a else "x30", of(one, people.street)
    yield (
        "postal_code",
        "zip|PLZ|Code postal" if a else "Código Postal|CAP",
        of(two if a else three, people.post_code),
    )
    yield (
        "postal_code",
        "postcode|c61|" if a else "postcode_huis|x31|",
        of(one if a else two, people.post_code),
    )
    yield (
        "city",
        ("City|Wohnort|" if a else "Ciudad|woonplaats|miasto|") + cryptic,
        lambda rng: rng.choice(people.CITY[rng.choice(LOCALES[edition])].split()),
    )
    yield (
        "birth_date",
        "date_of_birth|Geburtsdatum|dob" if a else "fecha_nacimiento|geboortedatum|Birthday",
        lambda rng: made.birth(rng, "%Y-%m-%d" if a else "%d/%m/%Y"),
    )
    yield (
        "birth_date",
        "né le|BirthDate" if a else "data di nascita|Data urodzenia",
        lambda rng: made.birth(rng, "%d.%m.%Y"),
    )
    yield "credential", "password|Passwort" if a else "contraseña|user_pwd|wachtwoord", made.password
    yield "credential", "api_key|c70" if a else "GitHub token|x40", made.github if a else made.aws
    yield "credential", "access_token|c71|" if a else "session jwt|x41|", made.jwt if a else made.stripe
    yield (
        "credential",
        "password_hash" if a else "pw_hash",
        lambda rng: hashlib.sha256(rng.randbytes(8)).hexdigest(),
    )
    yield "credential", "c72" if a else "x42", lambda rng: f"$2b$12${made.letters(rng, 53)}"
    yield "credential", "client_secret|c73" if a else "secret key|x43", lambda rng: made.letters(rng, 40)
    yield (
        "credential",
        "ssh_key" if a else "private_key",
        lambda rng: f"-----BEGIN PRIVATE KEY-----\n{made.letters(rng, 64)}\n-----END PRIVATE KEY-----",
    )
    yield (
        "geo_coordinate",
        "latitude|Breitengrad" if a else "lat|latitud",
        lambda rng: f"{rng.uniform(36, 60):.6f}",
    )
    yield (
        "geo_coordinate",
        "lng|Längengrad" if a else "longitude|store_lon",
        lambda rng: f"{rng.uniform(-8, 20):.5f}",
    )
    yield (
        "geo_coordinate",
        ("coordinates|" if a else "gps|") + cryptic,
        lambda rng: f"{rng.uniform(36, 60):.5f}, {rng.uniform(-8, 20):.5f}",
    )
    yield "url_login", ("db_url|dsn|" if a else "connection_string|Feed URL|") + cryptic, made.url_login


def _harmless(edition: int) -> Iterator[Spec]:
    a = edition == 0
    days = lambda rng: date(2019, 1, 1) + timedelta(days=rng.randint(0, 2500))  # noqa: E731
    yield "none", "order_no|c80|" if a else "Bestellnummer|x50|", made.no_card
    yield (
        "none",
        "quantity|c81|" if a else "stock level|x51|",
        lambda rng: str(rng.randint(100_000_000, 999_999_999)),
    )
    yield (
        "none",
        "version|c82" if a else "firmware|x52",
        lambda rng: f"{rng.randint(1, 9)}.{rng.randint(0, 20)}.{rng.randint(0, 30)}.{rng.randint(0, 9)}",
    )
    yield (
        "none",
        "product_code|c83" if a else "SKU|x53|",
        lambda rng: f"{made.capitals(rng, 2)}{numbers.digits(rng, 2)}-{numbers.digits(rng, 4)}",
    )
    yield "none", "price|c84" if a else "Betrag|x54", lambda rng: f"{rng.uniform(1, 9999):.2f}"
    yield (
        "none",
        "created_at|c85" if a else "timestamp|x55|",
        lambda rng: datetime.fromtimestamp(rng.randint(1_500_000_000, 1_800_000_000)).isoformat(),
    )
    yield "none", "epoch|c86" if a else "ts|x56", lambda rng: str(rng.randint(1_500_000_000, 1_800_000_000))
    yield "none", "id|c87|" if a else "record_uuid|x57|", lambda rng: str(uuid.UUID(int=rng.getrandbits(128)))
    yield (
        "none",
        "checksum|c88" if a else "row_hash|x58",
        lambda rng: hashlib.md5(rng.randbytes(8)).hexdigest(),
    )
    yield (
        "none",
        "commit|c89" if a else "sha256|x59",
        lambda rng: hashlib.sha256(rng.randbytes(8)).hexdigest(),
    )
    yield "none", "product_name|name_of_product|c90" if a else "Artikel|nombre_producto|x60", made.product
    yield (
        "none",
        "country|c91" if a else "Land|x61",
        people.any_of(
            "Germany | France | Spain | Italy | Poland | Sweden | Norway | Chile | Japan | Kenya"
            if a
            else "Deutschland | Frankreich | Spanien | Italien | Polen | Schweden | Japan | Ungarn"
        ),
    )
    yield (
        "none",
        "status|c92" if a else "order_state|x62",
        people.any_of(
            "open | paid | shipped | cancelled | returned" if a else "nuevo | pagado | enviado | anulado"
        ),
    )
    yield "none", "active|is_verified" if a else "aktiv|has_password", people.any_of("true | false")
    yield "none", "comment|c93" if a else "opmerking|x63", made.sentence
    yield (
        "none",
        "company|c94" if a else "Lieferant|x64",
        lambda rng: f"{people.family(rng, rng.choice(LOCALES[edition]))} {rng.choice(FIRMS[edition])}",
    )
    yield (
        "none",
        "department|c95" if a else "Abteilung|x65",
        people.any_of(
            "Sales | Finance | Legal | Research | Support | Logistics"
            if a
            else "Vertrieb | Einkauf | Recht | Lager | Versand"
        ),
    )
    yield (
        "none",
        "job_title|c96" if a else "puesto|x66",
        people.any_of(
            "Engineer | Team Lead | Accountant | Sales Manager | Data Analyst"
            if a
            else "Ingeniero | Contable | Director | Jefe de ventas"
        ),
    )
    yield (
        "none",
        "file_name|c97" if a else "pad_naam|x67",
        lambda rng: f"{made.word(rng)}_{rng.randint(1, 99)}.{rng.choice(('csv', 'pdf', 'png'))}",
    )
    yield (
        "none",
        "url|c98" if a else "website|x68",
        lambda rng: (
            f"https://www.example.com/{made.word(rng)}/{rng.randint(1, 999)}?page={rng.randint(1, 9)}"
        ),
    )
    yield "none", "email_verified" if a else "phone_valid", people.any_of("yes | no")
    yield (
        "none",
        "phone_type|card_brand" if a else "phone_model|card_type",
        people.any_of("mobile | landline | other" if a else "Visa | Maestro | Amex"),
    )
    yield (
        "none",
        "password_changed_at|email_sent" if a else "token_expires|last_ip_change",
        lambda rng: days(rng).isoformat(),
    )
    yield (
        "none",
        "ip_count|address_count" if a else "name_length|num_tokens",
        lambda rng: str(rng.randint(0, 400)),
    )
    yield (
        "none",
        "order_date|c99" if a else "leverdatum|x69",
        lambda rng: days(rng).strftime("%Y-%m-%d" if a else "%d-%m-%Y"),
    )
    yield "none", "founded|c100" if a else "release_year|x70", lambda rng: str(rng.randint(1900, 2024))
    yield "none", "isbn|c101" if a else "ISBN-13|x71", made.isbn10 if a else lambda rng: made.ean(rng, "978")
    yield "none", "ean|c102" if a else "GTIN|x72", lambda rng: made.ean(rng, "40")
    yield (
        "none",
        "imei|c103" if a else "device_imei|x73",
        lambda rng: numbers.luhn(numbers.digits(rng, 14, "35")),
    )
    yield (
        "none",
        "tracking|c104" if a else "zending|x74",
        lambda rng: f"1Z{made.capitals(rng, 3)}{numbers.digits(rng, 12)}",
    )
    yield (
        "none",
        "invoice|c105" if a else "factura|x75",
        lambda rng: f"INV-{rng.randint(2019, 2026)}-{rng.randint(1, 99999):05}",
    )
    yield (
        "none",
        "duration|c106" if a else "Dauer|x76",
        lambda rng: f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}",
    )
    yield "none", "ratio|exchange_rate" if a else "koers|score_avg", lambda rng: f"{rng.uniform(0, 2):.5f}"
    yield "none", "temperature|c108" if a else "gewicht|x78", lambda rng: f"{rng.uniform(-20, 100):.1f}"
    yield (
        "none",
        "color|c109" if a else "Farbe|x79",
        people.any_of(
            "red | green | dark blue | light grey | black | white"
            if a
            else "rot | grün | dunkelblau | hellgrau | schwarz"
        ),
    )
    yield (
        "none",
        "language|c110" if a else "taal|x80",
        people.any_of(
            "English | German | French | Spanish | Dutch | Swedish"
            if a
            else "Engels | Duits | Frans | Spaans | Nederlands"
        ),
    )
    yield "none", "video_id|c111" if a else "short_link|x81", lambda rng: made.letters(rng, 11)
    yield "none", "currency|c112" if a else "Währung|x82", people.any_of("EUR | USD | GBP | CHF | SEK")
    yield (
        "none",
        "order_id|c113|" if a else "ticket|x83|",
        lambda rng: str(2026000000 + rng.randint(1, 99_999)),
    )
    yield "none", "percent|c114" if a else "korting|x84", lambda rng: f"{rng.randint(0, 100)}%"
    yield (
        "none",
        "payload|c115" if a else "attributes|x85",
        lambda rng: json.dumps({"a": rng.randint(1, 9), "b": made.word(rng)}),
    )
    yield "none", "vat_id|c116" if a else "USt-IdNr|x86", lambda rng: f"DE{numbers.digits(rng, 9)}"
    yield "none", "size|c117" if a else "Größe|x87", people.any_of("S | M | L | XL | XXL")
    yield "none", "seat|c118" if a else "gate|x88", lambda rng: f"{rng.randint(1, 40)}{rng.choice('ABCDEF')}"
    yield (
        "none",
        "month|c119" if a else "week|x89",
        people.any_of(
            "January | March | April | May | June | August" if a else "2025-W01 | 2025-W02 | 2025-W03"
        ),
    )
    yield (
        "none",
        "user_agent|c120" if a else "browser|x90",
        lambda rng: f"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/{rng.randint(90, 140)}.0",
    )
    yield (
        "none",
        "team|c121" if a else "project|x91",
        people.any_of(
            "Blue Falcon | Night Owl | Red Panda | Polar Bear | Grey Wolf"
            if a
            else "Apollo | Zeus | Hermes | Poseidon | Artemis"
        ),
    )
    yield (
        "none",
        "mime|c122" if a else "content_type|x92",
        people.any_of("text/csv | image/png | application/json | text/html"),
    )
    yield (
        "none",
        "amount_due|c123" if a else "Summe|x93",
        lambda rng: f"{rng.randint(1, 999)}.{rng.randint(0, 999):03},{rng.randint(0, 99):02}",
    )
    yield (
        "none",
        "bug_title|c124" if a else "onderwerp|x94",
        lambda rng: (
            f"{rng.choice(('Login', 'Export', 'Search'))} fails {rng.choice(('on', 'after'))} {made.word(rng)}"
        ),
    )
