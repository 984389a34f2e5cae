//! KRaft consensus as a value: step and tick in, effects out.
