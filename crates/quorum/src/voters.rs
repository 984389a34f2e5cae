//! Between the voters of `raft` and the records that carry them.

use ottla_metadata::batch::Control;
use ottla_raft::{ControlRecord, Endpoint, KRaftVersions, ReplicaKey, Voter, Voters};
use ottla_wire::messages::{
    KRaftVersionRecord, LeaderChangeMessage, VotersRecord, leader_change_message, voters_record,
};

/// The voters that a record names.
pub(crate) fn from_record(record: &VotersRecord) -> Voters {
    Voters::new(record.voters.iter().map(|voter| Voter {
        key: ReplicaKey { id: voter.voter_id, directory: voter.voter_directory_id },
        endpoints: voter.endpoints.iter().map(endpoint).collect(),
        versions: KRaftVersions {
            min: voter.k_raft_version_feature.min_supported_version,
            max: voter.k_raft_version_feature.max_supported_version,
        },
    }))
}

fn endpoint(from: &voters_record::Endpoint) -> Endpoint {
    Endpoint { name: from.name.to_string(), host: from.host.to_string(), port: from.port }
}

/// The record that names these voters: for the 0-0 checkpoint of a fresh directory, for snapshots and for the log.
#[must_use]
pub fn voters_record(voters: &Voters) -> VotersRecord {
    let endpoint = |from: &Endpoint| voters_record::Endpoint {
        name: from.name.as_str().into(),
        host: from.host.as_str().into(),
        port: from.port,
    };
    let voter = |from: &Voter| voters_record::Voter {
        voter_id: from.key.id,
        voter_directory_id: from.key.directory,
        endpoints: from.endpoints.iter().map(endpoint).collect(),
        k_raft_version_feature: voters_record::KRaftVersionFeature {
            min_supported_version: from.versions.min,
            max_supported_version: from.versions.max,
        },
    };
    VotersRecord { version: 0, voters: voters.iter().map(voter).collect() }
}

/// The message of a control record.
pub(crate) fn control(record: ControlRecord) -> Control {
    let voter =
        |voter_id| leader_change_message::Voter { voter_id, ..leader_change_message::Voter::default() };
    match record {
        ControlRecord::LeaderChange { leader, voters, granting } => {
            Control::LeaderChange(LeaderChangeMessage {
                version: 0,
                leader_id: leader,
                voters: voters.into_iter().map(voter).collect(),
                granting_voters: granting.into_iter().map(voter).collect(),
            })
        }
        ControlRecord::KRaftVersion(level) => {
            Control::KRaftVersion(KRaftVersionRecord { version: 0, k_raft_version: level })
        }
        ControlRecord::Voters(voters) => Control::Voters(voters_record(&voters)),
    }
}
