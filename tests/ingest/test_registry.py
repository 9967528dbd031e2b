import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.registry import ImportReport, import_projects
from ingest.registry_columns import RegistryError, normal, propose
from ingest.registry_tables import read_table
from ingest.registry_values import (
    clean,
    flattened,
    foreign,
    parse_amount,
    parse_date,
    parse_period,
)
from kb.catalogue import Catalogue
from kb.project import Project
from kb.project_lists import ProjectLists
from kb.projects import Projects


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    opened = Catalogue(tmp_path / "data")
    yield opened
    opened.close()


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def table(rows: list[list[str]], delimiter: str = ";") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue()


def every(catalogue: Catalogue) -> list[Project]:
    return ProjectLists(Projects(catalogue)).page(limit=1000)[0]


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    told = report.outcomes
    return told["imported"], told["updated"], told["unchanged"], len(report.rejected)


# -- values ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written_as", "iso"),
    [
        ("2023-08-01", "2023-08-01"),
        ("2023-08-01T00:00:00", "2023-08-01"),
        ("1.8.2023", "2023-08-01"),
        ("01/08/2023", "2023-08-01"),
        ("08/13/2023", "2023-08-13"),
        ("1 August 2023", "2023-08-01"),
        ("August 1, 2023", "2023-08-01"),
        ("1. elokuuta 2023", "2023-08-01"),
        ("den 1 augusti 2023".removeprefix("den "), "2023-08-01"),
        ("8/2023", "2023-08"),
        ("elokuu 2023", "2023-08"),
        ("20230801", "2023-08-01"),
        ("2023", "2023"),
        (datetime(2023, 8, 1, 12), "2023-08-01"),
        (date(2023, 8, 1), "2023-08-01"),
    ],
)
def test_dates_in_every_style(written_as: object, iso: str) -> None:
    assert parse_date(written_as) == iso


@pytest.mark.parametrize("written_as", ["", "soon", "31.2.2023", "2023-13-01", "99.99.2023", "12"])
def test_what_is_no_date_is_none(written_as: str) -> None:
    assert parse_date(written_as) is None


def test_month_first_dates() -> None:
    assert parse_date("08/01/2023", month_first=True) == "2023-08-01"


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2099, 12, 31)))
def test_a_day_survives_every_style(day: date) -> None:
    styles = (
        day.isoformat(),
        f"{day.day}.{day.month}.{day.year}",
        f"{day:%d/%m/%Y}",
        f"{day:%Y%m%d}",
        f"{day.day} {day:%B} {day.year}",
    )

    assert {parse_date(style) for style in styles} == {day.isoformat()}


@pytest.mark.parametrize(
    ("period", "ends"),
    [
        ("1.8.2023–31.7.2025", ("2023-08-01", "2025-07-31")),
        ("1.8.2023 - 31.7.2025", ("2023-08-01", "2025-07-31")),
        ("2023-2025", ("2023", "2025")),
        ("1.8.–31.12.2023", ("2023-08-01", "2023-12-31")),
        ("2023-08-01 – 2025-07-31", ("2023-08-01", "2025-07-31")),
    ],
)
def test_periods(period: str, ends: tuple[str, str]) -> None:
    assert parse_period(period) == ends


@pytest.mark.parametrize(
    ("written_as", "euros"),
    [
        ("1963982,50", 1963982.5),
        ("1 963 982,50 €", 1963982.5),
        ("1\u00a0963\u00a0982,50", 1963982.5),
        ("1,963,982.50", 1963982.5),
        ("1.963.982,50", 1963982.5),
        ("259,188 €", 259188.0),
        ("259188", 259188.0),
        ("EUR 12.5", 12.5),
        ("1,2 milj. €", 1200000.0),
        ("2.5 million", 2500000.0),
        ("350 k€", 350000.0),
        (149355, 149355.0),
    ],
)
def test_sums_of_money(written_as: object, euros: float) -> None:
    assert parse_amount(written_as) == pytest.approx(euros)


@pytest.mark.parametrize(
    "written_as",
    ["", "n/a", "kts. liite", "1,2,3.4.5", "1.1.2020", True, float("nan"), "900 tkr", "SEK 12"],
)
def test_what_is_no_sum_is_none(written_as: object) -> None:
    assert parse_amount(written_as) is None


