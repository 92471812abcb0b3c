"""What a column's name says about what it holds."""

import re
import unicodedata
from functools import cache

from sluice.readers.header import normalised

# Of each class, the words that name it; a word stands between underscores, whatever the case and the accents.
_WORDS = {
    "email": """
        e_?mails? e_?mail_?(address|addr|adresse)? mail mailadresse (courriel|correo)(_electronico)?
        courriel correo e_?post e_?postadress(e)? sahkoposti email(adres|adresse)? posta_elettronica
        """,
    "phone": """
        phones? phone_?(no|nr|num|number) tele?phone telefon(nummer|nr|o)? tele?fono telefone
        telefoon(nummer)? tel tel_?(no|nr|num|nummer) mobile mobil(nummer|telefon)? mobiel movil celular
        cell cell_?phone handy(nummer)? fax fax_?(no|nr|number|nummer) portable puhelin telemovel telefax
        rufnummer gsm msisdn komorka
        """,
    "credit_card": """
        (credit|payment|debit|bank)_?card(_?(no|nr|num|number))? card_?(no|nr|num|number)
        cc_?(no|nr|num|number) ccnum ccn pan kreditkarten?_?(nummer|nr)? kartennummer
        carte_(bancaire|bleue|credit) numero_(de_)?(carte|tarjeta|carta) tarjeta(_de)?_credito
        creditcard(nummer)? kaartnummer carta_(di_)?credito kartennr
        """,
    "iban": """
        iban(_?(no|nr|nummer|number))? bank_?account(_?(no|nr|number))? account_iban bankkonto
        konto(nummer|verbindung)? bankverbindung compte_bancaire rekening(nummer)? bankrekening
        cuenta_bancaria conto_corrente nr_konta tilinumero
        """,
    "national_id": """
        ssn social_security(_?(no|nr|num|number))? sin national_?id(entity|entification)?(_?(no|number))?
        id_?card(_?(no|number))? passport(_?(no|nr|num|number))? pass_?nummer reisepass(_?nr|nummer)?
        tax_?id tin steuer_?(id|identifikationsnummer|idnr) idnr nino ni_number cpf curp dni nif nie bsn
        burgerservicenummer sofinummer pesel personnummer person_?nr fodselsnummer cpr(_?(nr|nummer))?
        aadhaar pan_?card nhs(_?(no|number))? personal_?ausweis(_?(nr|nummer))? sozialversicherungsnummer
        sv_?(nr|nummer) svnr ahv(_?(nr|nummer))? driv(er|ers|ing)_?licen[sc]e(_?(no|number))? codice_fiscale
        cod_fiscale nir numero_(de_)?securite_sociale (n|no|num|numero)_?(de_)?secu rodne_cislo hetu
        henkilotunnus oib egn cnp amka kennitala rut pps(n|_number|_no)? tckn tc_?kimlik(_?no)? isikukood
        asmens_kodas rijksregisternummer insz niss numero_national emso jmbg citizen_id
        identity_?(no|number) identificatienummer id_?nummer tfn my_?number
        """,
    "ip_address": """
        ip ip_?addr(ess|esse)? ipv[46](_?addr(ess)?)? remote_addr client_?ip src_?ip source_ip dst_?ip
        dest_?ip host_?ip server_ip adresse_ip direccion_ip login_ip last_ip ip_?adres(se)? ip_from
        """,
    "mac_address": """
        mac mac_?addr(ess|esse)? hw_?addr(ess)? hardware_address ethernet(_address)? bssid adresse_mac
        wifi_mac physical_address mac_?adres(se)?
        """,
    "birth_date": """
        birth_?(day|date) date_?of_?birth dob birth_dt bdate birth_?year year_of_birth born(_on|_at)?
        geburts?(datum|tag|jahr) geb_?(datum|dat|tag)? gebdat geboren(_am)? (date_(de_)?)?naissance ne_le
        fecha_(de_)?nac(imiento)? nacimiento f_nac geboorte(datum|jaar)? data_(di_)?nascita nascita
        data_(de_)?nascimento nascimento data_urodzenia fodsels?(dato|dag) fodelse(datum|dag) syntymaaika
        geb_dat
        """,
    "person_name": """
        first_?names? last_?names? sur_?name full_?name fname lname given_?name family_?name middle_?name
        maiden_?name forename vorname nachname familienname zuname prenoms? nom nom_(de_)?famille
        nom_complet apellidos? nombres? nombre_completo cognome nome nome_completo voornaam achternaam
        tussenvoegsel fornamn efternamn fornavn etternavn efternavn imie nazwisko etunimi sukunimi jmeno
        prijmeni sobrenome ansprechpartner(in)? contact_?(name|person) kontaktperson contactpersoon
        (customer|cust|patient|employee|client|passenger|author|owner|user|student|member|guest|teacher|driver|holder|manager|person|cardholder|sender|recipient|beneficiary|subscriber|applicant|tenant|insured|kunden?|mitarbeiter|patienten)_?name
        (kunden|mitarbeiter|patienten|inhaber|besteller|empfaenger)name account_?(holder|owner) kontoinhaber
        cardholder assignee assigned_to reporter reported_by employee mitarbeiter(in)? author patient
        passenger contact sales_?rep naam klantnaam username user_?name login_?name benutzername signed_by
        approved_by spouse next_of_kin doctor nurse
        """,
    "street_address": """
        street(_?(name|address|addr|line))?(_?\\d)? strasse(_?(nr|hausnummer|und_hausnummer))? str address
        addr address_?(line)?_?\\d? addr(_?line)?_?\\d addr_?ln_?\\d?
        (home|postal|mailing|shipping|billing|delivery|work|street|ship_to|bill_to)_?addr(ess)?
        full_?address adresse(_(postale|rue|ligne_?\\d?))? anschrift lieferanschrift
        (liefer|rechnungs|wohn|privat)adresse rue voie calle direccion domicilio via indirizzo straat(naam)?
        straat_?(en_)?(huisnummer|nr) adres woonadres rua endereco morada gata gatuadress adress ulica vej
        katuosoite osoite lahiosoite gateadresse wohnsitz
        """,
    "postal_code": """
        zip zip_?code zip_?5 post_?code postal_?code postal plz postleitzahl code_?postal cp
        cod(igo)?_?postal cap post_?nummer post_?nr codice_(avviamento_)?postale postinumero kod_pocztowy
        psc cep post_?kod post_?cd zipcd
        """,
    "city": """
        city city_?name town ort stadt wohnort ortschaft ville commune localite ciudad localidad municipio
        poblacion citta comune plaats(naam)? woonplaats stad gemeente cidade localidade miasto miejscowosc
        kaupunki mesto by_navn poststed postort birth_?place place_of_birth geburtsort lieu_(de_)?naissance
        hometown residence (ship|bill|home|delivery|billing|shipping)_?city location_city municipality
        """,
    "geo_coordinate": """
        lat lats? latitude lng lon long longitude latitud longitud breiten_?grad laengen_?grad langen_?grad
        breite_?grad geo geo_?(lat|lon|lng|long|point|loc|location|coord|coords|coordinates?|position)?
        lat_?(lon|lng|long) coordinates? coords? coordonnees coordenadas koordinaten? gps(_\\w+)? latitudine
        longitudine breedtegraad lengtegraad geom latlong lat_deg lon_deg
        (pickup|dropoff|start|end|store|stop)_(lat|lng|lon|long|latitude|longitude)
        """,
    "credential": """
        pass_?words? passwd pwd pass pass_?phrase passwort kennwort mot_de_passe mdp contrasena contrasenya
        clave wachtwoord senha losenord haslo parola secrets? client_?secret api_?keys? api_?tokens?
        api_?secret access_?tokens? refresh_?token auth_?token bearer(_token)? tokens? session_?token
        secret_?(access_)?key access_?key(_id)? private_?key ssh_?key credentials? jwt signing_?key
        encryption_key password_?hash passwd_?hash pwd_?hash pw_?hash pw webhook_secret otp_secret
        totp_secret (auth|session|login|deploy|csrf|id)_?token zugangsdaten pgp_key aws_key
        """,
    "url_login": """
        connection_?(string|url|uri) conn_?str(ing)? dsn jdbc_?url database_?url db_?ur[il]
        (login|repo|clone|feed|ftp|proxy)_?ur[il]
        """,
}
# With one of these the name is of something about it: email_verified, phone_type, ip_count.
_ABOUT = frozenset(
    """
    verified valid validated is has flag count counts num_of number_of type types status state length len
    score id_type domain provider model brand changed updated created expires expiry expiration exp at
    opt_in opt_out optin consent enabled required sent opened clicked bounced template subject format size
    version limit usage used ratio rate pct percent avg total sum min max age anzahl weight place_id
    language lang category class kind group level rank source method reset last_changed attempts uploads
    downloads class_name preference preferred network carrier issuer bin scheme cost costs price
    """.split()
)
_ABOUT_FIRST = frozenset("is has num count n number_of total max min avg use allow can".split())
# Names of things that persons, places and numbers of persons are mistaken for.
_INNOCENT = frozenset(
    """
    product produkt produit producto prodotto article artikel item sku ean gtin upc isbn issn imei asin
    part model brand marke marque category kategorie categorie company firma firm organisation
    organization org supplier vendor lieferant hersteller manufacturer project projekt file filename path
    folder table column dataset event title titel titre job department abteilung team country land pays
    pais paese region continent state province currency wahrung waehrung language color colour farbe
    material qty quantity menge anzahl amount betrag price preis prix precio total sum tax vat ust revenue
    sales stock units count rank score rating order bestellung auftrag invoice rechnung facture pedido
    ticket version release build revision firmware timestamp ts epoch created updated modified date datum
    time hash checksum md5 sha1 sha256 etag digest uuid guid commit tracking shipment batch lot serial
    siren siret transaction reference ref status type description beschreibung comment notes message text
    url uri domain host hostname server device browser os app service song album movie film book genre
    species plant animal hotel restaurant store shop branch filiale ship vessel street_type unit einheit
    """.split()
)
_VAGUE = re.compile(
    r"(column|col|c|f|k|fld|field|feld|attr|attribute|var|v|x|y|z|a|b|value|val|wert|data|item|unnamed|spalte|champ|campo|colonna|kolom|"
    r"kolonne|info|misc|extra|text|txt|custom|udf|user_defined|zz?|q|key|string|str|char|chr)?(_?[a-z]{0,3}_?\d+)*_?[a-z]?"
)


