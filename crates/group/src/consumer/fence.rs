//! Members that go, of their own will or not; what they owned is free at once.

use crate::Text;
use crate::change::Decision;
use crate::consumer::draft::Draft;
use crate::consumer::{migrate, records};
use crate::refusal::Refusal;
use crate::reply::Reason;
use crate::timers::TimerKey;

/// Takes members out of their group, which may become a classic one by that. The draft ends here.
pub(crate) fn fence(
    mut draft: Draft<'_>,
    decision: &mut Decision,
    members: &[Text],
    reason: Reason,
) -> Result<(), Refusal> {
    if members.is_empty() {
        draft.finish(decision);
        return Ok(());
    }
    if migrate::downgrades_without(&draft, members) {
        migrate::downgrade(&mut draft, members, Some(reason))?;
        draft.finish_converted(decision);
        return Ok(());
    }
    let group = draft.id.clone();
    for id in members {
        let Some(member) = draft.group.members.get(id).cloned() else { continue };
        draft.records(records::no_member(&group, id))?;
        draft.drop_pattern(&member)?;
        draft.cancel_deadlines(id);
    }
    let hash = draft.hash();
    let first = members.first().map_or("", |member| &**member);
    draft.bump(hash, reason, first)?;
    if draft.group.is_empty() {
        // As in a new group, the next assignment is not put off.
        draft.record(records::target_epoch(&group, draft.group.epoch, 0))?;
        draft.decision.cancel(TimerKey::Assign { group });
    }
    draft.finish(decision);
    Ok(())
}
