//! DescribeAcls (29), versions 1 to 3: there is no authorizer, so there is nothing to describe; consoles ask all the
//! same and understand SECURITY_DISABLED.

use std::sync::Arc;

use ottla_model::ErrorCode;
use ottla_wire::messages::{DescribeAclsRequest, DescribeAclsResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::state::Broker;

pub(crate) fn handle(
    _broker: &Arc<Broker>,
    _context: &RequestContext,
    request: DescribeAclsRequest,
) -> Handled<DescribeAclsResponse> {
    // Whatever the filter: nothing passes it.
    let DescribeAclsRequest {
        resource_type_filter: _,
        resource_name_filter: _,
        pattern_type_filter: _,
        principal_filter: _,
        host_filter: _,
        operation: _,
        permission_type: _,
    } = request;
    Handled::now(DescribeAclsResponse {
        throttle_time_ms: 0,
        error_code: ErrorCode::SecurityDisabled.code(),
        error_message: Some("No Authorizer is configured.".into()),
        resources: Vec::new(),
    })
}