@given(st.integers(min_value=0, max_value=10**9), st.integers(min_value=0, max_value=99))
def test_a_sum_survives_every_style(euros: int, cents: int) -> None:
    english = f"{euros:,}.{cents:02}"
    styles = (
        english,
        english.replace(",", " ").replace(".", ","),
        english.translate(str.maketrans(",.", ".,")),
    )

    assert all(parse_amount(style) == pytest.approx(euros + cents / 100) for style in styles)


def test_markup_is_taken_out_and_what_only_looks_like_it_stays() -> None:
    assert clean("<p>Vesi &amp; energia<br/>toinen</p><script>x()</script>") == (
        "Vesi & energia\ntoinen"
    )
    assert clean("päästöt < 5 % ja > 3 %") == "päästöt < 5 % ja > 3 %"
    assert clean("R&D; a&b") == "R&D; a&b"


@given(st.text())
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    once = clean(text.replace("&", "").replace("<", ""))

    assert clean(once) == once


def test_headers_are_compared_without_their_dress() -> None:
    assert normal("ecMaxContribution") == normal("EC max contribution (EUR)")
    assert normal("Hankkeen_nimi") == "hankkeen nimi"


def test_nested_objects_are_flattened() -> None:
    assert flattened({"a": {"b": {"c": 1}}, "d": [1, "x"], "e": [{"f": 2}]}) == {
        "a.b.c": 1,
        "d": "1; x",
        "e": [{"f": 2}],
    }


# -- mappings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "columns",
    [
        ["id", "acronym", "title", "startDate", "endDate", "totalCost", "objective"],
        ["Hankekoodi", "Lyhenne", "Hankkeen nimi", "Alkupvm", "Loppupvm", "Kokonaiskustannukset",
         "Tiivistelmä"],
        ["Projektnummer", "Akronym", "Projektnamn", "Startdatum", "Slutdatum", "Totalbudget",
         "Sammanfattning"],
        ["Grant agreement ID", "Short title", "Project title", "start_date", "end_date",
         "Total cost (EUR)", "Abstract"],
    ],
)  # fmt: skip
def test_headers_of_registries_in_three_languages(columns: list[str]) -> None:
    cells = ["101", "AKKU", "Akkukemian hanke", "1.8.2023", "31.7.2025", "259 188", "Teksti."]
    found = propose(columns, [dict(zip(columns, cells, strict=True))]).columns

    fields = ("registry_id", "acronym", "title", "start", "end", "cost", "description")
    assert [found.get(name) for name in fields] == [(column,) for column in columns]


