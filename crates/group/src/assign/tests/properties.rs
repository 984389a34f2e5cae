//! Over any group: what must hold of each assignment, and a naive search for the most even loads beside it.

use proptest::prelude::*;

use super::*;

const TOPICS: u32 = 5;

fn a_cluster(most: i32) -> impl Strategy<Value = Cluster> {
    let racks =
        proptest::collection::vec(proptest::collection::btree_set("[abc]".prop_map(Arc::from), 0..3), 0..4);
    (proptest::collection::vec(0..=most, TOPICS as usize), racks)
        .prop_map(|(counts, racks)| Cluster { partitions: (0..).map(topic).zip(counts).collect(), racks })
}

/// Any member; what it owned may be gone, unsubscribed or somebody else's too.
fn a_member() -> impl Strategy<Value = Subscriber> {
    let owned = proptest::collection::btree_map(
        (0..TOPICS).prop_map(topic),
        proptest::collection::btree_set(-1..12i32, 1..6),
        0..3,
    );
    (
        proptest::option::of("[abc]".prop_map(Arc::from)),
        proptest::option::of("[a-z]".prop_map(Arc::from)),
        proptest::collection::btree_set((0..TOPICS + 1).prop_map(topic), 0..4),
        owned,
    )
        .prop_map(|(rack, instance_id, topics, owned)| Subscriber {
            rack,
            instance_id,
            topics: Arc::new(topics),
            owned: Arc::new(owned),
        })
}

fn a_group(most: usize) -> impl Strategy<Value = Members> {
    proptest::collection::btree_map("[a-z]{1,2}".prop_map(Arc::from), a_member(), 1..=most)
}

/// A group whose members subscribe to all topics.
fn an_equal_group() -> impl Strategy<Value = Members> {
    a_group(8).prop_map(|mut members| {
        for member in members.values_mut() {
            member.topics = Arc::new((0..TOPICS).map(topic).collect());
        }
        members
    })
}

fn squares(target: &Target) -> usize {
    loads(target).iter().map(|load| load * load).sum()
}

/// The smallest sum of squared loads there is: every way to deal, topic by topic, remembered by loads alone.
fn smallest_squares(members: &Members, cluster: &Cluster) -> usize {
    let members: Vec<&Subscriber> = members.values().collect();
    let mut ways = BTreeSet::from([vec![0; members.len()]]);
    for (topic, count) in &cluster.partitions {
        if !members.iter().any(|member| member.topics.contains(topic)) {
            continue;
        }
        for _ in 0..*count {
            let dealt = |loads: &Vec<usize>| {
                let takers = (0..members.len()).filter(|taker| members[*taker].topics.contains(topic));
                let dealt = takers.map(|taker| {
                    let mut loads = loads.clone();
                    loads[taker] += 1;
                    loads
                });
                dealt.collect::<Vec<_>>()
            };
            ways = ways.iter().flat_map(dealt).collect();
        }
    }
    ways.iter().map(|loads| loads.iter().map(|load| load * load).sum()).min().unwrap_or(0)
}

/// How many partitions are with a member in one of their racks.
fn near(members: &Members, cluster: &Cluster, target: &Target) -> usize {
    let near = |(id, assignment): (&Arc<str>, &Assignment)| {
        let owned =
            assignment.iter().flat_map(|(topic, numbers)| numbers.iter().map(move |number| (topic, number)));
        let rack = members[id].rack.clone();
        owned
            .filter(|(topic, number)| {
                rack.as_ref().is_some_and(|rack| cluster.racks(**topic, **number).contains(rack))
            })
            .count()
    };
    target.iter().map(near).sum()
}

