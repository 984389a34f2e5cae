//! Why a setting is kept without effect, and what to do about one that is refused: one sentence for each reason.

pub(super) const ALONE: &str =
    "this node is its own cluster: there is no other broker or controller to talk to";
pub(super) const BY_LEVEL: &str =
    "which kinds of groups are served follows from the feature levels, as it will in Kafka 5";
pub(super) const CLEANER: &str = "compacted topics are stored and never cleaned so far";
pub(super) const IDLE: &str = "an idle controller writes nothing";
pub(super) const KAFKA_LOGS: &str = "it shapes log lines of Kafka's own";
pub(super) const KAFKA_TESTS: &str = "it exists for Kafka's own tests";
pub(super) const LAST_DIR: &str = "a failed directory goes offline at once; nobody else has to be told";
pub(super) const LOADING: &str = "what is loaded is read as every other read";
pub(super) const METRICS: &str = "metrics are served over HTTP, see `ottla.metrics.listener`";
pub(super) const MOVE: &str = "replicas are not moved between directories so far";
pub(super) const NO_BUFFER: &str = "a decision is written as it is made; writes are not gathered in a buffer";
pub(super) const NO_THREADS: &str =
    "groups have no threads of their own; they are decided on the threads that serve";
pub(super) const POOL: &str = "housekeeping takes its turns on the threads that serve";
pub(super) const PURGATORY: &str = "what is finished leaves the waiting list at once";
pub(super) const QUOTAS: &str = "quotas are not enforced so far";
pub(super) const RELEASED: &str = "only released versions are served";
pub(super) const SECURITY: &str = "listeners speak PLAINTEXT only so far";
pub(super) const SHARE: &str = "share groups are not served so far";
pub(super) const START: &str = "listeners are opened together, when the node is ready";
pub(super) const STREAMS: &str = "Streams groups are not served so far";
pub(super) const TELEMETRY: &str = "clients' own metrics are not collected so far";
pub(super) const TIERED: &str = "there is no remote storage so far";
pub(super) const TOGETHER: &str = "producers to forget are looked for together with segments to delete";
pub(super) const TOKENS: &str = "delegation tokens are not served so far";
pub(super) const TWO_SNAPSHOTS: &str = "the last two snapshots are kept, and the log from the older one on";
pub(super) const TXN: &str = "transactions are not served so far";

pub(super) const AUTHORIZER: &str = "access control is not built yet; remove the line only if everybody who reaches this broker may do everything";
pub(super) const CORDON: &str =
    "cordoning is not built yet; take the directory out of log.dirs, or remove the line";
pub(super) const JAVA_POLICY: &str = "Java classes are not loaded; remove the line to run without the policy";
pub(super) const NO_TIERED: &str =
    "remote storage is not built yet; bring the data back to the brokers with Kafka first";
pub(super) const PROVIDERS: &str =
    "write the values themselves, or give them as KAFKA_* environment variables";
