"""Counts of words and sentences see the prose alone."""

from tools.prose import read


def test_avoided_words_have_their_line() -> None:
    assert read("A network.\n\nIt paints and *looks at* a photo.\n").avoided == ((3, "paints"), (3, "looks at"))


def test_code_addresses_and_names_do_not_count() -> None:
    text = "Use `paint`, see [page](paint.md).\n\n```sh\npaint twin\n```\n\n    told in code\n\nA painting.\n"
    assert read(text).avoided == ()


def test_sentences_of_lists_and_paragraphs() -> None:
    text = "# A title\n\nOne two three. Four five.\n\n* One item.\n* Another item\n  on two lines.\n\n| a | table |\n"
    assert read(text).sentences == (3, 2, 2, 5)


def test_lines() -> None:
    assert read("a\nb\n").lines == 2
