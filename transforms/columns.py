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

# The index of an event in its record; -1: the record as it came
RECORD_INDEX = "record_index"

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
UNPACKING_FAULT = "unpacking_fault"
NEEDS_LOOKUP = "needs_lookup"
MAY_BE_PROCESSED = "may_be_processed"

# The position of a record in the stream, which identifies it before its bytes are parsed
RECORD_POSITION = (SHARD_ID, SEQUENCE_NUMBER, SUB_SEQUENCE_NUMBER, ATTEMPT)
# The position of what a record holds
POSITION = (SHARD_ID, SEQUENCE_NUMBER, SUB_SEQUENCE_NUMBER, RECORD_INDEX, ATTEMPT)
# The identity of an event
IDENTITY = (EVENT_UUID, CREATED_AT)

RECORD_SCHEMA = f"""
    {DATA} binary, {PARTITION_KEY} string, {SHARD_ID} string, {SEQUENCE_NUMBER} string,
    {SUB_SEQUENCE_NUMBER} bigint, {ARRIVED_AT} timestamp"""

RAW_SCHEMA = f"""{RECORD_SCHEMA},
    {INGESTED_AT} timestamp, {INGEST_DATE} date, {ATTEMPT} int, {RECORD_INDEX} int"""

QUARANTINE_SCHEMA = f"""{RAW_SCHEMA},
    {REASONS} array<string>, {DETAIL} string,
    {EVENT_UUID} string, {EVENT_NAME} string, {CREATED_AT} timestamp, {PROCESSED_AT} timestamp"""

EVENT_SCHEMA = f"""
    {EVENT_UUID} string, {EVENT_NAME} string, {CREATED_AT} timestamp, {EVENT_DATE} date,
    {CREATED_DATETIME} string, {EVENT_TYPE} string, {EVENT_SUBTYPE} string, {PAYLOAD} string,
    {ARRIVED_AT} timestamp, {INGESTED_AT} timestamp, {PROCESSED_AT} timestamp, {IS_LATE} boolean,
    {SHARD_ID} string, {SEQUENCE_NUMBER} string, {SUB_SEQUENCE_NUMBER} bigint, {RECORD_INDEX} int,
    {ATTEMPT} int, {CONTRACT_VERSION} string"""
