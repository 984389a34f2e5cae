//! Who may ask and send, and when.

use super::*;
use crate::otlp::Sample;

const MAX: usize = 1000;
/// Of the subscription that tests make.
const INTERVAL: u64 = 1_000;

fn id(number: u8) -> Uuid {
    Uuid::from_bytes([number; 16])
}

fn at(millis: u64) -> Tick {
    Tick::default().plus_millis(1_000_000 + millis)
}

fn attributes(instance: Uuid) -> Attributes {
    Attributes {
        instance: instance.to_string(),
        client_id: Some("app".into()),
        software: None,
        address: "10.0.0.1".into(),
        port: "1".into(),
    }
}

fn settings(metrics: &str) -> ClientMetricsSettings {
    let values = [("metrics", metrics), ("interval.ms", "1000")];
    let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
    ClientMetricsSettings::read(&values.into()).unwrap()
}

fn subscribed() -> Clients {
    let mut clients = Clients::default();
    clients.subscribe(vec![settings("a.")]);
    clients
}

fn ask(clients: &mut Clients, instance: Uuid, now: u64) -> Result<i32, ErrorCode> {
    let connection = u64::from(instance.to_bytes()[0]);
    let granted = clients.ask(instance, connection, at(now), || panic!("it has an id"), attributes);
    granted.map(|(_, subscription)| subscription.id)
}

fn pushing(subscription_id: i32) -> Push {
    Push {
        instance: id(1),
        subscription_id,
        terminating: false,
        compression_type: 0,
        metrics: Bytes::from_static(b"x"),
    }
}

fn push(clients: &mut Clients, push: &Push, now: u64) -> Result<Compression, ErrorCode> {
    let connection = u64::from(push.instance.to_bytes()[0]);
    let admitted = clients.admit(push, connection, at(now), MAX, attributes);
    check(clients);
    admitted
}

fn samples(names: &[&str]) -> Samples {
    let sample =
        |name: &&str| Sample { name: (*name).into(), labels: "".into(), number: 1.0, is_difference: false };
    Samples { samples: names.iter().map(sample).collect(), left_out: 0 }
}

/// The invariants of the file.
fn check(clients: &Clients) {
    assert_eq!(clients.by_expiry.len(), clients.clients.len());
    assert_eq!(clients.by_connection.len(), clients.clients.len());
    for (instance, client) in &clients.clients {
        assert!(clients.by_expiry.contains(&(client.expires, *instance)));
        assert_eq!(clients.by_connection.get(&client.connection), Some(instance));
    }
    let amounts = clients.clients.values().map(|client| client.series.amount());
    assert_eq!(clients.shown, amounts.fold(Amount::default(), Amount::plus));
    assert!(clients.shown.series <= MAX_SERIES && clients.shown.bytes <= MAX_SERIES_BYTES);
}

#[test]
fn a_client_without_an_id_gets_one_that_nobody_has() {
    let mut clients = subscribed();
    ask(&mut clients, id(7), 0).unwrap();
    let mut drawn = [id(7), Uuid::METADATA_TOPIC, id(8)].into_iter();
    let granted = clients.ask(Uuid::ZERO, 8, at(0), || drawn.next().unwrap(), attributes).unwrap();
    assert_eq!((granted.0, &*granted.1.metrics[0], granted.1.interval_ms), (id(8), "a.", 1000));
    check(&clients);
}

#[test]
fn a_push_may_follow_the_question_and_the_next_one_an_interval_later() {
    let mut clients = subscribed();
    let subscription = ask(&mut clients, id(1), 0).unwrap();
    assert_eq!(push(&mut clients, &pushing(subscription), 10), Ok(Compression::None));
    let early = Err(ErrorCode::ThrottlingQuotaExceeded);
    assert_eq!(push(&mut clients, &pushing(subscription), 10 + INTERVAL - 1), early);
    assert!(push(&mut clients, &pushing(subscription), 10 + INTERVAL).is_ok());
    assert_eq!(ask(&mut clients, id(1), 10 + INTERVAL + 1), Err(ErrorCode::ThrottlingQuotaExceeded));
    assert!(ask(&mut clients, id(1), 10 + 2 * INTERVAL).is_ok());
}

