//! Topic names, checked once and then trusted: a [`TopicName`] is safe to put into a path.

use std::fmt;
use std::sync::Arc;

/// The longest legal topic name, in bytes: what leaves room for the partition and a suffix in 255.
const MAX_TOPIC_NAME: usize = 249;

/// 1 to 249 of `[a-zA-Z0-9._-]`, and neither `.` nor `..` (Kafka's `Topic.validate`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(Arc<str>);

/// Why a topic name is refused; its text is what a client is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidTopicName {
    /// No characters.
    Empty,
    /// `.` or `..`.
    Dots,
    /// More than 249 bytes.
    TooLong,
    /// A character outside `[a-zA-Z0-9._-]`.
    Character,
}

impl fmt::Display for InvalidTopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the topic name is empty",
            Self::Dots => "the topic name is '.' or '..'",
            Self::TooLong => "the topic name is longer than 249 characters",
            Self::Character => "the topic name has a character other than a-z, A-Z, 0-9, '.', '_' and '-'",
        })
    }
}

impl std::error::Error for InvalidTopicName {}

impl TopicName {
    /// Checks a name against Kafka's rule.
    pub fn new(name: &str) -> Result<Self, InvalidTopicName> {
        if name.is_empty() {
            Err(InvalidTopicName::Empty)
        } else if name == "." || name == ".." {
            Err(InvalidTopicName::Dots)
        } else if name.len() > MAX_TOPIC_NAME {
            Err(InvalidTopicName::TooLong)
        } else if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) {
            Err(InvalidTopicName::Character)
        } else {
            Ok(Self(Arc::from(name)))
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether Kafka keeps its own state in this topic (`Topic.isInternal`).
    #[must_use]
    pub fn is_internal(&self) -> bool {
        matches!(self.as_str(), "__consumer_offsets" | "__transaction_state" | "__share_group_state")
    }
}

impl std::borrow::Borrow<str> for TopicName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One partition of one topic; its text is the name of its directory (`topic-partition`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic.
    pub topic: TopicName,
    /// Numbered from 0.
    pub partition: i32,
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

impl fmt::Debug for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_kafkas_rule() {
        for good in ["a", "A.b_c-9", &"x".repeat(249), "...", "__consumer_offsets"] {
            assert_eq!(TopicName::new(good).unwrap().as_str(), good);
        }
        assert_eq!(TopicName::new(""), Err(InvalidTopicName::Empty));
        assert_eq!(TopicName::new(".."), Err(InvalidTopicName::Dots));
        assert_eq!(TopicName::new(&"x".repeat(250)), Err(InvalidTopicName::TooLong));
        for bad in ["a/b", "../../etc/passwd", "a\0b", "ä", "a b", "%2e%2e"] {
            assert_eq!(TopicName::new(bad), Err(InvalidTopicName::Character), "{bad}");
        }
    }
}
