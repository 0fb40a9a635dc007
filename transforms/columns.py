"""Names of the columns that two or more modules use, and the schemas of the stages.

`RECORD_SCHEMA` is what the Kinesis source yields; `RAW_SCHEMA`, `EVENT_SCHEMA` and
`QUARANTINE_SCHEMA` are the schemas of the tables. Times are UTC `timestamp`s (microseconds).
"""

# A record of the Kinesis stream
DATA = "data"
PARTITION_KEY = "partition_key"
SHARD_ID = "shard_id"
SEQUENCE_NUMBER = "sequence_number"
SUB_SEQUENCE_NUMBER = "sub_sequence_number"
ARRIVED_AT = "arrived_at"

# Added by `ingest`
INGESTED_AT = "ingested_at"
INGEST_DATE = "ingest_date"
ATTEMPT = "attempt"

# An event
EVENT_UUID = "event_uuid"
EVENT_NAME = "event_name"
CREATED_AT = "created_at"
CREATED_DATETIME = "created_datetime"
EVENT_TYPE = "event_type"
EVENT_SUBTYPE = "event_subtype"
EVENT_DATE = "event_date"
PAYLOAD = "payload"
PROCESSED_AT = "processed_at"
IS_LATE = "is_late"
CONTRACT_VERSION = "contract_version"

# A rejected record
REASONS = "reasons"
DETAIL = "detail"

# Internal: no table has these
JSON = "json"
FAULT = "fault"
NEEDS_LOOKUP = "needs_lookup"
MAY_BE_PROCESSED = "may_be_processed"

# The position of a record in the stream, which identifies it before its bytes are parsed
POSITION = (SHARD_ID, SEQUENCE_NUMBER, SUB_SEQUENCE_NUMBER, ATTEMPT)
# The identity of an event
IDENTITY = (EVENT_UUID, CREATED_AT)

RECORD_SCHEMA = f"""
    {DATA} binary, {PARTITION_KEY} string, {SHARD_ID} string, {SEQUENCE_NUMBER} string,
    {SUB_SEQUENCE_NUMBER} bigint, {ARRIVED_AT} timestamp"""

RAW_SCHEMA = f"""{RECORD_SCHEMA},
    {INGESTED_AT} timestamp, {INGEST_DATE} date, {ATTEMPT} int"""

QUARANTINE_SCHEMA = f"""{RAW_SCHEMA},
    {REASONS} array<string>, {DETAIL} string,
    {EVENT_UUID} string, {EVENT_NAME} string, {CREATED_AT} timestamp, {PROCESSED_AT} timestamp"""

EVENT_SCHEMA = f"""
    {EVENT_UUID} string, {EVENT_NAME} string, {CREATED_AT} timestamp, {EVENT_DATE} date,
    {CREATED_DATETIME} string, {EVENT_TYPE} string, {EVENT_SUBTYPE} string, {PAYLOAD} string,
    {ARRIVED_AT} timestamp, {INGESTED_AT} timestamp, {PROCESSED_AT} timestamp, {IS_LATE} boolean,
    {SHARD_ID} string, {SEQUENCE_NUMBER} string, {SUB_SEQUENCE_NUMBER} bigint, {ATTEMPT} int,
    {CONTRACT_VERSION} string"""