#[test]
fn a_push_of_a_client_that_this_broker_has_not_heard_is_taken() {
    let mut clients = subscribed();
    let subscription = ask(&mut subscribed(), id(1), 0).unwrap();
    assert!(push(&mut clients, &pushing(subscription), 0).is_ok());
}

#[test]
fn an_error_that_sends_a_client_back_lets_it_ask_at_once() {
    for (wrong, code) in [
        (Push { compression_type: 5, ..pushing(0) }, ErrorCode::UnsupportedCompressionType),
        (Push { compression_type: -1, ..pushing(0) }, ErrorCode::UnsupportedCompressionType),
        (pushing(1), ErrorCode::UnknownSubscriptionId),
    ] {
        let mut clients = subscribed();
        let subscription = ask(&mut clients, id(1), 0).unwrap();
        let wrong = Push { subscription_id: wrong.subscription_id ^ subscription, ..wrong };
        assert_eq!(push(&mut clients, &wrong, 1), Err(code));
        assert_eq!(ask(&mut clients, id(1), 2), Ok(subscription));
        assert_eq!(ask(&mut clients, id(1), 3), Err(ErrorCode::ThrottlingQuotaExceeded));
    }
}

#[test]
fn too_much_and_nobody_s_ids_are_refused() {
    let mut clients = subscribed();
    let subscription = ask(&mut clients, id(1), 0).unwrap();
    let large = Push { metrics: vec![0; MAX + 1].into(), ..pushing(subscription) };
    assert_eq!(push(&mut clients, &large, 1), Err(ErrorCode::TelemetryTooLarge));
    for nobody in [Uuid::ZERO, Uuid::METADATA_TOPIC] {
        let push = clients.admit(&Push { instance: nobody, ..pushing(0) }, 9, at(0), MAX, attributes);
        assert_eq!(push, Err(ErrorCode::InvalidRequest));
    }
    check(&clients);
}

#[test]
fn a_last_word_is_never_too_early_and_nothing_follows_it() {
    let mut clients = subscribed();
    let subscription = ask(&mut clients, id(1), 0).unwrap();
    push(&mut clients, &pushing(subscription), 1).unwrap();
    assert_eq!(clients.show(id(1), samples(&["x"])), 0);
    let last = Push { terminating: true, ..pushing(subscription) };
    assert!(push(&mut clients, &last, 2).is_ok());
    assert_eq!((clients.series(), clients.show(id(1), samples(&["x"]))), (0, 0));
    assert_eq!(clients.series(), 0, "what was being read when it left is not shown");
    assert_eq!(push(&mut clients, &last, 2 + INTERVAL), Err(ErrorCode::InvalidRequest));
}

#[test]
fn other_subscriptions_are_learnt_with_the_next_request() {
    let mut clients = subscribed();
    let before = ask(&mut clients, id(1), 0).unwrap();
    push(&mut clients, &pushing(before), 1).unwrap();
    clients.show(id(1), samples(&["x"]));
    clients.subscribe(vec![settings("b.")]);
    assert_eq!(push(&mut clients, &pushing(before), 2), Err(ErrorCode::UnknownSubscriptionId));
    let after = ask(&mut clients, id(1), 3).unwrap();
    assert_ne!(before, after);
    // As in Kafka the push that was refused counts for the interval.
    assert_eq!(push(&mut clients, &pushing(after), 4), Err(ErrorCode::ThrottlingQuotaExceeded));
    assert!(push(&mut clients, &pushing(after), 2 + INTERVAL).is_ok());
    assert_eq!(clients.series(), 1, "what it has sent stays");
    clients.subscribe(Vec::new());
    let (_, nothing) = clients.ask(id(1), 1, at(2 + INTERVAL), || id(9), attributes).unwrap();
    assert_eq!((nothing.metrics.len(), nothing.interval_ms), (0, 300_000));
}

#[test]
fn a_client_that_is_silent_is_forgotten_with_its_series() {
    let mut clients = subscribed();
    let subscription = ask(&mut clients, id(1), 0).unwrap();
    push(&mut clients, &pushing(subscription), 1).unwrap();
    clients.show(id(1), samples(&["x", "y"]));
    clients.expire(at(EXPIRY_MS));
    assert_eq!((clients.len(), clients.series()), (1, 2));
    clients.expire(at(EXPIRY_MS + 1));
    assert_eq!((clients.len(), clients.series()), (0, 0));
    assert_eq!(clients.show(id(1), samples(&["x"])), 0);
    check(&clients);
}

