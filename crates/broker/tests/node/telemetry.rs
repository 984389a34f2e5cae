//! Clients' own metrics: asked for by subscription, taken within bounds, shown again while the client is there.

use std::time::Duration;

use bytes::Bytes;
use ottla_env::testing::MemDisk;
use ottla_model::{ErrorCode, Uuid};
use ottla_record::{Codec, compress};
use ottla_wire::messages::{
    ApiVersionsRequest, GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse,
    PushTelemetryRequest,
};

use crate::client::{CLIENT_METRICS, Client, code};
use crate::stand::{Ground, Stand};

async fn asked(client: &mut Client, instance: Uuid) -> GetTelemetrySubscriptionsResponse {
    client.ask(&GetTelemetrySubscriptionsRequest { client_instance_id: instance }).await
}

fn push(granted: &GetTelemetrySubscriptionsResponse, metrics: Bytes) -> PushTelemetryRequest {
    PushTelemetryRequest {
        client_instance_id: granted.client_instance_id,
        subscription_id: granted.subscription_id,
        metrics,
        ..Default::default()
    }
}

/// One gauge `name` with the value 1.5, as protobuf.
fn gauge(name: &str) -> Vec<u8> {
    let field = |tag: u8, body: &[u8]| [&[tag, u8::try_from(body.len()).unwrap()], body].concat();
    let point = [&[0x21][..], &1.5_f64.to_le_bytes()].concat();
    let numbers = field(0x0a, &point);
    let metric = [field(0x0a, name.as_bytes()), field(0x2a, &numbers)].concat();
    field(0x0a, &field(0x12, &field(0x12, &metric)))
}

fn packed(codec: Codec, bytes: &[u8]) -> Bytes {
    let mut out = Vec::new();
    compress(codec, bytes, &mut out).unwrap();
    out.into()
}

/// The series of clients in `/metrics`.
fn shown(stand: &Stand) -> Vec<String> {
    let mut text = String::new();
    stand.node.labelled_gauges()(&mut text).unwrap();
    text.lines().filter(|line| line.starts_with("ottla_client_")).map(str::to_owned).collect()
}

