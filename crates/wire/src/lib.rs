//! Kafka's protocol: frames, headers, every message.
