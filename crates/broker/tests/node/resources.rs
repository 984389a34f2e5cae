//! Configurations of what no topic and no broker is: groups, and subscriptions to client metrics.

use ottla_env::testing::MemDisk;
use ottla_model::ErrorCode;
use ottla_wire::messages::alter_configs_request::{AlterConfigsResource, AlterableConfig};
use ottla_wire::messages::describe_configs_request::DescribeConfigsResource;
use ottla_wire::messages::describe_configs_response::DescribeConfigsResult;
use ottla_wire::messages::{AlterConfigsRequest, DescribeConfigsRequest, ListConfigResourcesRequest};

use crate::client::{CLIENT_METRICS, Client, GROUP, code};
use crate::stand::{Ground, Stand};

async fn described(client: &mut Client, kind: i8, name: &str) -> DescribeConfigsResult {
    let resource =
        DescribeConfigsResource { resource_type: kind, resource_name: name.into(), configuration_keys: None };
    let request = DescribeConfigsRequest {
        resources: vec![resource],
        include_synonyms: true,
        include_documentation: true,
    };
    client.ask(&request).await.results.remove(0)
}

/// Value, source, and the names of the synonyms of one setting.
fn shown(result: &DescribeConfigsResult, name: &str) -> (String, i8, Vec<String>) {
    let config = result.configs.iter().find(|config| *config.name == *name).unwrap();
    assert!(!config.read_only && !config.is_sensitive && config.config_type > 0);
    assert!(config.documentation.as_ref().is_some_and(|text| !text.is_empty()));
    let synonyms = config.synonyms.iter().map(|synonym| synonym.name.to_string()).collect();
    (config.value.clone().unwrap().to_string(), config.config_source, synonyms)
}

async fn listed(client: &mut Client, kind: i8) -> Vec<String> {
    let answer = client.ask(&ListConfigResourcesRequest { resource_types: vec![kind] }).await;
    answer.config_resources.into_iter().map(|resource| resource.resource_name.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_configured_shown_and_listed() {
    let ground = Ground::on(MemDisk::new()).with("group.consumer.session.timeout.ms", "46000");
    let stand = ground.start().await;
    let mut client = stand.client().await;
    let session = "consumer.session.timeout.ms";
    let behind = "group.consumer.session.timeout.ms";
    let before = described(&mut client, GROUP, "g").await;
    assert_eq!(before.configs.len(), 21);
    assert_eq!(shown(&before, session), ("46000".into(), 4, vec![behind.into(), behind.into()]));
    assert_eq!(listed(&mut client, GROUP).await, Vec::<String>::new());

    assert_eq!(client.configure(GROUP, "g", session, "50000").await, 0);
    for (name, value, expected) in [
        (session, "60001", ErrorCode::InvalidConfig),
        (session, "soon", ErrorCode::InvalidConfig),
        ("no.such", "1", ErrorCode::InvalidConfig),
        ("share.auto.offset.reset", "by_duration:P1Y", ErrorCode::InvalidConfig),
    ] {
        assert_eq!(client.configure(GROUP, "g", name, value).await, code(expected), "{name}");
    }
    assert_eq!(client.configure(GROUP, "", session, "50000").await, code(ErrorCode::InvalidRequest));
    assert_eq!(listed(&mut client, GROUP).await, ["g"]);
    stand.stop().await;

    let stand = ground.start().await;
    let mut client = stand.client().await;
    let after = described(&mut client, GROUP, "g").await;
    let names = vec![session.into(), behind.into(), behind.into()];
    assert_eq!(shown(&after, session), ("50000".into(), 8, names));
    assert_eq!(described(&mut client, GROUP, "").await.error_code, code(ErrorCode::InvalidRequest));
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_is_configured_replaced_and_taken_away() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    let absent = described(&mut client, CLIENT_METRICS, "m").await;
    assert_eq!(shown(&absent, "interval.ms"), ("300000".into(), 5, vec![]));
    assert_eq!(client.configure(CLIENT_METRICS, "m", "interval.ms", "100").await, 0);
    assert_eq!(client.configure(CLIENT_METRICS, "m", "match", "client_id=a.*").await, 0);
    for (name, value, expected) in [
        ("interval.ms", "99", ErrorCode::InvalidRequest),
        ("no.such", "1", ErrorCode::InvalidRequest),
        ("match", "client_id=(", ErrorCode::InvalidConfig),
    ] {
        assert_eq!(client.configure(CLIENT_METRICS, "m", name, value).await, code(expected), "{name}");
    }
    let made = described(&mut client, CLIENT_METRICS, "m").await;
    assert_eq!(shown(&made, "interval.ms"), ("100".into(), 7, vec!["interval.ms".into()]));
    assert_eq!(listed(&mut client, CLIENT_METRICS).await, ["m"]);

    let replace = |configs: &[(&str, &str)]| {
        let config = |(name, value): &(&str, &str)| AlterableConfig {
            name: (*name).into(),
            value: Some((*value).into()),
        };
        let resource = AlterConfigsResource {
            resource_type: CLIENT_METRICS,
            resource_name: "m".into(),
            configs: configs.iter().map(config).collect(),
        };
        AlterConfigsRequest { resources: vec![resource], validate_only: false }
    };
    assert_eq!(client.ask(&replace(&[("metrics", "*")])).await.responses[0].error_code, 0);
    let replaced = described(&mut client, CLIENT_METRICS, "m").await;
    assert_eq!(shown(&replaced, "metrics"), ("*".into(), 7, vec!["metrics".into()]));
    assert_eq!(shown(&replaced, "interval.ms").1, 5);
    assert_eq!(client.ask(&replace(&[])).await.responses[0].error_code, 0);
    assert_eq!(listed(&mut client, CLIENT_METRICS).await, Vec::<String>::new());
    stand.stop().await;
}
