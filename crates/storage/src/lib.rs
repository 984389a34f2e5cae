//! One log on disk: segments, indexes, producer state, recovery, retention.

pub mod atomic_file;
pub mod checkpoint;
pub mod clean_shutdown;
pub mod epoch_cache;
pub mod file_cache;
pub mod flush;
pub mod index;
pub mod limits;
pub mod log;
pub mod log_dirs;
pub mod meta_properties;
pub mod names;
pub mod partition_metadata;
pub mod producer_state;
pub mod recovery;
pub mod retention;
pub mod roll;
mod segment;