SUMMARY = "Hankkeessa kierrätetään sivuvirtoja yritysten kesken ja tutkitaan jätevesiä."


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(
            [
                ["Hankkeet", "", "", "", "", "", ""],
                ["Hanke", "", "Toteutusaika", "", "Rahoitus", "", "Hakija"],
                ["Nimi", "Hankekoodi", "Alkaa", "Päättyy", "EU", "Yhteensä", "Nimi"],
                ["Vetyputki", "J1", "1.1.2024", "2025", "100", "150", "Kokkolan kaupunki"],
                ["Yhteensä", "", "", "", "100", "150", ""],
            ],
            {"title": "Hanke.Nimi", "registry_id": "Hanke.Hankekoodi",
             "start": "Toteutusaika.Alkaa", "end": "Toteutusaika.Päättyy",
             "contribution": "Rahoitus.EU",
             "cost": "Rahoitus.Yhteensä", "lead": "Hakija.Nimi"},
            id="groups above the headers",
        ),
        pytest.param(
            [
                ["Project name", "Lead partner", "", "Budget", "", "Summary"],
                ["", "Name", "Country", "Total budget", "EU funding", ""],
                ["Cool water", "City of Pori", "Finland", "1,000.00", "800.00", SUMMARY],
                ["Total", "", "", "1,000.00", "800.00", ""],
            ],
            {"title": "Project name", "lead": "Lead partner.Name",
             "country": "Lead partner.Country", "cost": "Budget.Total budget",
             "contribution": "Budget.EU funding", "description": "Summary"},
            id="headers divided below",
        ),
        pytest.param(
            [
                ["Hankekoodi", "Hankkeen nimi", "Alkaa"],
                ["Project code", "Project name", "Start date"],
                ["X1", "Jäähdytysvesi", "1.1.2020"],
                ["", "Lähde: rakennerahastojen tietopalvelu", ""],
            ],
            {"registry_id": "Hankekoodi", "title": "Hankkeen nimi", "start": "Alkaa"},
            id="headers in two languages",
        ),
        pytest.param(
            [
                ["Tila", "", "Hakijan virallinen nimi", "Hankkeen nimi", "", "Aloituspäivämäärä",
                 "Hyväksytyt kokonaiskustannukset (€)", "Myönnetty EU- ja valtion rahoitus (€)"],
                ["Käynnissä", "", "Vaasan yliopisto", "Tuuli", "", "1.1.2023", "5 000", "4 000,00"],
                ["Yhteensä", "", "", "", "", "", "5 000", "4 000,00"],
            ],
            {"status": "Tila", "lead": "Hakijan virallinen nimi", "title": "Hankkeen nimi",
             "start": "Aloituspäivämäärä", "cost": "Hyväksytyt kokonaiskustannukset (€)",
             "contribution": "Myönnetty EU- ja valtion rahoitus (€)"},
            id="blank columns and a total",
        ),
    ],
)  # fmt: skip
def test_tables_with_more_than_one_header_row_and_what_adds_up(
    tmp_path: Path, catalogue: Catalogue, rows: list[list[str]], expected: dict[str, str]
) -> None:
    report = import_projects(catalogue, written(tmp_path, "t.csv", table(rows)))

    assert {name: columns[0] for name, columns in report.mapping.columns.items()} == expected
    assert all(len(columns) == 1 for columns in report.mapping.columns.values())
    assert counts(report) == (1, 0, 0, 1), "the last row is no project"
    assert report.rejected[0].reason in ("total", "footnote")
    (project,) = every(catalogue)
    assert (
        "cost" not in expected
        or project.contribution == 0.8 * (project.cost or 0)
        or (
            project.cost,
            project.contribution,
        )
        == (150, 100)
    )


def test_a_first_row_of_data_is_no_second_header(tmp_path: Path, catalogue: Catalogue) -> None:
    rows = [["Nimi", "", "Kunta"], ["Vesi", "tärkeä", "Pori"], ["Höyry", "", "Vaasa"]]
    import_projects(catalogue, written(tmp_path, "t.csv", table(rows)))

    assert [project.title for project in every(catalogue)] == ["Höyry", "Vesi"]


def test_a_project_may_be_called_a_total(tmp_path: Path, catalogue: Catalogue) -> None:
    rows = [["Hankekoodi", "Nimi", "Alkaa"], ["S1", "Summa", ""], ["", "Yhteensä", "2020"]]
    report = import_projects(catalogue, written(tmp_path, "t.csv", table(rows)))

    assert counts(report) == (2, 0, 0, 0)


def test_a_column_for_each_partner(tmp_path: Path, catalogue: Catalogue) -> None:
    rows = [["Title", "Partner 1", "Partner 2"], ["Water", "Turku UAS", "Örebro University"]]
    import_projects(catalogue, written(tmp_path, "t.csv", table(rows, ",")))

    assert [partner.name for partner in every(catalogue)[0].partners] == [
        "Turku UAS",
        "Örebro University",
    ]


