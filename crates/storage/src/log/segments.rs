//! The segments of a log: those that are sealed, and the active one.
//!
//! A value: it is replaced as a whole (copy on roll), so that readers keep what they have. Base offsets
//! grow strictly; there is always an active segment.

use std::sync::Arc;

use ottla_model::Offset;

use crate::segment::Segment;

/// See the file's head.
#[derive(Clone, Debug)]
pub(crate) struct Segments {
    sealed: Arc<Vec<Arc<Segment>>>,
    active: Arc<Segment>,
}

impl Segments {
    pub(crate) fn new(sealed: Vec<Arc<Segment>>, active: Arc<Segment>) -> Self {
        Self { sealed: Arc::new(sealed), active }
    }

    pub(crate) const fn active(&self) -> &Arc<Segment> {
        &self.active
    }

    pub(crate) fn first(&self) -> &Arc<Segment> {
        self.sealed.first().unwrap_or(&self.active)
    }

    pub(crate) fn len(&self) -> usize {
        self.sealed.len() + 1
    }

    pub(crate) fn get(&self, place: usize) -> Option<&Arc<Segment>> {
        self.iter().nth(place)
    }

    /// Oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Segment>> {
        self.sealed.iter().chain(std::iter::once(&self.active))
    }

    pub(crate) fn sealed(&self) -> &[Arc<Segment>] {
        &self.sealed
    }

    /// Place of the last segment whose base offset is not above `offset`; the first when all are.
    pub(crate) fn place_of(&self, offset: Offset) -> usize {
        if self.active.base_offset() <= offset {
            return self.sealed.len();
        }
        self.sealed.partition_point(|segment| segment.base_offset() <= offset).saturating_sub(1)
    }

    /// The same with `next` active and the active one sealed, unless that is empty and goes.
    pub(crate) fn rolled(&self, next: Arc<Segment>) -> Self {
        let mut sealed = self.sealed.to_vec();
        if self.active.size() > 0 {
            sealed.push(self.active.clone());
        }
        Self::new(sealed, next)
    }

    /// The same without the first `count` segments, which the active one is not among.
    pub(crate) fn without_first(&self, count: usize) -> Self {
        Self::new(self.sealed.get(count..).unwrap_or_default().to_vec(), self.active.clone())
    }
}
