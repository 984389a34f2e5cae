//! What a principal may do, as bit fields of operations (KIP-430, Kafka's `AuthHelper`).
//!
//! Without an authorizer everybody may do everything that a kind of resource knows.

/// Kafka's `AclOperation` numbers.
const READ: i32 = 3;
const WRITE: i32 = 4;
const CREATE: i32 = 5;
const DELETE: i32 = 6;
const ALTER: i32 = 7;
const DESCRIBE: i32 = 8;
const CLUSTER_ACTION: i32 = 9;
const DESCRIBE_CONFIGS: i32 = 10;
const ALTER_CONFIGS: i32 = 11;
const IDEMPOTENT_WRITE: i32 = 12;

/// Nobody asked.
pub(crate) const NOT_ASKED: i32 = i32::MIN;

/// Everything that can be done with a topic.
pub(crate) const ON_TOPIC: i32 =
    field(&[READ, WRITE, CREATE, DESCRIBE, DELETE, ALTER, DESCRIBE_CONFIGS, ALTER_CONFIGS]);

/// Everything that can be done with a group.
pub(crate) const ON_GROUP: i32 = field(&[READ, DESCRIBE, DELETE, DESCRIBE_CONFIGS, ALTER_CONFIGS]);

/// Everything that can be done with the cluster.
pub(crate) const ON_CLUSTER: i32 =
    field(&[CREATE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE, ALTER, DESCRIBE]);

const fn field(mut operations: &[i32]) -> i32 {
    let mut field = 0;
    while let [operation, rest @ ..] = operations {
        field |= 1 << *operation;
        operations = rest;
    }
    field
}

#[cfg(test)]
mod tests {
    use super::{ON_CLUSTER, ON_TOPIC};

    #[test]
    fn everything_is_what_kafka_answers_without_an_authorizer() {
        assert_eq!((ON_TOPIC, ON_CLUSTER), (3576, 8096));
    }
}
