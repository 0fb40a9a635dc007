"""The opener of each envelope is tested in test_record.py; here its error."""

import pytest

from transforms.unpacking.envelopes import NotInEnvelopeError, opened


def test_the_error_names_the_envelope_and_what_is_missing() -> None:
    with pytest.raises(NotInEnvelopeError, match=r"dms: KeyError\('metadata'\)"):
        opened('{"data":{}}', "dms")
