"""Write the models of the client library from the API's OpenAPI document; with --check, only compare.

    python scripts/client.py [--check]

Everything else of `clients/python` is written by hand.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from datamodel_code_generator import InputFileType, generate
from datamodel_code_generator.enums import DataModelType
from datamodel_code_generator.format import Formatter, PythonVersion
from datamodel_code_generator.parser import LiteralType

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "clients" / "python" / "src" / "countermark_client" / "models.py"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="end with 1 if the models are not those of the API")
    options = parser.parse_args()
    written = models_of(document())
    if options.check:
        sys.exit("run scripts/client.py: the API has changed" if MODELS.read_text("utf-8") != written else 0)
    MODELS.write_text(written, "utf-8")


def document() -> dict[str, Any]:
    """The OpenAPI document of an installation with default settings."""
    sys.path.insert(0, str(ROOT))
    from service.api import create_app  # noqa: PLC0415  # only where no document is given
    from service.installation import open_installation  # noqa: PLC0415
    from service.kit.settings import Settings  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as home:
        installation = open_installation(Settings(home=Path(home)))
        try:
            return create_app(installation).openapi()
        finally:
            installation.close()


def models_of(openapi: dict[str, Any]) -> str:
    """Pydantic models of every schema of a document."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "models.py"
        generate(
            json.dumps(openapi),
            input_file_type=InputFileType.OpenAPI,
            output=output,
            output_model_type=DataModelType.PydanticV2BaseModel,
            target_python_version=PythonVersion.PY_311,
            enum_field_as_literal=LiteralType.All,
            use_annotated=True,
            field_constraints=True,
            strict_nullable=True,
            collapse_root_models=True,
            keep_field_defaults_off_branch_roots=True,
            use_schema_description=True,
            disable_timestamp=True,
            formatters=[Formatter.BUILTIN],
        )
        # A newer server may say more than this client knows of.
        return output.read_text("utf-8").replace("extra='forbid'", "extra='ignore'")


if __name__ == "__main__":
    main()
