import re

from service.kit import case_numbers


def test_a_number_names_its_kind_and_is_never_the_same() -> None:
    numbers = {case_numbers.new_case_number("T") for _ in range(200)}
    assert len(numbers) == 200
    assert all(re.fullmatch(r"T(-[0-9A-HJKMNP-TV-Z]{4}){4}", number) for number in numbers)


def test_a_pin_is_kept_as_a_salted_hash() -> None:
    pin = case_numbers.new_pin()
    assert re.fullmatch(r"\d{8}", pin)
    salt, hashed = case_numbers.hash_pin(pin)
    assert (len(salt), len(hashed)) == (16, 32)
    assert case_numbers.verify_pin(pin, salt, hashed)
    assert not case_numbers.verify_pin("0" * 7, salt, hashed)
    other_salt, other = case_numbers.hash_pin(pin)
    assert other_salt != salt
    assert other != hashed
