from tool_gym.authoring.docstrings import read_docstring


def test_the_description_is_all_before_the_first_section_with_its_paragraphs_joined():
    doc = read_docstring(
        """Find a ship.

        It looks in
        two lists.

        Args:
            name: Its name.

        Returns:
            A dict.
        """
    )
    assert doc.description == "Find a ship.\n\nIt looks in two lists."


def test_parameters_may_run_over_lines_carry_types_and_hold_colons():
    doc = read_docstring(
        """X.

        Args:
            name (str): Its name,
                such as: Tern.
            day:
                Day of the visit.

            *rest: More.

        Raises:
            ValueError: If there is none.
        """
    )
    assert doc.parameters == {"name": "Its name, such as: Tern.", "day": "Day of the visit.", "rest": "More."}


def test_a_docstring_without_sections_has_no_parameters():
    assert read_docstring("Only this.") == ("Only this.", {})
    assert read_docstring("") == ("", {})
