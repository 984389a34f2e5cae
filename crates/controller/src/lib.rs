//! The decisions of the cluster's controller.
