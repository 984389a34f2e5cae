//! Listeners, connections and the bounds on what they carry.
//!
//! Rows only; what a row means stands in `setting`, what reads it in the room that obeys it.

use super::reasons::{ALONE, SECURITY, START};
use crate::setting::{Setting, int, list, long, string};

#[rustfmt::skip]
pub(super) const ROWS: &[Setting] = &[
    list("listeners").is("PLAINTEXT://:9092").some_items().high().per_broker()
        .obeyed("Addresses to bind, each as NAME://HOST:PORT; an empty host means every address."),
    list("advertised.listeners").some_items().high()
        .obeyed("Addresses that clients are told; unset, each client is told the address it came in by."),
    string("listener.security.protocol.map").is("SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT").low().per_broker()
        .obeyed("The protocol that each listener name speaks; PLAINTEXT is the one served so far."),
    string("inter.broker.listener.name")
        .obeyed("The listener by which brokers reach each other; must be among those advertised."),
    string("security.inter.broker.protocol").is("PLAINTEXT").one_of(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"])
        .obeyed("The protocol between brokers when no listener is named for them; PLAINTEXT only so far."),
    list("early.start.listeners").items().high()
        .kept(START, "Listeners that take connections before the node has caught up."),
    int("num.network.threads").is("3").at_least(1).high().cluster_wide()
        .obeyed("Threads that move bytes between sockets and memory."),
    int("queued.max.requests").is("500").at_least(1).high()
        .obeyed("Requests in work before reading from sockets pauses."),
    long("queued.max.request.bytes").is("-1")
        .obeyed("Bytes of requests in work before reading pauses; -1 leaves this to `queued.max.requests`."),
    int("socket.send.buffer.bytes").is("102400").high()
        .obeyed("Send buffer of each connection; -1 leaves it to the system."),
    int("socket.receive.buffer.bytes").is("102400").high()
        .obeyed("Receive buffer of each connection; -1 leaves it to the system."),
    int("socket.request.max.bytes").is("104857600").at_least(1).high()
        .obeyed("The largest request that is read; a longer one closes the connection."),
    int("socket.listen.backlog.size").is("50").at_least(1)
        .obeyed("Connections that the system holds until they are accepted."),
    int("max.connections").is("2147483647").at_least(0).cluster_wide()
        .obeyed("Connections open on this broker at the same time."),
    int("max.connections.per.ip").is("2147483647").at_least(0).cluster_wide()
        .obeyed("Connections open from one address at the same time."),
    string("max.connections.per.ip.overrides").is("").cluster_wide()
        .obeyed("Other limits for single addresses, as `host:count,host:count`."),
    int("max.connection.creation.rate").is("2147483647").at_least(0).cluster_wide()
        .obeyed("New connections taken each second."),
    long("connections.max.idle.ms").is("600000").obeyed("A connection without traffic for this long is closed."),
    int("connection.failed.authentication.delay.ms").is("100").at_least(0).low()
        .kept(SECURITY, "How long a failed login waits for its refusal."),
    long("socket.connection.setup.timeout.ms").is("10000")
        .kept(ALONE, "First wait for a connection to another node."),
    long("socket.connection.setup.timeout.max.ms").is("30000")
        .kept(ALONE, "Longest wait for a connection to another node, after growing."),
];
