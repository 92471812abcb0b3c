"""Encodings, byte order marks and bytes that are no text."""

import codecs

from cases import HEADER, ROWS, Case, table, text

GERMAN = (
    ("Name", "Straße", "Ort"),
    ("Jürgen Müller", "Hauptstraße 5", "Köln"),
    ("Käthe Größ", "Am Bächle 7", "Tübingen"),
    ("Zoë Weiß", "Schloßallee 1", "Düren"),
    ("Günther Böhm", "Äußere Gasse 12", "Fürth"),
)
FRENCH = (
    ("nom", "prix", "ville"),
    ("Crème brûlée", "5 €", "Besançon"),
    ("Bœuf à la mode", "18 €", "Orléans"),
    ("Pâté en croûte", "9 €", "Nîmes"),
    ("Éclair au café", "4 €", "Saint-Étienne"),
)
POLISH = (
    ("imię", "ulica", "miasto"),
    ("Zażółć Gęślą", "Świętokrzyska 5", "Łódź"),
    ("Jaźń Kąkol", "Żółwia 7", "Kraków"),
    ("Michał Wójcik", "Różana 12", "Poznań"),
    ("Grażyna Dąbrowska", "Piękna 3", "Częstochowa"),
)
CZECH = (
    ("jméno", "ulice", "město"),
    ("Jiří Dvořák", "Příčná 5", "Plzeň"),
    ("Růžena Šťastná", "Žižkova 7", "České Budějovice"),
    ("Ondřej Kučera", "Dělnická 12", "Třebíč"),
    ("Zdeněk Říha", "Křížová 3", "Děčín"),
)
RUSSIAN = (
    ("имя", "улица", "город"),
    ("Анна Иванова", "Садовая улица 5", "Москва"),
    ("Борис Петров", "Лесная улица 7", "Новосибирск"),
    ("Сергей Кузнецов", "Школьная улица 12", "Казань"),
    ("Мария Соколова", "Центральная улица 3", "Ярославль"),
)
UKRAINIAN = (
    ("ім'я", "вулиця", "місто"),
    ("Ганна Коваленко", "Шевченківська вулиця 5", "Київ"),
    ("Їжакевич Іван", "Європейська вулиця 7", "Чернігів"),
    ("Олексій Шевчук", "Лісова вулиця 12", "Вінниця"),
    ("Марія Бондаренко", "Польова вулиця 3", "Запоріжжя"),
)
GREEK = (
    ("όνομα", "οδός", "πόλη"),
    ("Γιώργος Παπαδόπουλος", "Λεωφόρος Αθηνών 5", "Αθήνα"),
    ("Μαρία Νικολάου", "Οδός Ερμού 7", "Θεσσαλονίκη"),
    ("Νίκος Δημητρίου", "Πλατεία Συντάγματος 12", "Πάτρα"),
    ("Ελένη Αγγέλου", "Εγνατία 3", "Ηράκλειο"),
)
TURKISH = (
    ("ad", "sokak", "şehir"),
    ("Ayşe Yılmaz", "Çiçek Sokağı 5", "İstanbul"),
    ("Oğuz Şahin", "Gül Sokağı 7", "Diyarbakır"),
    ("Gökçe Çağlar", "Kırmızı Köşk 12", "Eskişehir"),
    ("İsmail Işık", "Yeşil Yol 3", "Şanlıurfa"),
)
HEBREW = (
    ("שם", "רחוב", "עיר"),
    ("יוסף כהן", "רחוב הרצל 5", "ירושלים"),
    ("מרים לוי", "שדרות רוטשילד 7", "תל אביב"),
    ("דוד מזרחי", "רחוב ויצמן 12", "חיפה"),
    ("שרה פרץ", "דרך השלום 3", "באר שבע"),
)
ARABIC = (
    ("الاسم", "الشارع", "المدينة"),
    ("محمد علي", "شارع النيل 5", "القاهرة"),
    ("فاطمة حسن", "شارع الجمهورية 7", "الإسكندرية"),
    ("أحمد محمود", "طريق المطار 12", "بغداد"),
    ("مريم إبراهيم", "شارع السلام 3", "دمشق"),
)
LITHUANIAN = (
    ("vardas", "gatvė", "miestas"),
    ("Jūratė Žukauskienė", "Šaltinių gatvė 5", "Šiauliai"),
    ("Ąžuolas Čepas", "Žemaičių gatvė 7", "Panevėžys"),
    ("Rūta Kęstutė", "Ežero gatvė 12", "Klaipėda"),
    ("Gintarė Būdvytytė", "Ąžuolyno gatvė 3", "Telšiai"),
)
JAPANESE = (
    ("名前", "住所", "都市"),
    ("山田太郎", "中央区銀座五丁目", "東京"),
    ("鈴木花子", "北区梅田七丁目のマンション", "大阪"),
    ("佐藤次郎", "港町ビル十二号室です", "横浜"),
    ("高橋さくら", "さくら通り三番地", "札幌"),
)
KOREAN = (
    ("이름", "주소", "도시"),
    ("김민수", "세종대로 오번지", "서울"),
    ("이영희", "해운대해변로 칠번지", "부산"),
    ("박지훈", "동성로 십이번지 아파트", "대구"),
    ("최수진", "중앙로 삼번지", "대전"),
)
SIMPLIFIED = (
    ("姓名", "地址", "城市"),
    ("张伟", "中山路五号", "北京"),
    ("王芳", "人民大道七号国际饭店", "上海"),
    ("李娜", "解放路十二号这个小区", "广州"),
    ("刘洋", "长安街三号我们的办公室", "西安"),
)
TRADITIONAL = (
    ("姓名", "地址", "城市"),
    ("陳志明", "中山路五號", "臺北"),
    ("林淑芬", "民權東路七號國際飯店", "高雄"),
    ("黃俊傑", "復興南路十二號這個社區", "臺中"),
    ("張雅婷", "忠孝東路三號我們的辦公室", "臺南"),
)


