//! DescribeTopicPartitions (75), version 0: topics by name, page by page (KIP-966): partitions with their eligible
//! leaders, at most so many, and a cursor to go on from.

use std::collections::BTreeSet;
use std::sync::Arc;

use ottla_metadata::{Image, Partition, Topic};
use ottla_model::{ErrorCode, TopicName};
use ottla_wire::messages::describe_topic_partitions_request::{self, TopicRequest};
use ottla_wire::messages::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use ottla_wire::messages::{DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::permissions;
use crate::reach::{Manner, Reach};
use crate::state::Broker;

const MANNER: Manner = Manner { leave_out_unreachable: false, name_missing_listener: true };

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: DescribeTopicPartitionsRequest,
) -> Handled<DescribeTopicPartitionsResponse> {
    let DescribeTopicPartitionsRequest { topics, response_partition_limit, cursor } = request;
    let Some(asked) = Asked::of(&topics, cursor) else { return Handled::now(invalid(topics)) };
    let image = broker.image.load();
    let reach = Reach::of(broker, context, &image);
    let most = broker.config().topics.max_request_partitions;
    let limit = usize::try_from(response_partition_limit).unwrap_or(0).min(most).max(1);
    Handled::now(page(&image, &reach, &asked, limit))
}

/// What is asked for, in the order in which it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    /// Names in order, from the cursor's on; `None` asks for all topics.
    names: Option<BTreeSet<String>>,
    /// Where the page begins: a name that need not exist, and a partition of it.
    from: (String, i32),
}

impl Asked {
    /// `None` when the cursor stands outside of what is asked for.
    fn of(
        topics: &[TopicRequest],
        cursor: Option<describe_topic_partitions_request::Cursor>,
    ) -> Option<Self> {
        let from = match cursor {
            Some(cursor) if cursor.partition_index < 0 => return None,
            Some(cursor) => (cursor.topic_name.to_string(), cursor.partition_index),
            None => (String::new(), 0),
        };
        if topics.is_empty() {
            return Some(Self { names: None, from });
        }
        let names = topics.iter().map(|topic| topic.name.to_string());
        let names: BTreeSet<_> = names.filter(|name| *name >= from.0).collect();
        if !from.0.is_empty() && !names.contains(&from.0) {
            return None;
        }
        Some(Self { names: Some(names), from })
    }
}

fn page(image: &Image, reach: &Reach<'_>, asked: &Asked, limit: usize) -> DescribeTopicPartitionsResponse {
    let mut page = DescribeTopicPartitionsResponse::default();
    let mut left = limit;
    let all = || {
        image.topics.iter_by_name().map(|topic| topic.name.as_str()).filter(|name| *name >= &*asked.from.0)
    };
    let names: Box<dyn Iterator<Item = &str>> = match &asked.names {
        Some(names) => Box::new(names.iter().map(String::as_str)),
        None => Box::new(all()),
    };
    for name in names {
        if left == 0 {
            page.next_cursor = Some(Cursor { topic_name: name.into(), partition_index: 0 });
            break;
        }
        let Some(topic) = image.topics.named(name) else {
            page.topics.push(missing(name));
            continue;
        };
        let first = if name == asked.from.0 { asked.from.1 } else { 0 };
        let partitions: Vec<_> = topic.partitions.range(first..).take(left).collect();
        left -= partitions.len();
        let next = partitions.last().map(|(number, _)| number.saturating_add(1));
        let next = next.filter(|next| topic.partitions.range(*next..).next().is_some());
        page.topics.push(describe(reach, topic, partitions));
        if let Some(partition_index) = next {
            page.next_cursor = Some(Cursor { topic_name: name.into(), partition_index });
            break;
        }
    }
    page
}

fn describe(
    reach: &Reach<'_>,
    topic: &Topic,
    partitions: Vec<(&i32, &Partition)>,
) -> DescribeTopicPartitionsResponseTopic {
    let partition = |(number, partition): (&i32, &Partition)| {
        let seen = reach.see(partition, MANNER);
        DescribeTopicPartitionsResponsePartition {
            error_code: ErrorCode::None.code(),
            partition_index: *number,
            leader_id: seen.leader,
            leader_epoch: seen.leader_epoch,
            replica_nodes: seen.replicas,
            isr_nodes: seen.isr,
            eligible_leader_replicas: Some(partition.elr.clone()),
            last_known_elr: Some(partition.last_known_elr.clone()),
            offline_replicas: seen.offline,
        }
    };
    DescribeTopicPartitionsResponseTopic {
        error_code: ErrorCode::None.code(),
        name: Some(topic.name.as_str().into()),
        topic_id: topic.id,
        is_internal: topic.name.is_internal(),
        partitions: partitions.into_iter().map(partition).collect(),
        topic_authorized_operations: permissions::ON_TOPIC,
    }
}

