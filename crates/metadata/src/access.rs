//! What belongs to clients and users: quotas, and, kept for the way back to Kafka and for the day security is built,
//! SCRAM credentials, ACLs and delegation tokens.

use ottla_model::{Millis, Uuid};
use ottla_wire::messages::{
    AccessControlEntryRecord, ClientQuotaRecord, DelegationTokenRecord, UserScramCredentialRecord,
    client_quota_record,
};

use crate::error::ReplayError;
use crate::parts::{Text, text};

/// Who a quota is for: entity type (`user`, `client-id`, `ip`) and name, `None` being the default; by type.
pub type QuotaEntity = Vec<(Text, Option<Text>)>;

pub(crate) fn quota_entity(record: &ClientQuotaRecord) -> QuotaEntity {
    let mut entity: QuotaEntity = record
        .entity
        .iter()
        .map(|part| (text(&part.entity_type), part.entity_name.as_deref().map(text)))
        .collect();
    entity.sort();
    entity
}

/// The record that sets one quota.
pub(crate) fn quota_record(entity: &QuotaEntity, key: &str, value: f64) -> ClientQuotaRecord {
    let part = |(kind, name): &(Text, Option<Text>)| client_quota_record::EntityData {
        entity_type: (&**kind).into(),
        entity_name: name.as_deref().map(Into::into),
    };
    ClientQuotaRecord { entity: entity.iter().map(part).collect(), key: key.into(), value, remove: false }
}

/// A SCRAM mechanism (Kafka's `ScramMechanism`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScramMechanism {
    /// SCRAM-SHA-256.
    Sha256,
    /// SCRAM-SHA-512.
    Sha512,
}

impl ScramMechanism {
    /// The number in a record.
    #[must_use]
    pub const fn code(self) -> i8 {
        match self {
            Self::Sha256 => 1,
            Self::Sha512 => 2,
        }
    }

    pub(crate) const fn from_code(code: i8) -> Result<Self, ReplayError> {
        match code {
            1 => Ok(Self::Sha256),
            2 => Ok(Self::Sha512),
            other => Err(ReplayError::Value { field: "mechanism", value: other as i64 }),
        }
    }
}

/// What verifies a user's password; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramCredential {
    salt: Vec<u8>,
    stored_key: Vec<u8>,
    server_key: Vec<u8>,
    /// How often the hash was iterated.
    pub iterations: i32,
}

impl std::fmt::Debug for ScramCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScramCredential").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

impl ScramCredential {
    pub(crate) fn from_record(record: &UserScramCredentialRecord) -> Self {
        Self {
            salt: record.salt.to_vec(),
            stored_key: record.stored_key.to_vec(),
            server_key: record.server_key.to_vec(),
            iterations: record.iterations,
        }
    }

    pub(crate) fn to_record(&self, mechanism: ScramMechanism, user: &str) -> UserScramCredentialRecord {
        UserScramCredentialRecord {
            name: user.into(),
            mechanism: mechanism.code(),
            salt: self.salt.clone().into(),
            stored_key: self.stored_key.clone().into(),
            server_key: self.server_key.clone().into(),
            iterations: self.iterations,
        }
    }
}

/// One access control entry, as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acl {
    /// What kind of resource (Kafka's `ResourceType`).
    pub resource_type: i8,
    /// Its name or pattern.
    pub resource_name: Text,
    /// How the name is matched (Kafka's `PatternType`).
    pub pattern_type: i8,
    /// For whom, `Type:name`.
    pub principal: Text,
    /// From where.
    pub host: Text,
    /// Which operation (Kafka's `AclOperation`).
    pub operation: i8,
    /// Allowed or denied (Kafka's `AclPermissionType`).
    pub permission_type: i8,
}

impl Acl {
    pub(crate) fn from_record(record: &AccessControlEntryRecord) -> Self {
        Self {
            resource_type: record.resource_type,
            resource_name: text(&record.resource_name),
            pattern_type: record.pattern_type,
            principal: text(&record.principal),
            host: text(&record.host),
            operation: record.operation,
            permission_type: record.permission_type,
        }
    }

    pub(crate) fn to_record(&self, id: Uuid) -> AccessControlEntryRecord {
        AccessControlEntryRecord {
            id,
            resource_type: self.resource_type,
            resource_name: (&*self.resource_name).into(),
            pattern_type: self.pattern_type,
            principal: (&*self.principal).into(),
            host: (&*self.host).into(),
            operation: self.operation,
            permission_type: self.permission_type,
        }
    }
}

/// A delegation token without its secret, which no log holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelegationToken {
    /// Whose token, `Type:name`.
    pub owner: Text,
    /// Who asked for it.
    pub requester: Text,
    /// Who may renew it.
    pub renewers: Vec<Text>,
    /// When it was issued.
    pub issued: Millis,
    /// Until when it can be renewed.
    pub max: Millis,
    /// When it ends unless renewed.
    pub expires: Millis,
}

impl DelegationToken {
    pub(crate) fn from_record(record: &DelegationTokenRecord) -> Self {
        Self {
            owner: text(&record.owner),
            requester: text(&record.requester),
            renewers: record.renewers.iter().map(|renewer| text(renewer)).collect(),
            issued: record.issue_timestamp,
            max: record.max_timestamp,
            expires: record.expiration_timestamp,
        }
    }

    pub(crate) fn to_record(&self, id: &str) -> DelegationTokenRecord {
        DelegationTokenRecord {
            owner: (&*self.owner).into(),
            requester: (&*self.requester).into(),
            renewers: self.renewers.iter().map(|renewer| (&**renewer).into()).collect(),
            issue_timestamp: self.issued,
            max_timestamp: self.max,
            expiration_timestamp: self.expires,
            token_id: id.into(),
        }
    }
}
