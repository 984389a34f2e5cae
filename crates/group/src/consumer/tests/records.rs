//! Records, to the byte, and logs as compaction leaves them.
