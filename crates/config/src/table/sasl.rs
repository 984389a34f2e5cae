//! Logins by SASL, OAuth among them.
//!
//! Rows only; what a row means stands in `setting`, what reads it in the room that obeys it.

use super::reasons::SECURITY;
use crate::setting::{Check, Setting, boolean, class, double, int, list, long, password, short, string};

#[rustfmt::skip]
pub(super) const ROWS: &[Setting] = &[
    list("sasl.enabled.mechanisms").is("GSSAPI").items().per_broker()
        .kept(SECURITY, "SASL mechanisms that clients may log in by."),
    string("sasl.mechanism.inter.broker.protocol").is("GSSAPI").per_broker()
        .kept(SECURITY, "The SASL mechanism between brokers."),
    string("sasl.mechanism.controller.protocol").is("GSSAPI").high()
        .kept(SECURITY, "The SASL mechanism towards controllers."),
    int("sasl.server.max.receive.size").is("524288").kept(SECURITY, "The largest message taken during a login."),
    password("sasl.jaas.config").per_broker().kept(SECURITY, "Login module and its options, in Java's notation."),
    class("sasl.client.callback.handler.class")
        .kept(SECURITY, "A Java class that answers a client's login questions."),
    class("sasl.server.callback.handler.class").kept(SECURITY, "A Java class that checks logins."),
    class("sasl.login.callback.handler.class")
        .kept(SECURITY, "A Java class that answers questions of the login module."),
    class("sasl.login.class").kept(SECURITY, "A Java class that performs logins."),
    string("sasl.kerberos.service.name").per_broker()
        .kept(SECURITY, "The name under which this service is known to Kerberos."),
    string("sasl.kerberos.kinit.cmd").is("/usr/bin/kinit").per_broker().kept(SECURITY, "Where `kinit` is."),
    double("sasl.kerberos.ticket.renew.window.factor").is("0.8").per_broker()
        .kept(SECURITY, "Part of a ticket's life after which it is renewed."),
    double("sasl.kerberos.ticket.renew.jitter").is("0.05").per_broker().kept(SECURITY, "Random part of that time."),
    long("sasl.kerberos.min.time.before.relogin").is("60000").per_broker()
        .kept(SECURITY, "The shortest time between two renewals of a ticket."),
    list("sasl.kerberos.principal.to.local.rules").is("DEFAULT").items().per_broker()
        .kept(SECURITY, "Rules that turn a Kerberos name into a user name."),
    double("sasl.login.refresh.window.factor").is("0.8").per_broker()
        .kept(SECURITY, "Part of a token's life after which it is renewed."),
    double("sasl.login.refresh.window.jitter").is("0.05").per_broker().kept(SECURITY, "Random part of that time."),
    short("sasl.login.refresh.min.period.seconds").is("60").per_broker()
        .kept(SECURITY, "The shortest time between two renewals of a token."),
    short("sasl.login.refresh.buffer.seconds").is("300").per_broker()
        .kept(SECURITY, "Time before the end of a token by which it should be renewed."),
    int("sasl.login.connect.timeout.ms").low().kept(SECURITY, "How long a connection to the token service may take."),
    int("sasl.login.read.timeout.ms").low().kept(SECURITY, "How long an answer of the token service may take."),
    long("sasl.login.retry.backoff.ms").is("100").low()
        .kept(SECURITY, "First pause after a failed request to the token service."),
    long("sasl.login.retry.backoff.max.ms").is("10000").low()
        .kept(SECURITY, "Longest pause after failed requests to the token service."),
    string("sasl.oauthbearer.scope.claim.name").is("scope").low()
        .kept(SECURITY, "The claim of a token that holds its scope."),
    string("sasl.oauthbearer.sub.claim.name").is("sub").low()
        .kept(SECURITY, "The claim of a token that holds the user."),
    string("sasl.oauthbearer.token.endpoint.url").kept(SECURITY, "Where tokens are asked for."),
    string("sasl.oauthbearer.jwks.endpoint.url").kept(SECURITY, "Where the keys that sign tokens are found."),
    long("sasl.oauthbearer.jwks.endpoint.refresh.ms").is("3600000").low()
        .kept(SECURITY, "Time between two readings of those keys."),
    long("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms").is("100").low()
        .kept(SECURITY, "First pause after a failed reading of those keys."),
    long("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms").is("10000").low()
        .kept(SECURITY, "Longest pause after failed readings of those keys."),
    int("sasl.oauthbearer.clock.skew.seconds").is("30").low()
        .kept(SECURITY, "How far the clocks of issuer and broker may differ."),
    list("sasl.oauthbearer.expected.audience").is("").items().high()
        .kept(SECURITY, "Audiences of which a token must name one."),
    string("sasl.oauthbearer.expected.issuer").high().kept(SECURITY, "The issuer that a token must name."),
    boolean("sasl.oauthbearer.allow.unverified.audience").is("false")
        .kept(SECURITY, "Whether tokens are taken without a check of their audience."),
    boolean("sasl.oauthbearer.allow.unverified.issuer").is("false")
        .kept(SECURITY, "Whether tokens are taken without a check of their issuer."),
    string("sasl.oauthbearer.scope").kept(SECURITY, "The scope asked for in a token."),
    string("sasl.oauthbearer.client.credentials.client.id").kept(SECURITY, "The id with which tokens are asked for."),
    password("sasl.oauthbearer.client.credentials.client.secret")
        .kept(SECURITY, "The secret with which tokens are asked for."),
    class("sasl.oauthbearer.jwt.retriever.class").is("org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever")
        .kept(SECURITY, "The Java class that fetches tokens."),
    class("sasl.oauthbearer.jwt.validator.class").is("org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator")
        .kept(SECURITY, "The Java class that checks tokens."),
    string("sasl.oauthbearer.assertion.algorithm").is("RS256").check(Check::OneOfAnyCase(&["ES256", "RS256"]))
        .kept(SECURITY, "The algorithm that signs an assertion."),
    string("sasl.oauthbearer.assertion.claim.aud").kept(SECURITY, "The audience claim of an assertion."),
    int("sasl.oauthbearer.assertion.claim.exp.seconds").is("300").between(0, 86_400).low()
        .kept(SECURITY, "How long an assertion is good for."),
    string("sasl.oauthbearer.assertion.claim.iss").kept(SECURITY, "The issuer claim of an assertion."),
    boolean("sasl.oauthbearer.assertion.claim.jti.include").is("false")
        .kept(SECURITY, "Whether an assertion carries an id of its own."),
    int("sasl.oauthbearer.assertion.claim.nbf.seconds").is("60").between(0, 3600).low()
        .kept(SECURITY, "How far back an assertion's validity reaches."),
    string("sasl.oauthbearer.assertion.claim.sub").kept(SECURITY, "The subject claim of an assertion."),
    string("sasl.oauthbearer.assertion.file").kept(SECURITY, "File with a ready assertion."),
    string("sasl.oauthbearer.assertion.private.key.file").kept(SECURITY, "File with the key that signs assertions."),
    password("sasl.oauthbearer.assertion.private.key.passphrase").kept(SECURITY, "Password of that key."),
    string("sasl.oauthbearer.assertion.template.file").kept(SECURITY, "File with fixed parts of an assertion."),
];
