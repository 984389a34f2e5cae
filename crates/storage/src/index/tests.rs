//! The indexes against naive ones.
