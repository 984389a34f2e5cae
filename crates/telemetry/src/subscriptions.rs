//! Who is asked for which metrics: the subscriptions that match a client, taken together.
//!
//! Pure: a function of the subscriptions and of what is known of the client (`ClientMetricsManager.createClientInstance`,
//! `ClientMetricsInstanceMetadata`).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use ottla_config::{ClientMetricsSettings, Selector};
use ottla_model::Uuid;
use ottla_record::crc32c;

use crate::limits::MAX_LABEL_BYTES;

/// The name that stands for all metrics.
const ALL: &str = "*";

/// What a subscription can look at; what a client did not say matches no pattern. Long texts are seen as far as they are
/// kept, see `cut`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Its id, as text.
    pub instance: String,
    /// Its name for itself.
    pub client_id: Option<String>,
    /// Name and version of the library.
    pub software: Option<(String, String)>,
    /// Where it comes from, see [`Attributes::address`].
    pub address: String,
    /// Of its socket.
    pub port: String,
}

impl Attributes {
    /// An address as patterns see it (`InetAddress.getHostAddress`): all eight groups of IPv6.
    #[must_use]
    pub fn address(ip: IpAddr) -> String {
        match ip.to_canonical() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => ip.segments().map(|group| format!("{group:x}")).join(":"),
        }
    }

    /// As much of it as is kept.
    pub(crate) fn cut(self) -> Self {
        let Self { instance, client_id, software, address, port } = self;
        let software = software.map(|(name, version)| (cut(&name).to_owned(), cut(&version).to_owned()));
        Self { instance, client_id: client_id.map(|id| cut(&id).to_owned()), software, address, port }
    }

    fn value(&self, selector: Selector) -> Option<&str> {
        match selector {
            Selector::ClientInstanceId => Some(&self.instance),
            Selector::ClientId => self.client_id.as_deref(),
            Selector::ClientSoftwareName => self.software.as_ref().map(|(name, _)| name.as_str()),
            Selector::ClientSoftwareVersion => self.software.as_ref().map(|(_, version)| version.as_str()),
            Selector::ClientSourceAddress => Some(&self.address),
            Selector::ClientSourcePort => Some(&self.port),
        }
    }

    fn matches(&self, settings: &ClientMetricsSettings) -> bool {
        settings
            .matching
            .iter()
            .all(|(selector, pattern)| self.value(*selector).is_some_and(|value| pattern.is_match(value)))
    }
}

/// As much of a client's text as is kept and shown: [`MAX_LABEL_BYTES`], or a little less so that no character is split.
pub(crate) fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_LABEL_BYTES)).unwrap_or(text)
}

/// What one client is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Changes when anything here does; a client that sends another one asks anew.
    pub id: i32,
    /// Beginnings of names, in order; none asks for nothing.
    pub metrics: Vec<String>,
    /// Milliseconds between two pushes.
    pub interval_ms: i32,
}

/// Every subscription that matches a client: all its names, at the shortest interval.
pub(crate) fn subscription(
    subscriptions: &[ClientMetricsSettings],
    attributes: &Attributes,
    instance: Uuid,
) -> Arc<Subscription> {
    let mut interval_ms = ClientMetricsSettings::DEFAULT_INTERVAL_MS;
    let mut names = BTreeSet::new();
    for settings in subscriptions.iter().filter(|settings| attributes.matches(settings)) {
        names.extend(settings.metrics.iter().map(String::as_str));
        interval_ms = interval_ms.min(settings.interval_ms);
    }
    if names.contains(ALL) {
        names = BTreeSet::from([ALL]);
    }
    let names: Vec<&str> = names.into_iter().collect();
    let sum = crc32c(format!("[{}]{interval_ms}", names.join(", ")).as_bytes());
    let id = i32::from_be_bytes(sum.to_be_bytes()) ^ hash(instance);
    Arc::new(Subscription { id, metrics: names.into_iter().map(str::to_owned).collect(), interval_ms })
}

