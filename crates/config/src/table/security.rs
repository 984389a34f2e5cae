//! Who may connect and what they may do; TLS.
//!
//! Rows only; what a row means stands in `setting`, what reads it in the room that obeys it.

use super::reasons::{AUTHORIZER, SECURITY, TOKENS};
use crate::setting::{Setting, boolean, class, list, long, password, string};

#[rustfmt::skip]
pub(super) const ROWS: &[Setting] = &[
    string("authorizer.class.name").is("").low().refused(AUTHORIZER, "The Java class that decides who may do what."),
    class("principal.builder.class").is("org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder").per_broker()
        .kept(SECURITY, "The Java class that names the user of a connection."),
    long("connections.max.reauth.ms").is("0")
        .kept(SECURITY, "How long a login is good for before it must be renewed."),
    string("security.providers").low().kept(SECURITY, "Java classes that provide cryptography."),
    password("delegation.token.secret.key").kept(TOKENS, "The secret from which delegation tokens are made."),
    long("delegation.token.max.lifetime.ms").is("604800000").at_least(1)
        .kept(TOKENS, "How long a delegation token can live, renewals included."),
    long("delegation.token.expiry.time.ms").is("86400000").at_least(1)
        .kept(TOKENS, "How long a delegation token lives without renewal."),
    long("delegation.token.expiry.check.interval.ms").is("3600000").at_least(1).low()
        .kept(TOKENS, "Time between two looks for delegation tokens that ended."),
    string("ssl.protocol").is("TLSv1.3").per_broker().kept(SECURITY, "The TLS version to prefer."),
    string("ssl.provider").per_broker().kept(SECURITY, "The Java provider of TLS."),
    list("ssl.cipher.suites").is("").items().per_broker()
        .kept(SECURITY, "Cipher suites allowed; empty leaves the choice to the library."),
    list("ssl.enabled.protocols").is("TLSv1.2,TLSv1.3").items().per_broker().kept(SECURITY, "TLS versions allowed."),
    string("ssl.keystore.type").is("JKS").per_broker().kept(SECURITY, "Format of the key store."),
    string("ssl.keystore.location").per_broker().kept(SECURITY, "File with this node's key and certificate."),
    password("ssl.keystore.password").per_broker().kept(SECURITY, "Password of the key store."),
    password("ssl.keystore.key").per_broker().kept(SECURITY, "This node's private key, as PEM."),
    password("ssl.keystore.certificate.chain").per_broker().kept(SECURITY, "This node's certificate chain, as PEM."),
    password("ssl.key.password").per_broker().kept(SECURITY, "Password of the private key."),
    string("ssl.truststore.type").is("JKS").per_broker().kept(SECURITY, "Format of the trust store."),
    string("ssl.truststore.location").per_broker().kept(SECURITY, "File with the certificates that are trusted."),
    password("ssl.truststore.password").per_broker().kept(SECURITY, "Password of the trust store."),
    password("ssl.truststore.certificates").per_broker().kept(SECURITY, "Certificates that are trusted, as PEM."),
    string("ssl.keymanager.algorithm").is("SunX509").per_broker().kept(SECURITY, "The Java algorithm for keys."),
    string("ssl.trustmanager.algorithm").is("PKIX").per_broker().kept(SECURITY, "The Java algorithm for trust."),
    string("ssl.endpoint.identification.algorithm").is("https").low().per_broker()
        .kept(SECURITY, "How a server's name is checked against its certificate."),
    string("ssl.secure.random.implementation").low().per_broker()
        .kept(SECURITY, "The Java source of randomness for TLS."),
    string("ssl.client.auth").is("none").one_of(&["required", "requested", "none"]).per_broker()
        .kept(SECURITY, "Whether clients must show a certificate."),
    class("ssl.engine.factory.class").low().per_broker().kept(SECURITY, "A Java class that makes TLS engines."),
    string("ssl.principal.mapping.rules").is("DEFAULT").low()
        .kept(SECURITY, "Rules that turn a certificate's name into a user name."),
    boolean("ssl.allow.dn.changes").is("false").low()
        .kept(SECURITY, "Whether a new certificate may carry another distinguished name."),
    boolean("ssl.allow.san.changes").is("false").low()
        .kept(SECURITY, "Whether a new certificate may lack names that the old one had."),
];
