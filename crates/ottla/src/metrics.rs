//! What `/metrics` prints: the broker's counters, its gauges as they are, and the network's.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ottla_broker::Node;
use ottla_net::NetCounters;
use prometheus_client::registry::Registry;

type Labelled = Box<dyn Fn(&mut String) -> fmt::Result + Send + Sync>;
type Gauges = Box<dyn Fn() -> Vec<(&'static str, &'static str, i64)> + Send + Sync>;

/// Everything that is counted in this process.
pub(crate) struct Metrics {
    registry: Registry,
    gauges: Gauges,
    labelled: Labelled,
    net: Arc<NetCounters>,
}

impl Metrics {
    pub(crate) fn new(node: &Node) -> Self {
        let mut registry = Registry::default();
        node.register_metrics(&mut registry);
        let (gauges, labelled) = (Box::new(node.gauges()), Box::new(node.labelled_gauges()));
        Self { registry, gauges, labelled, net: node.net_counters() }
    }

    /// Writes the OpenMetrics text.
    pub(crate) fn write(&self, text: &mut String) -> fmt::Result {
        use fmt::Write;
        for (name, help, value) in (self.gauges)() {
            writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}")?;
        }
        (self.labelled)(text)?;
        self.write_network(text)?;
        // Ends with the mark of the end.
        prometheus_client::encoding::text::encode(text, &self.registry)
    }

    fn write_network(&self, text: &mut String) -> fmt::Result {
        use fmt::Write;
        let net = &self.net;
        let gauges = [
            ("ottla_connections", "Open connections", &net.connections),
            ("ottla_requests_in_flight", "Requests started and not answered", &net.requests_in_flight),
            ("ottla_request_bytes_in_flight", "Bytes of requests held", &net.request_bytes),
        ];
        for (name, help, value) in gauges {
            let value = value.load(Ordering::Relaxed);
            writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}")?;
        }
        let counters = [
            ("ottla_connections_accepted", "Connections accepted", &net.accepted),
            ("ottla_connections_refused", "Connections refused by a limit", &net.refused),
            ("ottla_accept_errors", "Errors at accepting", &net.accept_errors),
            ("ottla_network_in_bytes", "Bytes received", &net.bytes_in),
            ("ottla_network_out_bytes", "Bytes sent", &net.bytes_out),
            ("ottla_frames_too_large", "Frames above socket.request.max.bytes", &net.frames_too_large),
            ("ottla_frames_refused", "Frames with an impossible size", &net.frames_refused),
            ("ottla_not_kafka", "Connections that spoke HTTP or TLS", &net.not_kafka),
            (
                "ottla_first_request_timeouts",
                "Connections without a request in time",
                &net.first_request_timeouts,
            ),
            ("ottla_idle_closed", "Connections closed for being idle", &net.idle_closed),
            ("ottla_slow_frames", "Connections closed for a frame that did not end", &net.slow_frames),
            ("ottla_stalled_writes", "Connections closed for not reading", &net.stalled_writes),
            ("ottla_handler_panics", "Handlers that panicked; please report", &net.panics),
        ];
        for (name, help, value) in counters {
            let value = value.load(Ordering::Relaxed);
            writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter\n{name}_total {value}")?;
        }
        Ok(())
    }
}
