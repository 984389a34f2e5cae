//! DescribeUserScramCredentials (50), version 0: who has SCRAM credentials, with mechanism and iterations
//! (KIP-554). None are made here; those that Kafka made are kept and shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use ottla_metadata::{Image, ScramMechanism};
use ottla_model::ErrorCode;
use ottla_wire::messages::describe_user_scram_credentials_response::{
    CredentialInfo, DescribeUserScramCredentialsResult,
};
use ottla_wire::messages::{DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::state::Broker;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: DescribeUserScramCredentialsRequest,
) -> Handled<DescribeUserScramCredentialsResponse> {
    let DescribeUserScramCredentialsRequest { users } = request;
    let users = users.unwrap_or_default().into_iter().map(|user| user.name.to_string());
    Handled::now(DescribeUserScramCredentialsResponse {
        throttle_time_ms: 0,
        error_code: ErrorCode::None.code(),
        error_message: None,
        results: describe(&broker.image.load(), users),
    })
}

/// The users asked for, or all when none are.
fn describe(image: &Image, users: impl Iterator<Item = String>) -> Vec<DescribeUserScramCredentialsResult> {
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    for user in users {
        *times.entry(user).or_default() += 1;
    }
    if times.is_empty() {
        times = image.scram.keys().map(|(_, user)| (user.to_string(), 1)).collect();
    }
    times.into_iter().map(|(user, times)| result(image, &user, times)).collect()
}

fn result(image: &Image, user: &str, times: u32) -> DescribeUserScramCredentialsResult {
    let answer = |code: ErrorCode, message: Option<String>, infos| DescribeUserScramCredentialsResult {
        user: user.into(),
        error_code: code.code(),
        error_message: message.map(Into::into),
        credential_infos: infos,
    };
    if times > 1 {
        let message =
            format!("Cannot describe SCRAM credentials for the same user twice in a single request: {user}");
        return answer(ErrorCode::DuplicateResource, Some(message), Vec::new());
    }
    let infos: Vec<_> = [ScramMechanism::Sha256, ScramMechanism::Sha512]
        .into_iter()
        .filter_map(|mechanism| {
            let credential = image.scram.get(&(mechanism, user.into()))?;
            Some(CredentialInfo { mechanism: mechanism.code(), iterations: credential.iterations })
        })
        .collect();
    if infos.is_empty() {
        let message = format!("Attempt to describe a user credential that does not exist: {user}");
        return answer(ErrorCode::ResourceNotFound, Some(message), infos);
    }
    answer(ErrorCode::None, None, infos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_credentials_here() {
        assert_eq!(describe(&Image::default(), std::iter::empty()), Vec::new());
    }

    #[test]
    fn an_unknown_user_and_one_named_twice_are_told_apart() {
        let users = ["ann", "bob", "bob"].map(str::to_owned);
        let codes: Vec<_> =
            describe(&Image::default(), users.into_iter()).iter().map(|result| result.error_code).collect();
        assert_eq!(codes, [ErrorCode::ResourceNotFound.code(), ErrorCode::DuplicateResource.code()]);
    }
}
