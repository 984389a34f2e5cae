//! LeaveGroup (13) in its two shapes: one member before version 3, a list of them from then on.

use ottla_model::ErrorCode;
use ottla_wire::messages::leave_group_request::MemberIdentity;
use ottla_wire::messages::leave_group_response::MemberResponse;
use ottla_wire::messages::{LeaveGroupRequest, LeaveGroupResponse};

/// The first version with a list.
const LIST: i16 = 3;

/// Who leaves.
pub(crate) fn identities(request: &LeaveGroupRequest, version: i16) -> Vec<MemberIdentity> {
    if version >= LIST {
        return request.members.clone();
    }
    vec![MemberIdentity { member_id: request.member_id.clone(), ..Default::default() }]
}

/// The answer: before there was a list, the code of the only member is that of the whole.
pub(crate) fn answer(members: Vec<MemberResponse>, version: i16) -> LeaveGroupResponse {
    if version >= LIST {
        return LeaveGroupResponse { members, ..Default::default() };
    }
    let error_code = members.first().map_or(ErrorCode::None.code(), |member| member.error_code);
    LeaveGroupResponse { error_code, ..Default::default() }
}

/// Every member is unknown.
pub(crate) fn unknown(request: &LeaveGroupRequest, version: i16) -> LeaveGroupResponse {
    let refused = |identity: MemberIdentity| MemberResponse {
        member_id: identity.member_id,
        group_instance_id: identity.group_instance_id,
        error_code: ErrorCode::UnknownMemberId.code(),
    };
    answer(identities(request, version).into_iter().map(refused).collect(), version)
}
