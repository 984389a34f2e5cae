//! Groups far larger than any sane one: work that grew with the square of members or partitions would not end here.

use super::*;

const MEMBERS: u32 = 5_000;

fn large(subscribed: impl Fn(u32) -> Arc<BTreeSet<Uuid>>) -> Members {
    (0..MEMBERS)
        .map(|number| {
            let rack = Some(["a", "b", "c"][number as usize % 3].into());
            let member = Subscriber { rack, topics: subscribed(number), ..Subscriber::default() };
            (format!("member-{number:05}").into(), member)
        })
        .collect()
}

fn hundred_thousand(topics: u32) -> Cluster {
    let count = i32::try_from(100_000 / topics).unwrap();
    let racks = [["a", "b"], ["b", "c"], ["c", "a"]].map(|racks| racks.map(Arc::from).into());
    Cluster { racks: racks.to_vec(), ..cluster(&(0..topics).map(|topic| (topic, count)).collect::<Vec<_>>()) }
}

/// Assigns, and assigns again after the first tenth of the members has gone.
fn check(members: &Members, cluster: &Cluster) {
    for assignor in [Assignor::Uniform, Assignor::Range] {
        let target = assignor.assign(members, cluster);
        judge(members, cluster, &target).unwrap();
        let mut members = settled(members, &target);
        members.retain(|id, _| **id >= *"member-00500");
        judge(&members, cluster, &assignor.assign(&members, cluster)).unwrap();
    }
}

#[test]
fn equal_subscriptions() {
    let topics: Arc<BTreeSet<Uuid>> = Arc::new((0..100).map(topic).collect());
    check(&large(|_| Arc::clone(&topics)), &hundred_thousand(100));
}

#[test]
fn one_partition_for_each_topic() {
    let topics: Arc<BTreeSet<Uuid>> = Arc::new((0..100_000).map(topic).collect());
    let members = large(|number| if number < 10 { Arc::clone(&topics) } else { Arc::default() });
    check(&members, &hundred_thousand(100_000));
}

#[test]
fn every_member_shares_a_topic_with_its_neighbours() {
    check(&large(|number| Arc::new([topic(number), topic(number + 1)].into())), &hundred_thousand(MEMBERS));
}

#[test]
fn every_subscription_is_another() {
    let spread = |number: u32| {
        (0..20).map(move |step| topic(number.wrapping_mul(2_654_435_761) >> (12 + step) & 1_023))
    };
    check(&large(|number| Arc::new(spread(number).collect())), &hundred_thousand(1_024));
}