/// `Uuid.hashCode`: the four words over each other.
fn hash(id: Uuid) -> i32 {
    let words = id.to_bytes();
    let word = |bytes: &[u8]| bytes.iter().fold(0_i32, |word, byte| (word << 8) | i32::from(*byte));
    words.chunks(4).map(word).fold(0, |sum, word| sum ^ word)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> ClientMetricsSettings {
        let values: BTreeMap<String, String> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        ClientMetricsSettings::read(&values).expect("settings of a test")
    }

    fn attributes() -> Attributes {
        Attributes {
            instance: "id".into(),
            client_id: Some("app-1".into()),
            software: Some(("apache-kafka-java".into(), "4.4.0".into())),
            address: "10.0.0.7".into(),
            port: "40000".into(),
        }
    }

    fn matched(pattern: &str) -> bool {
        attributes().matches(&settings(&[("match", pattern)]))
    }

    #[test]
    fn every_selector_matches_its_whole_text() {
        for pattern in [
            "client_instance_id=id",
            "client_id=app-.*",
            "client_software_name=apache-kafka-java,client_software_version=4\\..*",
            "client_source_address=10\\.0\\..*,client_source_port=4[0-9]+",
        ] {
            assert!(matched(pattern), "{pattern}");
        }
        for pattern in ["client_id=app", "client_id=pp-1", "client_id=app-1,client_source_port=1"] {
            assert!(!matched(pattern), "{pattern}");
        }
        let silent = Attributes { software: None, client_id: None, ..attributes() };
        for pattern in ["client_software_name=.*", "client_software_version=.*", "client_id=.*"] {
            assert!(!silent.matches(&settings(&[("match", pattern)])), "{pattern}");
        }
        assert!(silent.matches(&settings(&[])));
    }

    #[test]
    fn long_texts_are_kept_to_the_bound_and_no_character_is_split() {
        let long = "é".repeat(200);
        let said = Attributes {
            client_id: Some(format!("x{long}")),
            software: Some((long.clone(), long)),
            ..attributes()
        };
        let kept = said.cut();
        let (name, version) = kept.software.expect("it said so");
        assert_eq!((name.len(), version.len()), (256, 256));
        assert_eq!(kept.client_id, Some(format!("x{}", "é".repeat(127))));
        assert_eq!(attributes().cut(), attributes());
    }

    #[test]
    fn what_matches_is_taken_together() {
        let all = [
            settings(&[("metrics", "b.,a."), ("interval.ms", "5000")]),
            settings(&[("metrics", "a.,c."), ("interval.ms", "1000"), ("match", "client_id=app-1")]),
            settings(&[("metrics", "d."), ("interval.ms", "100"), ("match", "client_id=other")]),
        ];
        let together = subscription(&all, &attributes(), Uuid::ZERO);
        assert_eq!(together.metrics, ["a.", "b.", "c."]);
        assert_eq!(together.interval_ms, 1000);
        let star = settings(&[("metrics", "*,x.")]);
        assert_eq!(subscription(&[star], &attributes(), Uuid::ZERO).metrics, ["*"]);
    }

    #[test]
    fn nothing_that_matches_is_nothing_at_the_default_interval() {
        let nothing = subscription(&[], &attributes(), Uuid::ZERO);
        assert_eq!((nothing.metrics.len(), nothing.interval_ms), (0, 300_000));
    }

    #[test]
    fn the_id_changes_with_names_interval_and_client() {
        let id =
            |pairs: &[(&str, &str)], instance| subscription(&[settings(pairs)], &attributes(), instance).id;
        let (one, other) =
            (Uuid::from_bytes([1; 16]), Uuid::from_bytes([2, 3, 4, 5, 6, 7, 8, 9, 1, 1, 1, 1, 1, 1, 1, 1]));
        let base = id(&[("metrics", "a.")], one);
        assert_eq!(base, id(&[("metrics", "a.")], one));
        assert_ne!(base, id(&[("metrics", "b.")], one));
        assert_ne!(base, id(&[("metrics", "a."), ("interval.ms", "100")], one));
        assert_ne!(base, id(&[("metrics", "a.")], other));
    }

    /// Computed by the released broker for one metric, where the order of its set does not matter.
    #[test]
    fn the_id_is_kafka_s() {
        let instance =
            Uuid::from_bytes([0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 1, 2, 3, 4, 5, 6, 7, 8]);
        let star = settings(&[("metrics", "*"), ("interval.ms", "1000")]);
        assert_eq!(subscription(&[star], &attributes(), instance).id, KAFKA_ID);
    }

    const KAFKA_ID: i32 = -1_106_821_571;

    #[test]
    fn addresses_are_written_as_java_writes_them() {
        for (address, written) in
            [("10.0.0.7", "10.0.0.7"), ("::ffff:10.0.0.7", "10.0.0.7"), ("::1", "0:0:0:0:0:0:0:1")]
        {
            assert_eq!(Attributes::address(address.parse().expect("an address")), written);
        }
    }
}
