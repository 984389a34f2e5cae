//! A partition that lives on this node.