proptest! {
    #[test]
    fn every_partition_has_one_owner(members in a_group(8), cluster in a_cluster(12)) {
        for assignor in [Assignor::Uniform, Assignor::Range] {
            let target = assignor.assign(&members, &cluster);
            prop_assert_eq!(judge(&members, &cluster, &target), Ok(()));
        }
    }

    #[test]
    fn a_second_time_changes_nothing(members in a_group(8), cluster in a_cluster(12)) {
        for assignor in [Assignor::Uniform, Assignor::Range] {
            let target = assignor.assign(&members, &cluster);
            prop_assert_eq!(assignor.assign(&settled(&members, &target), &cluster), target);
        }
    }

    #[test]
    fn equal_subscriptions_give_equal_loads(members in an_equal_group(), cluster in a_cluster(12)) {
        let loads = loads(&Assignor::Uniform.assign(&members, &cluster));
        prop_assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= 1, "{:?}", loads);
    }

    #[test]
    fn no_dealing_is_more_even(members in a_group(4), cluster in a_cluster(4)) {
        let target = Assignor::Uniform.assign(&members, &cluster);
        prop_assert_eq!(squares(&target), smallest_squares(&members, &cluster), "{:?}", loads(&target));
    }

    #[test]
    fn who_leaves_moves_only_what_it_had(members in an_equal_group(), cluster in a_cluster(12)) {
        let target = Assignor::Uniform.assign(&members, &cluster);
        let mut members = settled(&members, &target);
        let (_, left) = members.pop_first().unwrap();
        let target = Assignor::Uniform.assign(&members, &cluster);
        let expected = if members.is_empty() { 0 } else { load(&left.owned) };
        prop_assert_eq!(moved(&members, &target), expected);
    }

    #[test]
    fn who_joins_moves_only_what_it_gets(
        members in an_equal_group(), joining in a_member(), cluster in a_cluster(12)
    ) {
        let target = Assignor::Uniform.assign(&members, &cluster);
        let mut members = settled(&members, &target);
        let topics = Arc::clone(&members.values().next().unwrap().topics);
        members.insert("joining".into(), Subscriber { topics, owned: Arc::default(), ..joining });
        let target = Assignor::Uniform.assign(&members, &cluster);
        let fair = loads(&target).iter().sum::<usize>() / members.len();
        prop_assert_eq!(load(&target["joining"]), fair);
        prop_assert_eq!(moved(&members, &target), fair);
    }

    #[test]
    fn moves_are_as_few_as_even_loads_allow(members in an_equal_group(), cluster in a_cluster(12)) {
        let mut members = settled(&members, &Assignor::Range.assign(&members, &cluster));
        members.insert("joining".into(), members.values().next().unwrap().clone());
        members.get_mut("joining").unwrap().owned = Arc::default();
        let target = Assignor::Uniform.assign(&members, &cluster);
        let total: usize = loads(&target).iter().sum();
        let (fair, more) = (total / members.len(), total % members.len());
        let owned: Vec<usize> = members.values().map(|member| load(&member.owned)).collect();
        let surplus: usize = owned.iter().map(|owned| owned.saturating_sub(fair)).sum();
        let keeping_one_more = owned.iter().filter(|owned| **owned > fair).count().min(more);
        prop_assert_eq!(moved(&members, &target), surplus - keeping_one_more);
    }

    #[test]
    fn racks_change_no_load(members in a_group(8), cluster in a_cluster(12)) {
        let mut blind = members.clone();
        for member in blind.values_mut() {
            member.rack = None;
        }
        let seeing = Assignor::Uniform.assign(&members, &cluster);
        let blind = Assignor::Uniform.assign(&blind, &cluster);
        prop_assert_eq!(squares(&seeing), squares(&blind));
    }

    #[test]
    fn a_new_group_has_as_many_near_as_it_can(
        homes in proptest::collection::vec("[abc]".prop_map(Arc::<str>::from), 1..8),
        racks in proptest::collection::vec("[abcd]".prop_map(|rack| BTreeSet::from([Arc::<str>::from(rack)])), 1..5),
        count in 0..40usize,
    ) {
        let cluster = Cluster { partitions: BTreeMap::from([(topic(1), i32::try_from(count).unwrap())]), racks };
        let members: Members = (0u8..)
            .zip(&homes)
            .map(|(id, rack)| (id.to_string().into(), Subscriber { rack: Some(rack.clone()), ..member(&[1], &[]) }))
            .collect();
        let target = Assignor::Uniform.assign(&members, &cluster);
        let (fair, mut more) = (count / homes.len(), count % homes.len());
        let mut expected = 0;
        for rack in ["a", "b", "c"] {
            let inside = homes.iter().filter(|home| ***home == *rack).count();
            let wanting = (0..cluster.partitions(topic(1))).filter(|number| cluster.racks(topic(1), *number).contains(rack)).count();
            let with_one_more = wanting.saturating_sub(inside * fair).min(inside).min(more);
            more -= with_one_more;
            expected += wanting.min(inside * fair) + with_one_more;
        }
        prop_assert_eq!(near(&members, &cluster, &target), expected);
    }

    #[test]
    fn with_a_replica_in_every_rack_all_are_near(members in a_group(8), cluster in a_cluster(12)) {
        let everywhere = ["a", "b", "c"].map(Arc::<str>::from).into();
        let cluster = Cluster { racks: vec![everywhere], ..cluster };
        let mut members = members;
        for member in members.values_mut() {
            member.rack.get_or_insert("a".into());
        }
        let target = Assignor::Uniform.assign(&members, &cluster);
        prop_assert_eq!(near(&members, &cluster, &target), loads(&target).iter().sum::<usize>());
    }
}
