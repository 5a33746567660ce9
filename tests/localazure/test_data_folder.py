"""The data folder: another version, something else inside, a second process."""

from pathlib import Path

import pytest

from localazure.data_folder import DATA_VERSION, data_folder
from localazure.errors import DataFolderError


def test_a_new_folder_is_made_and_marked_with_its_version(tmp_path: Path) -> None:
    with data_folder(tmp_path / "a" / "b") as folder:
        assert (folder / "version").read_text().strip() == DATA_VERSION


def test_a_folder_can_be_used_again_after_it_was_released(tmp_path: Path) -> None:
    for _ in range(2):
        with data_folder(tmp_path / "data"):
            pass


def test_data_of_another_version_is_refused_with_both_versions(tmp_path: Path) -> None:
    (tmp_path / "version").write_text("99\n")
    with (
        pytest.raises(DataFolderError, match=rf"data of version 99, this program reads version {DATA_VERSION}"),
        data_folder(tmp_path),
    ):
        pass


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(DataFolderError, match="is not empty and holds no data of local servers"), data_folder(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    with (
        data_folder(tmp_path / "data") as folder,
        pytest.raises(DataFolderError, match="in use by another process"),
        data_folder(folder),
    ):
        pass


def test_a_file_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(DataFolderError, match="cannot be used"), data_folder(tmp_path / "data"):
        pass