def written(
    name: str, rows: tuple[tuple[str, ...], ...], codec: str, bom: bytes = b"", what: str = ""
) -> Case:
    """The table in that encoding."""
    defect = what or f"Text in {codec}" + (" with a byte order mark." if bom else ", without any mark.")
    content = bom + table(rows=rows).encode(codec)
    return Case(name, defect, content, rows[0], rows[1:], skipped={"header": [1]}, lines=len(rows))


def broken(name: str, defect: str, content: bytes, rows: tuple[tuple[str, ...], ...], cells: int) -> Case:
    """A file with bytes that are no text: U+FFFD stands for them, in their cells only."""
    return Case(
        name,
        defect,
        content,
        rows=rows,
        skipped={"header": [1]},
        lines=1 + len(rows),
        mended={"replaced_bytes": cells},
    )


PLAIN = table().encode()
CASES = [
    written("utf-8-bom.csv", (HEADER, *ROWS), "utf-8", codecs.BOM_UTF8),
    Case(
        "utf-8-bom-before-a-quote.csv",
        "A byte order mark stands before the header's opening quote.",
        codecs.BOM_UTF8 + b'"name","qty","city"\n"Anna","1","Rome"\n',
        rows=ROWS[:1],
        skipped={"header": [1]},
        lines=2,
    ),
    text(
        "utf-8-many-scripts.csv",
        "Emoji, combining accents, right-to-left text, zero-width and hard spaces.",
        "name,qty,city\n👩‍👩‍👧,1,Cafe\u0301\nשלום,20,a\u200bb\nيوم,3,1\u00a0000\n",
        rows=[("👩‍👩‍👧", "1", "Cafe\u0301"), ("שלום", "20", "a\u200bb"), ("يوم", "3", "1\u00a0000")],
    ),
    text(
        "utf-8-already-garbled.csv",
        "Text that was garbled before it was written stays as it is.",
        "name,qty,city\nJÃ¼rgen,1,KÃ¶ln\n",
        rows=[("JÃ¼rgen", "1", "KÃ¶ln")],
    ),
    written("utf-16-le-bom.csv", GERMAN, "utf-16-le", codecs.BOM_UTF16_LE),
    written("utf-16-be-bom.csv", GERMAN, "utf-16-be", codecs.BOM_UTF16_BE),
    written("utf-16-le-without-bom.csv", GERMAN, "utf-16-le"),
    written("utf-16-be-without-bom.csv", RUSSIAN, "utf-16-be"),
    written("utf-32-le-bom.csv", GERMAN, "utf-32-le", codecs.BOM_UTF32_LE),
    written("utf-32-be-bom.csv", GREEK, "utf-32-be", codecs.BOM_UTF32_BE),
    written("utf-32-le-without-bom.csv", GERMAN, "utf-32-le"),
    written("windows-1250-polish.csv", POLISH, "cp1250"),
    written("windows-1251-russian.csv", RUSSIAN, "cp1251"),
    written("windows-1252-german.csv", GERMAN, "cp1252"),
    written("windows-1252-euro.csv", FRENCH, "cp1252"),
    written("windows-1253-greek.csv", GREEK, "cp1253"),
    written("windows-1254-turkish.csv", TURKISH, "cp1254"),
    written("windows-1255-hebrew.csv", HEBREW, "cp1255"),
    written("windows-1256-arabic.csv", ARABIC, "cp1256"),
    written("windows-1257-lithuanian.csv", LITHUANIAN, "cp1257"),
    written("iso-8859-2-czech.csv", CZECH, "iso8859-2"),
    written("iso-8859-15-euro.csv", FRENCH, "iso8859-15"),
    written("koi8-r-russian.csv", RUSSIAN, "koi8-r"),
    written("koi8-u-ukrainian.csv", UKRAINIAN, "koi8-u"),
    written("cp866-russian.csv", RUSSIAN, "cp866"),
    written("shift-jis-japanese.csv", JAPANESE, "cp932"),
    written("euc-jp-japanese.csv", JAPANESE, "euc_jp"),
    written("iso-2022-jp-japanese.csv", JAPANESE, "iso2022_jp"),
    written("euc-kr-korean.csv", KOREAN, "euc_kr"),
    written("gb18030-simplified-chinese.csv", SIMPLIFIED, "gb18030"),
    written("big5-traditional-chinese.csv", TRADITIONAL, "big5"),
    broken(
        "utf-8-one-wrong-byte.csv",
        "One byte of a UTF-8 file is no UTF-8.",
        PLAIN + "Zoë,4,Köln\nÄda,5,Z".encode() + b"\xfcrich\n" + "Öz,6,Graz\n".encode(),
        (*ROWS, ("Zoë", "4", "Köln"), ("Äda", "5", "Z\ufffdrich"), ("Öz", "6", "Graz")),
        1,
    ),
    broken(
        "utf-8-cut-in-a-letter.csv",
        "The file ends in the middle of a letter.",
        PLAIN + "Zoë,4,Köln\nÄda,5,Zürich\nÖz,6,Malmö".encode()[:-1],
        (*ROWS, ("Zoë", "4", "Köln"), ("Äda", "5", "Zürich"), ("Öz", "6", "Malm\ufffd")),
        1,
    ),
    broken(
        "windows-1252-undefined-byte.csv",
        "A byte that Windows-1252 does not know.",
        table(rows=(HEADER, ("Jürgen Müller", "1", "Köln"), ("Käthe Größ", "2", "Tübingen"))).encode("cp1252")
        + b"Zo\x81,3,Bern\n",
        (("Jürgen Müller", "1", "Köln"), ("Käthe Größ", "2", "Tübingen"), ("Zo\ufffd", "3", "Bern")),
        1,
    ),
    Case(
        "bom-in-the-middle.csv",
        "Two files with byte order marks were joined: mark and header come again.",
        codecs.BOM_UTF8 + PLAIN + codecs.BOM_UTF8 + PLAIN,
        rows=(*ROWS, *ROWS),
        skipped={"header": [1, 5]},
        lines=8,
    ),
    Case(
        "nul-in-a-cell.csv",
        "A NUL character stands in a cell: no database takes it.",
        b"name,qty,city\nAnna,1,Rome\nBo,20,Os\0lo\nCy,3,Bern\n",
        rows=(ROWS[0], ROWS[2]),
        rejects=((3, "nul_character"),),
        skipped={"header": [1]},
        lines=4,
    ),
]
