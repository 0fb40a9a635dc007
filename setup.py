"""The packages `jobs` and `transforms`, and what they need."""

import runpy
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent
VERSIONS = runpy.run_path(str(HERE / "jobs" / "versions.py"))

# The cluster brings its own Spark, so Spark is an extra.
SPARK = [f"pyspark=={VERSIONS['SPARK']}", f"delta-spark=={VERSIONS['DELTA']}"]
# moto's extra "server" brings CloudFormation and Docker along: 20 packages that nothing here uses.
DEMO = ["moto[glue,s3]>=5.1,<6", "flask>=3,<4", "flask-cors>=5,<7"]
TEST = [
    "aws_kinesis_agg>=1.2.3,<2",
    "boto3-stubs[kinesis,s3]>=1.40,<2",
    "chispa>=0.11,<1",
    "deltalake>=1.6,<2",
    # The extension is loaded only by the version that it is made for.
    "duckdb==1.5.5",
    "duckdb-extension-delta==1.5.5",
    "duckdb-extensions>=1.5,<2",
    "hypothesis>=6.120,<7",
    "mypy>=1.18,<3",
    "pandas>=2.2,<4",
    "polars>=1.30,<3",
    "pre-commit>=4,<5",
    "pytest>=8.4,<10",
    "pytest-timeout>=2.4,<3",
    "pytest-xdist>=3.6,<4",
    "ruff>=0.14,<1",
    "trino>=0.336,<1",
    "setuptools>=77",  # the wheel's test builds one, offline
]

setup(
    name="event-lake",
    version=VERSIONS["EVENT_LAKE"],
    description="Streams events from Kinesis into Delta tables, each event exactly once",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=find_packages(include=["jobs*", "transforms*"]),
    package_data={"jobs": ["py.typed"], "transforms": ["py.typed"]},
    install_requires=[
        "boto3>=1.40,<2",
        "pyarrow>=18",
    ],
    extras_require={
        "spark": SPARK,
        "demo": DEMO,
        "test": TEST,
        "all": SPARK + DEMO + TEST,
    },
)
