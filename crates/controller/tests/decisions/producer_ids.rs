//! AllocateProducerIds.

use ottla_controller::{Reply, Request};
use ottla_metadata::MetadataVersion;
use ottla_model::ErrorCode;

use crate::cluster::Cluster;

#[test]
fn blocks_of_a_thousand_follow_one_another() {
    let mut cluster = Cluster::running();
    for block in [0..1000, 1000..2000, 2000..3000] {
        assert_eq!(cluster.ask(Request::AllocateProducerIds), Reply::AllocateProducerIds(Ok(block)));
    }
    cluster.start(None);
    assert_eq!(cluster.ask(Request::AllocateProducerIds), Reply::AllocateProducerIds(Ok(3000..4000)));
}

#[test]
fn nobody_gets_ids_before_it_is_registered() {
    let cluster = Cluster::formatted(MetadataVersion::DEFAULT);
    let (records, reply) = cluster.decide(Request::AllocateProducerIds);
    let refused = Reply::AllocateProducerIds(Err(ErrorCode::BrokerIdNotRegistered));
    assert_eq!((records, reply), (Vec::new(), refused));
}
