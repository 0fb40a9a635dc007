"""The versions that belong together: the one place that pins them.

EMR's Spark 4 release `emr-spark-8.0.0` runs Spark 4.0.2, Delta 4.0.0 and Scala 2.13 on Java 17.
Hadoop is the one inside pyspark; the AWS SDK is the newest that hadoop-aws 3.4.1 speaks without the
checksum headers that S3-compatible servers refuse (they came with SDK 2.30).

With EVENT_LAKE_VERSIONS=newest a checkout is set up with the newest Spark that Delta runs on
(tests/run-newest). Since Delta 4.1 its JAR names the Spark that it is made for.
"""

import os

EVENT_LAKE = "0.1.0"
SCALA = "2.13"
if os.environ.get("EVENT_LAKE_VERSIONS") == "newest":
    SPARK, DELTA, HADOOP, AWS_SDK = "4.2.0", "4.4.0", "3.5.0", "2.35.4"
    DELTA_JAR = f"delta-spark_4.2_{SCALA}"
else:
    SPARK, DELTA, HADOOP, AWS_SDK = "4.0.2", "4.0.0", "3.4.1", "2.29.52"
    DELTA_JAR = f"delta-spark_{SCALA}"
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
