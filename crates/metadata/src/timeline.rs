//! An image moving along the log: records in order, transactions, and what readers may see (Kafka's
//! `MetadataBatchLoader` and `OffsetControlManager`).
//!
//! The *working* image holds every record replayed: the controller decides on it. The *visible* image leaves out an
//! open transaction: brokers serve from it. An abort takes the working image back to the visible one.

use ottla_model::{LeaderEpoch, Millis, Offset};
use ottla_wire::MetadataRecord;

use crate::delta::Touched;
use crate::error::ReplayError;
use crate::image::Image;

/// How far an image has come: what a snapshot of it is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Provenance {
    /// The offset after the last record in it.
    pub end_offset: Offset,
    /// The epoch of that record's batch.
    pub epoch: LeaderEpoch,
    /// When that batch was appended.
    pub timestamp: Millis,
}

/// A metadata transaction that has begun and not ended.
#[derive(Clone, Debug)]
struct Open {
    /// The offset of its BeginTransaction record.
    start: Offset,
    /// The image before it.
    before: Image,
    before_touched: Touched,
}

/// The image at the end of what was replayed.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    working: Image,
    /// What was touched since it was last taken.
    touched: Touched,
    reached: Provenance,
    open: Option<Open>,
}

impl Timeline {
    /// Starts from an image, as after loading a snapshot.
    #[must_use]
    pub fn from_image(image: Image, reached: Provenance) -> Self {
        Self { working: image, reached, ..Self::default() }
    }

    /// Replays one record; records come in order, and [`Timeline::reach`] follows the last of a batch.
    ///
    /// # Errors
    /// When the record does not fit; the image is then as before.
    pub fn replay(&mut self, record: &MetadataRecord, offset: Offset) -> Result<(), ReplayError> {
        match record {
            MetadataRecord::BeginTransaction(_) => {
                if self.open.is_some() {
                    return Err(ReplayError::TransactionOpen);
                }
                let (before, before_touched) = (self.working.clone(), self.touched.clone());
                self.open = Some(Open { start: offset, before, before_touched });
                Ok(())
            }
            MetadataRecord::EndTransaction(_) => self.open.take().map(drop).ok_or(ReplayError::NoTransaction),
            MetadataRecord::AbortTransaction(_) => {
                let open = self.open.take().ok_or(ReplayError::NoTransaction)?;
                self.working = open.before;
                self.touched = open.before_touched;
                Ok(())
            }
            other => self.working.replay(other, &mut self.touched),
        }
    }

    /// Notes the end of a batch, control batches included.
    pub const fn reach(&mut self, reached: Provenance) {
        self.reached = reached;
    }

    /// The image with everything replayed.
    #[must_use]
    pub const fn working(&self) -> &Image {
        &self.working
    }

    /// The image without an open transaction.
    #[must_use]
    pub fn visible(&self) -> &Image {
        self.open.as_ref().map_or(&self.working, |open| &open.before)
    }

    /// How far the working image has come.
    #[must_use]
    pub const fn reached(&self) -> Provenance {
        self.reached
    }

    /// The offset at which the open transaction began.
    #[must_use]
    pub fn open_transaction(&self) -> Option<Offset> {
        self.open.as_ref().map(|open| open.start)
    }

    /// Takes what became visible since the last call; while a transaction is open, what was so before it.
    pub fn take_touched(&mut self) -> Touched {
        match &mut self.open {
            // What the transaction touched stays noted until it ends.
            Some(open) => std::mem::take(&mut open.before_touched),
            None => std::mem::take(&mut self.touched),
        }
    }
}
