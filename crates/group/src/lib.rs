//! What a group coordinator decides: consumer groups of both protocols, and committed offsets.
//!
//! A decision is a function of the state, the request and a context; it yields records and replies and changes
//! nothing. The host appends the records, applies them, and lets the replies go when they are acknowledged
//! (`machine`). Left to others: the log, the clock, who waits for a reply (`coordinator`).

pub mod assign;
