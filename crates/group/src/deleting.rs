//! Groups that are no more.

use crate::change::Decision;
use crate::classic;
use crate::consumer;
use crate::state::Group;

impl Group {
    /// Records by which an empty group is no more, and its deadlines.
    pub(crate) fn tombstones(&self, id: &str, decision: &mut Decision) {
        match self {
            Self::Classic(group) => classic::delete(id, group, decision),
            Self::Consumer(group) => consumer::delete(id, group, decision),
            Self::Foreign(_) => {}
        }
    }
}
