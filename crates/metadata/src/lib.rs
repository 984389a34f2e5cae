//! Cluster metadata: records, image, deltas, replay, format.