def test_sums_in_other_currencies_are_never_taken_for_euros(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    rows = [
        ["Projektnamn", "Beviljat EU-stöd", "Total kostnad (SEK)"],
        ["Bro", "1 200 000 kr", "9 000"],
        ["Väg", "300 000", "8 000"],
    ]
    path = written(tmp_path, "t.csv", table(rows))
    report = import_projects(catalogue, path)

    assert [(p.title, p.cost, p.contribution) for p in every(catalogue)] == [
        ("Bro", None, None),
        ("Väg", None, 300_000),
    ]
    assert [(note.row, note.reason) for note in report.warnings] == [(2, "currency")]
    given = tmp_path / "map.toml"
    given.write_text('title = "Projektnamn"\ncost = "Total kostnad (SEK)"\n', encoding="utf-8")
    again = import_projects(catalogue, path, map_file=given)
    assert [note.reason for note in again.warnings] == ["currency"] * 2
    assert all(project.cost is None for project in every(catalogue))


@pytest.mark.parametrize(
    ("written_as", "is_foreign"),
    [("Beviljat (SEK)", True), ("12 000 kr", True), ("Mkr", True), ("$ 5", True), ("NOK5", True),
     ("Total cost (EUR)", False), ("1 200 €", False), ("kronologia", False), ("Okra", False)],
)  # fmt: skip
def test_only_named_currencies_are_foreign(written_as: str, *, is_foreign: bool) -> None:
    assert foreign(written_as) is is_foreign


def test_contents_tell_where_headers_do_not() -> None:
    rows = [
        {"A": f"Hanke numero {n} jäteveden puhdistuksesta", "B": f"{n + 1}.1.2020",
         "C": f"{n + 1}.1.2023", "D": "Pitkä kuvaus hankkeesta. " * 20, "E": f"https://x.fi/{n}"}
        for n in range(9)
    ]  # fmt: skip
    found = propose(list(rows[0]), rows).columns

    assert found == {
        "title": ("A",), "start": ("B",), "end": ("C",), "description": ("D",), "url": ("E",)
    }  # fmt: skip


def test_the_mapping_is_shown_and_nothing_written_in_a_dry_run(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    path = written(tmp_path, "a.csv", "nimi;alkaa\nVesihanke;1.1.2020\n")

    report = import_projects(catalogue, path, dry_run=True)

    assert report.to_json("en")["mapping"] == {"title": ["nimi"], "start": ["alkaa"]}
    assert counts(report) == (1, 0, 0, 0)
    assert every(catalogue) == []


def test_a_given_mapping_is_used_and_kept(tmp_path: Path, catalogue: Catalogue) -> None:
    path = written(tmp_path, "a.csv", "x;y\nVesi;Energia\n")
    mapping = written(tmp_path, "map.toml", 'title = "y"\nregistry_id = ["x"]\n')

    import_projects(catalogue, path, map_file=mapping)
    again = import_projects(catalogue, path)

    assert [p.title for p in every(catalogue)] == ["Energia"]
    assert counts(again) == (0, 0, 1, 0)


@pytest.mark.parametrize(
    ("mapping", "code"),
    [('title = "z"', "projects_map_column"), ('tittle = "x"', "projects_map_field"),
     ("title = ", "projects_map"), ("title = 3", "projects_map")],
)  # fmt: skip
def test_a_mapping_that_does_not_fit_is_refused(
    tmp_path: Path, catalogue: Catalogue, mapping: str, code: str
) -> None:
    path = written(tmp_path, "a.csv", "x;y\nVesi;Energia\n")

    with pytest.raises(RegistryError) as caught:
        import_projects(catalogue, path, map_file=written(tmp_path, "map.toml", mapping))

    assert caught.value.code == code


# -- tables --------------------------------------------------------------------------------------

HEADERS = ["Hankkeen nimi", "Tunnus", "Kuvaus"]
ROWS = [["Jätevesien käsittely", "A1", "Äärimmäisen, tarkka; kuvaus"], ["Höyry", "A2", "Lämpöä"]]


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_any_delimiter_and_encoding(
    tmp_path: Path, catalogue: Catalogue, delimiter: str, encoding: str
) -> None:
    text = table([HEADERS, *ROWS * 1], delimiter)
    import_projects(catalogue, written(tmp_path, "a.csv", text.encode(encoding)))

    assert {(p.title, p.registry_id, p.description) for p in every(catalogue)} == {
        (title, code, text) for title, code, text in ROWS
    }


def test_a_workbook_with_a_title_above_its_headers(tmp_path: Path, catalogue: Catalogue) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    notes = book.active
    assert notes is not None
    notes.append(["Poiminta 24.11.2026"])
    sheet = book.create_sheet("Hankkeet")
    sheet.append(["Hankelista"])
    sheet.append([])
    sheet.append(["Hankkeen nimi", "Hankekoodi", "Aloituspäivä", "Kokonaiskustannukset"])
    sheet.append(["Vesihanke", 101, datetime(2023, 8, 1), 259188.5])
    path = tmp_path / "a.xlsx"
    book.save(path)

    import_projects(catalogue, path, format="eura")

    (project,) = every(catalogue)
    assert (project.id, project.start, project.cost) == ("eura-101", "2023-08-01", 259188.5)


def test_nested_json_with_partners(tmp_path: Path, catalogue: Catalogue) -> None:
    loaded = {
        "meta": {"count": 1},
        "data": {
            "projects": [
                {
                    "name": {"title": "Water reuse"},
                    "dates": {"start": "2021-01-01", "end": "2023-12-31"},
                    "partners": [
                        {
                            "org": "Centria Oy",
                            "role": "LP",
                            "nuts3": "Keski-Pohjanmaa",
                            "budget": 5,
                        },
                        {"org": "Luleå tekniska universitet", "role": "PP", "country": "SE"},
                    ],
                }
            ]
        },
    }
    import_projects(catalogue, written(tmp_path, "a.json", json.dumps(loaded)), format="keep")

    (project,) = every(catalogue)
    assert (project.title, project.start) == ("Water reuse", "2021-01-01")
    assert [(p.name, p.leads) for p in project.partners] == [
        ("Centria Oy", True),
        ("Luleå tekniska universitet", False),
    ]
    assert set(project.places) == {"Keski-Pohjanmaa", "SE"}


def test_a_broken_line_is_told_and_the_rest_is_taken(tmp_path: Path, catalogue: Catalogue) -> None:
    lines = '{"name": "A long enough name"}\n{"name": \n[1]\n{"name": ""}\n{"name": "Another"}\n'

    report = import_projects(catalogue, written(tmp_path, "a.jsonl", lines))

    assert counts(report) == (2, 0, 0, 3)
    assert [(n.row, n.reason) for n in report.rejected] == [
        (2, "json"), (3, "json"), (4, "no_title")
    ]  # fmt: skip


def test_faulty_values_are_told_and_the_row_is_taken(tmp_path: Path, catalogue: Catalogue) -> None:
    text = "nimi;alkaa;päättyy;kustannukset\nYksi;1.1.2020;pian;5\nKaksi;1.2.2020;1.1.2019;paljon\n"
    text += "".join(f"Hanke {n};1.1.2020;2.2.2022;{n}\n" for n in range(5))

    report = import_projects(catalogue, written(tmp_path, "a.csv", text))

    assert counts(report) == (7, 0, 0, 0)
    assert [(n.row, n.reason) for n in report.warnings] == [
        (2, "date"), (3, "order"), (3, "amount")
    ]  # fmt: skip


def test_no_column_of_titles(tmp_path: Path, catalogue: Catalogue) -> None:
    path = written(tmp_path, "a.csv", "alku;summa\n1.1.2020;5\n2.2.2021;6\n")

    with pytest.raises(RegistryError) as caught:
        import_projects(catalogue, path)

    assert caught.value.code == "projects_no_title"
    assert "alku, summa" in caught.value.text("en")


@pytest.mark.parametrize("content", ["", "\n\n", "[]", "{}"])
def test_a_table_without_rows(tmp_path: Path, content: str) -> None:
    suffix = "json" if content.startswith(("[", "{")) else "csv"

    path = written(tmp_path, f"a.{suffix}", content)

    with pytest.raises(RegistryError), read_table(path):
        pass


def test_two_columns_of_one_name_are_told_apart(tmp_path: Path, catalogue: Catalogue) -> None:
    path = written(tmp_path, "a.csv", "Name;Name;Start\nWater reuse;;1.1.2020\n;Vesi;2.1.2020\n")

    import_projects(catalogue, path, format="keep")

    assert {p.title for p in every(catalogue)} == {"Water reuse", "Vesi"}


# -- again -----------------------------------------------------------------------------------------


def test_a_table_with_every_fault_at_once(tmp_path: Path, catalogue: Catalogue) -> None:
    path = tmp_path / "all.csv"
    rows = [
        "Hankeluettelo;;;;;",
        "Hankkeen nimi;Tiivistelmä;Tiivistelmä;Alkaa;Päättyy;Kokonaiskustannukset",
        'A;"<p>Vesi &amp; ener<b>gia</b></p>";<br/>Lisää;1.8.2023;2024-12-31;1 963 982,50 €',
        "B;x;;01/09/2023;31 December 2024;1,963,982.50",
        "C;x;;8/2023;2024;1.963.982,50",
        "D;x;;2023;31.12.2024;1,2 milj. €",
        ";no name;;2023;2024;1",
        "E;x;;maybe;2024;much",
    ]
    path.write_text("\n".join(rows), encoding="cp1252")

    report = import_projects(catalogue, path)

    found = {p.title: p for p in every(catalogue)}
    assert list(found) == ["A", "B", "C", "D", "E"]
    assert "<" not in found["A"].text
    assert "Vesi & energia" in found["A"].text
    assert "Lisää" in found["A"].text
    assert [found[name].start for name in "ABCDE"] == [
        "2023-08-01", "2023-09-01", "2023-08", "2023", None
    ]  # fmt: skip
    assert [found[name].cost for name in "ABCDE"] == [
        1963982.5, 1963982.5, 1963982.5, 1200000.0, None
    ]  # fmt: skip
    assert [note.row for note in report.rejected] == [7]
    assert {note.row for note in report.warnings} == {8}


def test_a_second_import_changes_and_never_doubles(tmp_path: Path, catalogue: Catalogue) -> None:
    first = table([["title", "start"], ["Water", "2020-01-01"], ["Heat", "2021-01-01"]])
    second = table([["title", "start", "status"], ["WATER ", "1.1.2020", "closed"],
                    ["Heat", "2021-01-01", ""], ["Steam", "2022", ""]])  # fmt: skip

    import_projects(catalogue, written(tmp_path, "a.csv", first))
    report = import_projects(catalogue, written(tmp_path, "b.csv", second))

    assert counts(report) == (1, 1, 1, 0)
    assert {(p.title, p.status) for p in every(catalogue)} == {
        ("WATER", "closed"), ("Heat", None), ("Steam", None)
    }  # fmt: skip


def test_rows_of_one_project_become_one_with_all_partners(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    far_apart = [["id", "title", "participant name"], ["1", "Water", "Alpha"]]
    far_apart += [[str(n), f"Other {n}", "Beta"] for n in range(2, 1203)]
    far_apart += [["1", "Water", "Gamma"], ["1", "Water", "ALPHA Oy"]]

    report = import_projects(catalogue, written(tmp_path, "a.csv", table(far_apart)))

    assert counts(report) == (1202, 0, 0, 0)
    assert [p.name for p in Projects(catalogue).get("table-1").partners] == ["Alpha", "Gamma"]


def test_a_hundred_thousand_rows_are_streamed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("title;description\n")
        file.writelines(f"Hanke {n};{'sana ' * 40}\n" for n in range(100_000))
    tracemalloc.start()

    with read_table(path) as opened:
        count = sum(1 for _ in opened.rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert count == 100_000
    assert peak < 8_000_000, "the file has 20 MB"


# -- real files ----------------------------------------------------------------------------


def test_real_cordis_tables(test_data: Path, catalogue: Catalogue) -> None:
    folder = test_data / "projects" / "cordis_citizen_science"

    report = import_projects(catalogue, folder / "cordis_projects.csv", format="cordis")
    again = import_projects(
        catalogue, folder / "cordis_projects_and_participants.csv", format="cordis"
    )

    assert counts(report) == (22, 0, 0, 0)
    assert sum(again.outcomes.values()) == 22
    assert again.outcomes["imported"] == 0
    captor = next(p for p in every(catalogue) if p.acronym == "CAPTOR")
    assert (captor.id, captor.start, captor.cost) == ("cordis-688110", "2016-01-01", 1963982.5)
    assert captor.partners[0].leads
    assert len(captor.partners) > 5
    assert "Spain" in captor.places


def test_real_interreg_projects(test_data: Path, catalogue: Catalogue) -> None:
    path = test_data / "projects" / "interreg_sweden" / "projects.jsonl"

    report = import_projects(catalogue, path, format="keep")

    loaded: list[dict[str, Any]] = [
        json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()
    ]
    assert counts(report) == (len(loaded), 0, 0, 0)
    assert sum(len(p.partners) for p in every(catalogue)) >= 0.95 * sum(
        len(row["partners"]) for row in loaded
    )


def test_cells_made_to_be_slow_or_deep_are_only_texts(catalogue: Catalogue, tmp_path: Path) -> None:
    for hostile in ("1" + " " * 200_000 + "x", "1 - " * 100_000, '[{"a":' + "[" * 100_000):
        assert parse_amount(hostile) is None
        assert parse_period(hostile) == (None, None)
        path = written(tmp_path, "t.jsonl", json.dumps({"title": "Vesi", "partners": hostile}))
        assert counts(import_projects(catalogue, path, dry_run=True))[0] == 1
