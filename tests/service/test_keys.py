import hashlib
from pathlib import Path

import pytest

from misure_onnx.errors import InputError
from misure_onnx.service.keys import Keys, new_key


def test_a_new_key_is_accepted_and_not_written_down(tmp_path: Path) -> None:
    place = tmp_path / "keys"
    first, second = new_key(place, "clinic"), new_key(place, "lab")
    keys = Keys.read(place)
    assert keys.owner(first) == hashlib.sha256(first.encode()).hexdigest()
    assert keys.owner(first) != keys.owner(second)
    assert keys.owner(first + "x") is None
    assert keys.owner("") is None
    assert first not in place.read_text()
    assert place.stat().st_mode & 0o077 == 0


def test_comments_and_empty_lines_do_not_count(tmp_path: Path) -> None:
    place = tmp_path / "keys"
    key = new_key(place, "clinic")
    place.write_text(f"# of the clinic\n\n{place.read_text()}")
    assert Keys.read(place).owner(key) is not None


@pytest.mark.parametrize(("content", "said"), [("clinic secret\n", "line 1"), ("", "holds no API key"), (None, "read")])
def test_a_file_without_proper_keys_is_refused(tmp_path: Path, content: str | None, said: str) -> None:
    place = tmp_path / "keys"
    if content is not None:
        place.write_text(content)
    with pytest.raises(InputError, match=said):
        Keys.read(place)


def test_a_name_is_one_word(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one word"):
        new_key(tmp_path / "keys", "the clinic")
