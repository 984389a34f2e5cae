//! Listeners and the addresses that clients are told: reading them, and the rules between them
//! (`SocketServerConfigs`, `KafkaConfig.validateValues`).
//!
//! Names are compared in upper case, as Kafka's `ListenerName.normalised`. Binding is `net`'s.

use crate::value::elements;
use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// What a listener speaks (Kafka's `SecurityProtocol`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the words are Kafka's
pub enum Protocol {
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

impl Protocol {
    /// The protocol of that name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Plaintext, Self::Ssl, Self::SaslPlaintext, Self::SaslSsl]
            .into_iter()
            .find(|protocol| protocol.name().eq_ignore_ascii_case(name))
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }

    /// Its number in broker registrations.
    pub const fn id(self) -> i16 {
        match self {
            Self::Plaintext => 0,
            Self::Ssl => 1,
            Self::SaslPlaintext => 2,
            Self::SaslSsl => 3,
        }
    }
}

/// An address with the name of its listener: `NAME://HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// In upper case.
    pub listener: String,
    /// A name or an address, IPv6 without brackets; empty means every address (to bind) or the one that the
    /// client came in by (to tell).
    pub host: String,
    /// 0 lets the system choose (to bind only).
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "{}://[{}]:{}", self.listener, self.host, self.port)
        } else {
            write!(f, "{}://{}:{}", self.listener, self.host, self.port)
        }
    }
}

impl Endpoint {
    /// Whether it stands for every address of the machine.
    pub fn is_wildcard(&self) -> bool {
        self.host.is_empty() || self.host == "0.0.0.0" || is_unspecified_v6(&self.host)
    }

    /// Reads `NAME://HOST:PORT`, an IPv6 host with or without brackets.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bad = || format!("{text} is not of the form NAME://HOST:PORT");
        let (name, address) = text.split_once("://").ok_or_else(bad)?;
        let (host, port) = host_and_port(address).ok_or_else(bad)?;
        if name.is_empty() {
            return Err(bad());
        }
        Ok(Self { listener: name.to_uppercase(), host, port })
    }
}

/// Reads `HOST:PORT`, an IPv6 host with or without brackets.
pub fn host_and_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let port = port.parse::<u16>().ok().filter(|_| port.bytes().all(|b| b.is_ascii_digit()))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '%' | '.' | '_' | ':');
    host.chars().all(plain).then(|| (host.to_owned(), port))
}

fn is_unspecified_v6(host: &str) -> bool {
    host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_unspecified())
}

/// Reads a list of endpoints and checks that names differ and, if `distinct_ports`, that ports do, except
/// for one IPv4 and one IPv6 address on the same.
pub fn endpoints(text: &str, distinct_ports: bool) -> Result<Vec<Endpoint>, String> {
    let endpoints: Vec<Endpoint> =
        elements(text).iter().map(|element| Endpoint::parse(element)).collect::<Result<_, _>>()?;
    for (at, endpoint) in endpoints.iter().enumerate() {
        for other in endpoints.iter().take(at) {
            if other.listener == endpoint.listener {
                return Err(format!("the listener {} is named twice; names must differ", endpoint.listener));
            }
            if distinct_ports
                && endpoint.port != 0
                && other.port == endpoint.port
                && !two_families(other, endpoint)
            {
                return Err(format!(
                    "{other} and {endpoint} share a port; that is possible only for one IPv4 and one IPv6 address"
                ));
            }
        }
        let same = endpoints.iter().filter(|other| other.port == endpoint.port).count();
        if distinct_ports && endpoint.port != 0 && same > 2 {
            return Err(format!("{same} listeners share port {}; at most two can", endpoint.port));
        }
    }
    Ok(endpoints)
}

fn two_families(a: &Endpoint, b: &Endpoint) -> bool {
    let v4 = |endpoint: &Endpoint| endpoint.host.parse::<Ipv4Addr>().is_ok();
    let v6 = |endpoint: &Endpoint| endpoint.host.parse::<Ipv6Addr>().is_ok();
    v4(a) && v6(b) || v6(a) && v4(b)
}

/// The protocol of each listener name. When the user gave no map, names of controllers speak PLAINTEXT
/// (Kafka's `effectiveListenerSecurityProtocolMap`).
pub fn protocol_map(
    text: &str,
    given: bool,
    controllers: &[String],
) -> Result<BTreeMap<String, Protocol>, String> {
    let mut map = BTreeMap::new();
    for element in elements(text) {
        let (name, protocol) =
            element.rsplit_once(':').ok_or_else(|| format!("{element} is not of the form NAME:PROTOCOL"))?;
        let protocol = Protocol::named(protocol.trim()).ok_or_else(|| {
            format!("{protocol} is no protocol; use PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL")
        })?;
        map.insert(name.trim().to_uppercase(), protocol);
    }
    if !given {
        for name in controllers {
            map.entry(name.to_uppercase()).or_insert(Protocol::Plaintext);
        }
    }
    Ok(map)
}

/// `host:count` pairs (`max.connections.per.ip.overrides`).
pub fn counts_by_host(text: &str) -> Result<BTreeMap<String, u32>, String> {
    let mut counts = BTreeMap::new();
    for element in elements(text) {
        let pair = element
            .rsplit_once(':')
            .and_then(|(host, count)| Some((host.trim(), count.trim().parse().ok()?)));
        let Some((host, count)) = pair.filter(|(host, _)| !host.is_empty()) else {
            return Err(format!("{element} is not of the form HOST:COUNT"));
        };
        counts.insert(host.trim_start_matches('[').trim_end_matches(']').to_owned(), count);
    }
    Ok(counts)
}
