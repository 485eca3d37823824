//! Every limit of the product in one place; an error that a limit causes names it.

/// Labels on one series, the metric's name counted; Prometheus setups seldom exceed 30.
pub const LABELS_PER_SERIES_MAX: usize = 64;
/// Bytes of one label value.
pub const LABEL_VALUE_BYTES_MAX: usize = 2_048;
/// Series of one host; the offending metric is named when it is reached.
pub const SERIES_PER_HOST_MAX: usize = 20_000;
/// Bytes of one frame between agent and server.
pub const FRAME_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Samples of one batch from an agent.
pub const SAMPLES_PER_BATCH_MAX: usize = 100_000;
/// How far in the future of the server's clock a sample may lie, in milliseconds.
pub const SAMPLE_FUTURE_MS_MAX: i64 = 60_000;
/// Batches that wait between the connections and the judge before acknowledgements wait too.
pub const INGEST_QUEUE_BATCHES_MAX: usize = 4_096;
/// Levels of one rule: one per severity.
pub const LEVELS_PER_RULE_MAX: usize = 5;
/// Signals of one rule.
pub const SIGNALS_PER_RULE_MAX: usize = 8;
/// Conditions in one level, over all its alternatives.
pub const CONDITIONS_PER_LEVEL_MAX: usize = 16;
/// Rows of one page of a list, in the API and in the console.
pub const PAGE_ROWS_MAX: usize = 500;
/// Bytes of one request body of the API and of forms.
pub const REQUEST_BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Characters of a comment or a reason.
pub const COMMENT_CHARS_MAX: usize = 4_000;
/// Rows one bulk action may touch.
pub const BULK_ROWS_MAX: usize = 10_000;
/// Bytes of output kept of one script run or check command.
pub const RUN_OUTPUT_BYTES_MAX: usize = 256 * 1024;
/// Longest time limit of a script, in milliseconds.
pub const RUN_TIME_MS_MAX: u64 = 60 * 60 * 1_000;
/// How long a signed order may be carried out after it was signed, in milliseconds.
pub const ORDER_EXPIRY_MS_MAX: i64 = 5 * 60 * 1_000;
/// Points of one line of a graph.
pub const GRAPH_POINTS_MAX: usize = 1_500;
/// Series of one graph.
pub const GRAPH_SERIES_MAX: usize = 50;
/// Longest hold of a flapping problem's later notices, in milliseconds (alerting.md).
pub const FLAP_HOLD_MS_MAX: i64 = 10 * 60 * 1_000;
