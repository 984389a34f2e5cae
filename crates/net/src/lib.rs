//! Listeners, connections, response order, limits.
