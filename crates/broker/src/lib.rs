//! Request handlers, effects, parked requests, publishing of metadata.