fn missing(name: &str) -> DescribeTopicPartitionsResponseTopic {
    let valid = TopicName::new(name);
    let code = match &valid {
        Ok(_) => ErrorCode::UnknownTopicOrPartition,
        Err(_) => ErrorCode::InvalidTopicException,
    };
    DescribeTopicPartitionsResponseTopic {
        error_code: code.code(),
        name: Some(name.into()),
        is_internal: valid.is_ok_and(|name| name.is_internal()),
        topic_authorized_operations: permissions::ON_TOPIC,
        ..Default::default()
    }
}

fn invalid(topics: Vec<TopicRequest>) -> DescribeTopicPartitionsResponse {
    let topic = |TopicRequest { name }| DescribeTopicPartitionsResponseTopic {
        error_code: ErrorCode::InvalidRequest.code(),
        name: Some(name),
        ..Default::default()
    };
    DescribeTopicPartitionsResponse { topics: topics.into_iter().map(topic).collect(), ..Default::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ottla_metadata::Touched;
    use ottla_model::Uuid;
    use ottla_wire::messages::{PartitionRecord, TopicRecord};

    fn named(names: &[&str]) -> Vec<TopicRequest> {
        names.iter().map(|name| TopicRequest { name: (*name).into() }).collect()
    }

    fn cursor(topic: &str, partition_index: i32) -> Option<describe_topic_partitions_request::Cursor> {
        Some(describe_topic_partitions_request::Cursor { topic_name: topic.into(), partition_index })
    }

    fn image(topics: &[(&str, i32)]) -> Image {
        let mut image = Image::default();
        for (place, (name, count)) in (1_u8..).zip(topics) {
            let topic_id = Uuid::from_bytes([place; 16]);
            let topic = TopicRecord { name: (*name).into(), topic_id };
            image.replay(&topic.into(), &mut Touched::default()).unwrap();
            for partition_id in 0..*count {
                let replicas = vec![1];
                let record = PartitionRecord { partition_id, topic_id, replicas, ..Default::default() };
                image.replay(&record.into(), &mut Touched::default()).unwrap();
            }
        }
        image
    }

    /// Names with the numbers of their partitions, and the cursor.
    type Page = (Vec<(String, Vec<i32>)>, Option<(String, i32)>);

    fn paged(image: &Image, asked: &Asked, limit: usize) -> Page {
        let page = page(image, &Reach::nobody(image), asked, limit);
        let topic = |topic: &DescribeTopicPartitionsResponseTopic| {
            let numbers = topic.partitions.iter().map(|partition| partition.partition_index).collect();
            (topic.name.as_ref().unwrap().to_string(), numbers)
        };
        let cursor = page.next_cursor.map(|cursor| (cursor.topic_name.to_string(), cursor.partition_index));
        (page.topics.iter().map(topic).collect(), cursor)
    }

    #[test]
    fn pages_follow_one_another_through_topics_and_partitions() {
        let image = image(&[("b", 2), ("a", 3)]);
        let from = |name: &str, number| Asked::of(&[], cursor(name, number)).unwrap();
        let first = paged(&image, &Asked::of(&[], None).unwrap(), 2);
        assert_eq!(first, (vec![("a".into(), vec![0, 1])], Some(("a".into(), 2))));
        let second = paged(&image, &from("a", 2), 2);
        assert_eq!(second, (vec![("a".into(), vec![2]), ("b".into(), vec![0])], Some(("b".into(), 1))));
        let third = paged(&image, &from("b", 1), 2);
        assert_eq!(third, (vec![("b".into(), vec![1])], None));
        let exact = paged(&image, &Asked::of(&[], None).unwrap(), 3);
        assert_eq!(exact.1, Some(("b".into(), 0)), "the page ends with its topic");
        assert_eq!(paged(&image, &from("c", 0), 2), (Vec::new(), None));
    }

    #[test]
    fn topics_that_do_not_exist_are_told_when_they_are_asked_for() {
        let image = image(&[("a", 1)]);
        let asked = Asked::of(&named(&["a", "gone", ".."]), None).unwrap();
        let page = page(&image, &Reach::nobody(&image), &asked, 10);
        let codes: Vec<_> = page.topics.iter().map(|topic| topic.error_code).collect();
        let expected =
            [ErrorCode::InvalidTopicException, ErrorCode::None, ErrorCode::UnknownTopicOrPartition];
        assert_eq!(codes, expected.map(ErrorCode::code));
    }

    #[test]
    fn names_before_the_cursor_are_left_out() {
        let asked = Asked::of(&named(&["c", "a", "b", "b"]), cursor("b", 3)).unwrap();
        assert_eq!(asked.names, Some(BTreeSet::from(["b".to_owned(), "c".to_owned()])));
        assert_eq!(asked.from, ("b".to_owned(), 3));
    }

    #[test]
    fn a_cursor_outside_of_what_is_asked_for_is_refused() {
        assert_eq!(Asked::of(&named(&["a"]), cursor("b", 0)), None);
        assert_eq!(Asked::of(&[], cursor("b", -1)), None);
        assert!(Asked::of(&[], cursor("gone", 7)).is_some());
    }
}
