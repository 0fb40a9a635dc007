"""The versions that belong together: the one place that pins them.

The primary pair is that of EMR's long-term release `emr-spark-8.1.0`: Spark 4.1.1 with Delta 4.2.0
on Scala 2.13 and Java 17 (8.2.0 has Spark 4.1.3; Delta's Python package admits 4.1.1 at most). With
EVENT_LAKE_VERSIONS=4.0 or newest, a checkout is set up with another pair (tests/run-on); the matrix
in docs/versions.md has what was run on each.

Hadoop is the one inside pyspark, and the AWS SDK is the one that hadoop-aws is built with. Before
2.30 the SDK sends no checksum headers, which S3-compatible servers refuse. Since Delta 4.1 its JAR
names the Spark that it is made for.
"""

import os

EVENT_LAKE = "0.1.0"
SCALA = "2.13"
LINE = os.environ.get("EVENT_LAKE_VERSIONS") or "4.1"
SPARK, DELTA, DELTA_JAR, HADOOP, AWS_SDK = {
    "4.1": ("4.1.1", "4.2.0", f"delta-spark_4.1_{SCALA}", "3.4.2", "2.29.52"),
    "4.0": ("4.0.2", "4.0.0", f"delta-spark_{SCALA}", "3.4.1", "2.29.52"),
    "newest": ("4.2.0", "4.4.0", f"delta-spark_4.2_{SCALA}", "3.5.0", "2.35.4"),
}[LINE]
JAVA = (17, 21)
# Hadoop starts a process for every file that it makes on a local disk; this one does not.
BARE_LOCAL_FILES = "hadoop-bare-naked-local-fs"

# hadoop-aws asks for the whole AWS SDK in one JAR of 500 MB; S3A needs these modules of it.
_S3A_SDK_MODULES = ("s3", "s3-transfer-manager", "sts", "apache-client", "netty-nio-client")

JAR_PACKAGES = (
    f"io.delta:{DELTA_JAR}:{DELTA}",
    f"org.apache.hadoop:hadoop-aws:{HADOOP}",
    *(f"software.amazon.awssdk:{module}:{AWS_SDK}" for module in _S3A_SDK_MODULES),
    f"com.globalmentor:{BARE_LOCAL_FILES}:0.1.0",
)
# Left out: the big JAR above, and what Spark brings itself, often newer. A second SLF4J or Netty on
# the class path takes the place of Spark's own.
JAR_EXCLUDES = (
    "software.amazon.awssdk:bundle",
    "org.slf4j:*",
    "io.netty:*",
    "org.antlr:*",
    "org.apache.httpcomponents:*",
    "commons-codec:*",
    "commons-logging:*",
    # of Delta 4.4
    "com.fasterxml.jackson.core:*",
    "com.fasterxml.jackson.datatype:*",
    "com.github.luben:*",
    "io.airlift:*",
    "org.apache.hadoop:hadoop-client-api",
    "org.apache.hadoop:hadoop-client-runtime",
    "org.apache.logging.log4j:*",
    "org.apache.parquet:*",
    "org.roaringbitmap:*",
    "org.xerial.snappy:*",
)