async fn subscribed(settings: &[(&str, &str)]) -> (Stand, Client) {
    let stand = Ground::on(MemDisk::new()).with("telemetry.max.bytes", "100000").start().await;
    let mut client = stand.client().await;
    for (name, value) in settings {
        assert_eq!(client.configure(CLIENT_METRICS, "m", name, value).await, 0);
    }
    (stand, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_subscription_nothing_is_asked_for() {
    let (stand, mut client) = subscribed(&[]).await;
    let granted = asked(&mut client, Uuid::ZERO).await;
    assert_eq!(granted.error_code, 0);
    assert!(!granted.client_instance_id.is_zero());
    assert_eq!((granted.requested_metrics.len(), granted.push_interval_ms), (0, 300_000));
    assert_eq!(granted.accepted_compression_types, [4, 3, 1, 2]);
    assert_eq!((granted.telemetry_max_bytes, granted.delta_temporality), (100_000, true));
    let again = asked(&mut client, granted.client_instance_id).await;
    assert_eq!(again.error_code, code(ErrorCode::ThrottlingQuotaExceeded));
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_matched_by_what_it_says_and_where_it_comes_from() {
    let pattern =
        "client_id=test,client_software_name=a-.*,client_software_version=9,client_source_address=127\\..*";
    let (stand, mut admin) =
        subscribed(&[("metrics", "b.,a."), ("interval.ms", "1000"), ("match", pattern)]).await;
    let mut named = stand.client().await;
    let software = ApiVersionsRequest {
        client_software_name: "a-client".into(),
        client_software_version: "9".into(),
        ..Default::default()
    };
    named.call(&software, 3).await;
    let granted = asked(&mut named, Uuid::ZERO).await;
    assert_eq!((granted.requested_metrics, granted.push_interval_ms), (vec!["a.".into(), "b.".into()], 1000));
    let other = asked(&mut admin, Uuid::ZERO).await;
    assert_eq!((other.requested_metrics.len(), other.push_interval_ms), (0, 300_000));
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pushed_is_shown_in_every_compression_and_goes_with_the_connection() {
    let (stand, _admin) = subscribed(&[("metrics", "*")]).await;
    let codecs = [Codec::None, Codec::Gzip(-1), Codec::Snappy, Codec::Lz4(9), Codec::Zstd(3)];
    let mut clients = Vec::new();
    for codec in codecs {
        let mut client = stand.client().await;
        let granted = asked(&mut client, Uuid::ZERO).await;
        let compression_type = i8::try_from(codec.compression().id()).unwrap();
        let name = format!("org.apache.{compression_type}");
        let request =
            PushTelemetryRequest { compression_type, ..push(&granted, packed(codec, &gauge(&name))) };
        assert_eq!(client.ask(&request).await.error_code, 0, "{codec:?}");
        let id = granted.client_instance_id;
        let line = format!(
            "ottla_client_org_apache_{compression_type}{{client_id=\"test\",client_instance_id=\"{id}\"}} 1.5"
        );
        assert!(shown(&stand).contains(&line), "{:?}", shown(&stand));
        assert_eq!(
            client.ask(&request).await.error_code,
            code(ErrorCode::ThrottlingQuotaExceeded),
            "before the interval is over"
        );
        clients.push(client);
    }
    assert_eq!(shown(&stand).len(), codecs.len());
    drop(clients);
    let gone = async {
        while !shown(&stand).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.expect("the series stay");
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_word_takes_the_series_away() {
    let (stand, mut client) = subscribed(&[("metrics", "*")]).await;
    let granted = asked(&mut client, Uuid::ZERO).await;
    let request = push(&granted, gauge("a").into());
    assert_eq!(client.ask(&request).await.error_code, 0);
    assert_eq!(shown(&stand).len(), 1);
    let last = PushTelemetryRequest { terminating: true, ..request };
    assert_eq!(client.ask(&last).await.error_code, 0);
    assert_eq!(shown(&stand), Vec::<String>::new());
    assert_eq!(client.ask(&last).await.error_code, code(ErrorCode::InvalidRequest));
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_changes_sends_clients_back_to_ask() {
    let (stand, mut client) = subscribed(&[("metrics", "a.")]).await;
    let granted = asked(&mut client, Uuid::ZERO).await;
    assert_eq!(client.configure(CLIENT_METRICS, "m", "metrics", "b.").await, 0);
    let stale = client.ask(&push(&granted, gauge("a").into())).await;
    assert_eq!(stale.error_code, code(ErrorCode::UnknownSubscriptionId));
    let anew = asked(&mut client, granted.client_instance_id).await;
    assert_eq!((anew.error_code, &*anew.requested_metrics[0]), (0, "b."));
    assert_eq!(anew.client_instance_id, granted.client_instance_id);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_pushes_are_refused_and_cost_little() {
    let (stand, _admin) = subscribed(&[("metrics", "*")]).await;
    let zeros = vec![0; 50 << 20];
    let of = |codec: Codec| i8::try_from(codec.compression().id()).unwrap();
    let bombs = [Codec::Gzip(-1), Codec::Zstd(3)].map(|codec| {
        let packed = packed(codec, &zeros[..if of(codec) == 1 { 20 << 20 } else { 50 << 20 }]);
        assert!(packed.len() < 100_000, "{codec:?}");
        (of(codec), packed, ErrorCode::InvalidRecord)
    });
    let others = [
        (0, Bytes::from_static(b"no protobuf"), ErrorCode::InvalidRecord),
        (1, Bytes::from_static(b"no gzip"), ErrorCode::InvalidRecord),
        (2, Bytes::from_static(&[0xff; 40]), ErrorCode::InvalidRecord),
        (3, Bytes::from_static(b"no lz4"), ErrorCode::InvalidRecord),
        (4, Bytes::from_static(b"no zstd"), ErrorCode::InvalidRecord),
        (5, Bytes::from_static(b"x"), ErrorCode::UnsupportedCompressionType),
        (0, vec![0; 100_001].into(), ErrorCode::TelemetryTooLarge),
        (0, [0x0a, 0].repeat(50_000).into(), ErrorCode::None),
        (0, vec![0x7b; 100_000].into(), ErrorCode::InvalidRecord),
        (0, Bytes::new(), ErrorCode::None),
    ];
    for (compression_type, metrics, expected) in bombs.into_iter().chain(others) {
        let mut client = stand.client().await;
        let granted = asked(&mut client, Uuid::ZERO).await;
        let request = PushTelemetryRequest { compression_type, ..push(&granted, metrics) };
        assert_eq!(client.ask(&request).await.error_code, code(expected), "{compression_type} {expected:?}");
    }
    assert_eq!(shown(&stand), Vec::<String>::new());
    let mut client = stand.client().await;
    for nobody in [Uuid::ZERO, Uuid::METADATA_TOPIC] {
        let request = PushTelemetryRequest { client_instance_id: nobody, ..Default::default() };
        assert_eq!(client.ask(&request).await.error_code, code(ErrorCode::InvalidRequest));
    }
    client.is_served().await;
    stand.stop().await;
}
