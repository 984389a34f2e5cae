//! What the start prints.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // a test may fail loudly

use ottla::startup::{Startup, in_container};
use ottla_config::AckDurable;
use ottla_config::listeners::Endpoint;

fn startup() -> Startup {
    Startup {
        cluster_id: "4L6g3nShT-eMCtK--X86sw".parse().unwrap(),
        node_id: 1,
        listeners: vec![("PLAINTEXT".into(), "[::]:9092".parse().unwrap())],
        controllers: vec![],
        advertised: None,
        metrics: Some("127.0.0.1:9464".parse().unwrap()),
        log_dirs: vec!["ottla-data".into()],
        topics: 1,
        partitions: 3,
        compacted_topics: 0,
        ack_durable: AckDurable::Alone,
        descriptors: (1_048_576, 900_000),
        in_container: false,
        ready_ms: 12,
    }
}

#[test]
fn the_start_tells_where_everything_is() {
    let expected = format!(
        "\
Ottla {}, cluster 4L6g3nShT-eMCtK--X86sw, node 1
  clients       PLAINTEXT://[::]:9092
  metrics       http://127.0.0.1:9464/metrics
  data          ottla-data (1 topic, 3 partitions)
  acknowledged  on disk, while this node holds the only copy in sync (ottla.ack.durable=alone)
  descriptors   1048576, 900000 of them for logs
  Clients are told the address that they came in by. If others cannot reach it: --set advertised.listeners=PLAINTEXT://HOST:9092
Ready in 12 ms. Try: echo hello | kcat -b localhost:9092 -P -t greetings
",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(startup().to_string(), expected);
}

#[test]
fn advice_is_given_only_where_it_is_needed() {
    let advised = |startup: &Startup| startup.to_string().contains("--set advertised.listeners");
    let mut local = startup();
    local.listeners[0].1 = "127.0.0.1:9092".parse().unwrap();
    assert!(!advised(&local));
    local.in_container = true;
    assert!(advised(&local));
    local.advertised =
        Some(vec![Endpoint { listener: "PLAINTEXT".into(), host: "broker".into(), port: 9092 }]);
    assert!(!advised(&local));
}

#[test]
fn compacted_topics_are_told_of() {
    let text = Startup { compacted_topics: 2, ..startup() }.to_string();
    assert!(text.contains("2 compacted topics: kept whole, cleaning is not built yet"), "{text}");
}

#[test]
fn a_container_is_known_by_what_its_engine_leaves() {
    assert!(in_container(|path| path == "/.dockerenv", |_| false));
    assert!(in_container(|_| false, |name| name == "KUBERNETES_SERVICE_HOST"));
    assert!(!in_container(|_| false, |_| false));
}