#[test]
fn a_client_goes_with_the_connection_that_it_used_last() {
    let mut clients = subscribed();
    clients.ask(id(1), 5, at(0), || id(9), attributes).unwrap();
    let moved = clients.ask(id(1), 6, at(INTERVAL), || id(9), attributes);
    assert!(moved.is_ok());
    check(&clients);
    clients.closed(5);
    assert_eq!(clients.len(), 1);
    clients.closed(6);
    assert_eq!(clients.len(), 0);
    check(&clients);
}

#[test]
fn a_connection_is_one_client_whatever_it_calls_itself() {
    let mut clients = subscribed();
    for number in 1..50 {
        clients.ask(id(number), 5, at(0), || id(99), attributes).unwrap();
        check(&clients);
    }
    assert_eq!(clients.len(), 1);
}

#[test]
fn more_clients_than_there_is_room_for_push_out_the_most_silent() {
    let mut clients = subscribed();
    let wide = |number: usize| {
        let mut bytes = [3; 16];
        bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
        Uuid::from_bytes(bytes)
    };
    for number in 0..=MAX_CLIENTS {
        clients.ask(wide(number), number as u64, at(number as u64), || id(9), attributes).unwrap();
    }
    assert_eq!(clients.len(), MAX_CLIENTS);
    assert!(!clients.clients.contains_key(&wide(0)) && clients.clients.contains_key(&wide(1)));
    check(&clients);
}

#[test]
fn series_of_all_clients_are_bounded() {
    let mut clients = subscribed();
    let names: Vec<String> = (0..MAX_SERIES_OF_CLIENT).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let full = u8::try_from(MAX_SERIES / MAX_SERIES_OF_CLIENT).unwrap();
    for number in 1..=full {
        ask(&mut clients, id(number), 0).unwrap();
        assert_eq!(clients.show(id(number), samples(&names)), 0);
    }
    ask(&mut clients, id(full + 1), 0).unwrap();
    assert_eq!(clients.show(id(full + 1), samples(&["x"])), 1);
    assert_eq!(clients.series(), MAX_SERIES);
    clients.closed(1);
    assert_eq!(clients.show(id(full + 1), samples(&["x"])), 0);
    check(&clients);
}

#[test]
fn what_a_client_says_of_itself_is_kept_to_the_bound() {
    let mut clients = subscribed();
    let long = "x".repeat(32_767);
    let said = |instance| Attributes {
        client_id: Some(long.clone()),
        software: Some((long.clone(), long.clone())),
        ..attributes(instance)
    };
    clients.ask(id(1), 1, at(0), || panic!("it has an id"), said).unwrap();
    let kept = &clients.clients[&id(1)].attributes;
    assert_eq!(kept.client_id.as_ref().unwrap().capacity(), 256);
    assert_eq!(kept.software.as_ref().map(|(name, version)| (name.len(), version.len())), Some((256, 256)));
}

#[test]
fn all_series_together_take_a_bounded_number_of_bytes() {
    let mut clients = subscribed();
    let names: Vec<String> = (0..MAX_SERIES_OF_CLIENT).map(|number| format!("{number:07168}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let fit = MAX_SERIES_BYTES / 7168;
    for number in 1..=3 {
        ask(&mut clients, id(number), 0).unwrap();
        let left_out = if number == 3 { 3 * MAX_SERIES_OF_CLIENT - fit } else { 0 };
        assert_eq!(clients.show(id(number), samples(&names)), left_out);
        check(&clients);
    }
    clients.closed(1);
    assert_eq!(clients.show(id(3), samples(&names)), 0);
    check(&clients);
}

#[test]
fn series_of_one_name_stand_together() {
    let mut clients = subscribed();
    for number in 1..=2 {
        ask(&mut clients, id(number), 0).unwrap();
        clients.show(id(number), samples(&["b", "a"]));
    }
    let mut text = String::new();
    clients.exposition().write(&mut text).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("# HELP")).collect();
    assert_eq!(lines, ["# TYPE a gauge", "a{} 1.0", "a{} 1.0", "# TYPE b gauge", "b{} 1.0", "b{} 1.0"]);
}
