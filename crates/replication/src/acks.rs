//! When a producer wants its answer (`acks`).

/// The three legal values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// 0: no answer at all.
    None,
    /// 1: when the leader has appended.
    Leader,
    /// −1: when the append is acknowledged (see [`crate::LeaderView::acknowledged_offset`]).
    All,
}

/// Any other value: INVALID_REQUIRED_ACKS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidAcks(pub i16);

impl TryFrom<i16> for Acks {
    type Error = InvalidAcks;

    fn try_from(value: i16) -> Result<Self, InvalidAcks> {
        match value {
            0 => Ok(Self::None),
            1 => Ok(Self::Leader),
            -1 => Ok(Self::All),
            other => Err(InvalidAcks(other)),
        }
    }
}