@cache
def folded(header: str) -> str:
    """The header in lower snake case without accents: 'E-Mail-Adresse' is 'e_mail_adresse', 'Prénom' is 'prenom'."""
    plain = header.replace("ß", "ss").replace("ø", "o").replace("Ø", "O").replace("ł", "l").replace("ı", "i")
    plain = unicodedata.normalize("NFKD", plain)
    return normalised("".join(c for c in plain if not unicodedata.combining(c)))


@cache
def _pattern(kind: str) -> re.Pattern[str]:
    # Longer words first: of "card_number" and "card" the first is meant.
    words = "|".join(sorted(_WORDS[kind].split(), key=len, reverse=True))
    return re.compile(rf"(?:^|_)(?:{words})(?:_?\d{{1,2}})?(?=_|$)")


@cache
def _readings(name: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """The classes that a folded name has words of, the longest words first, each with the name's other words."""
    found = []
    for kind in _WORDS:
        matches = list(_pattern(kind).finditer(name))
        if matches:
            longest = max(matches, key=lambda one: len(one.group().strip("_")))
            rest = re.split(r"_|\d+", f"{name[: longest.start()]}_{name[longest.end() :]}")
            found.append((len(longest.group().strip("_")), kind, frozenset(rest)))
    return tuple((kind, rest) for _, kind, rest in sorted(found, key=lambda one: -one[0]))


def classes_of(header: str) -> tuple[str, ...]:
    """The classes that the header names, the most exact first; () where it names none or something about one."""
    name = folded(header)
    first, _, more = name.partition("_")
    if more and first in _ABOUT_FIRST:
        return ()
    return tuple(kind for kind, rest in _readings(name) if not rest & _ABOUT)


def is_innocent(header: str) -> bool:
    """Whether the header names a thing, an amount or a moment: its cells only look as if they were of a person."""
    name = folded(header)
    readings = _readings(name)
    words = readings[0][1] if readings else frozenset(re.split(r"_|\d+", name))
    return not is_vague(header) and bool(words & _INNOCENT)


def is_vague(header: str) -> bool:
    """Whether the header says nothing: missing, numbered or a letter."""
    return _VAGUE.fullmatch(folded(header)) is not None
