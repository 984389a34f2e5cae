//! Whether a group is settled, which is counted, against a look at every member.

use proptest::prelude::*;

use crate::state::consumer::ConsumerGroup;
use crate::state::member::{Member, MemberState};

#[derive(Clone, Debug)]
enum Step {
    Put(u8, i32, MemberState),
    Remove(u8),
    Aim(i32),
}

/// Few members and epochs, so that they often meet.
fn a_step() -> impl Strategy<Value = Step> {
    let state = prop_oneof![
        4 => Just(MemberState::Stable),
        1 => Just(MemberState::Unrevoked),
        1 => Just(MemberState::Unreleased),
    ];
    prop_oneof![
        6 => (0_u8..4, 1..4, state).prop_map(|(id, epoch, state)| Step::Put(id, epoch, state)),
        2 => (0_u8..4).prop_map(Step::Remove),
        1 => (1..4).prop_map(Step::Aim),
    ]
}

fn is_settled(group: &ConsumerGroup) -> bool {
    !group.is_empty()
        && group.epoch <= group.target_epoch
        && group.members.values().all(|member| member.has_reached(group.target_epoch))
}

proptest! {
    #[test]
    fn a_group_is_settled_when_every_member_is(steps in prop::collection::vec(a_step(), 1..60)) {
        let mut group = ConsumerGroup::default();
        for step in steps {
            match step {
                Step::Put(id, epoch, state) => {
                    let member = Member { epoch, state, ..Member::new(id.to_string().into()) };
                    prop_assert!(group.put(member).is_ok());
                }
                Step::Remove(id) => group.remove(&id.to_string()),
                Step::Aim(epoch) => group.aim(epoch),
            }
            prop_assert_eq!(group.is_settled(), is_settled(&group));
        }
    }
}
