//! Payloads as clients make them, and as they should not.

use super::*;

/// A gauge, a sum of differences and a histogram, with a resource and a scope: made by the OpenTelemetry classes
/// that `kafka-clients` 4.4.0 carries.
pub(crate) const OF_KAFKA: &str = "0ae7010a140a120a0b636c69656e745f7261636b12030a017212ce010a030a016b12530a2b6f72672e617061\
    6368652e6b61666b612e70726f64756365722e636f6e6e656374696f6e2e6163746976652a240a221900002a36fe9c97172100000000000004403a\
    0e0a076e6f64652e696412030a013712500a2b6f72672e6170616368652e6b61666b612e70726f64756365722e7265636f72642e73656e642e746f\
    74616c3a210a1b110100000000000000190200000000000000310c000000000000001001180112200a01681201641a026d734a140a122101000000\
    00000000290000000000000040";

fn bytes(hex: &str) -> Bytes {
    let digits: Vec<u8> =
        hex.chars().filter_map(|c| c.to_digit(16)).filter_map(|digit| u8::try_from(digit).ok()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect::<Vec<u8>>().into()
}

fn payload(metrics: &[Metric]) -> Bytes {
    let scope =
        ScopeMetrics { metrics: metrics.iter().map(|metric| metric.encode_to_vec().into()).collect() };
    let resource = ResourceMetrics { scope_metrics: vec![scope.encode_to_vec().into()] };
    MetricsData { resource_metrics: vec![resource.encode_to_vec().into()] }.encode_to_vec().into()
}

fn gauge(name: &str, points: &[NumberDataPoint]) -> Metric {
    let data_points = points.iter().map(|point| point.encode_to_vec().into()).collect();
    Metric { name: name.into(), gauge: Some(Numbers { data_points, aggregation_temporality: 0 }), sum: None }
}

fn point(attributes: &[(&str, &str)]) -> NumberDataPoint {
    let attribute = |(key, text): &(&str, &str)| {
        let value = AnyValue { string: Some((*text).into()), ..Default::default() };
        KeyValue { key: (*key).into(), value: Some(value) }.encode_to_vec().into()
    };
    let attributes = attributes.iter().map(attribute).collect();
    NumberDataPoint { attributes, as_double: Some(1.0), as_int: None }
}

fn read_as(client_id: &str, payload: Bytes) -> Samples {
    read_unfolded(payload, client_id, Uuid::ZERO).unwrap()
}

const ZERO: &str = "AAAAAAAAAAAAAAAAAAAAAA";

#[test]
fn what_a_java_client_sends_is_read() {
    let Samples { samples, left_out } = read_as("app", bytes(OF_KAFKA));
    let [gauge, sum] = samples.as_slice() else { panic!("{samples:?}") };
    assert_eq!(&*gauge.name, "ottla_client_org_apache_kafka_producer_connection_active");
    assert_eq!(*gauge.labels, format!("client_id=\"app\",client_instance_id=\"{ZERO}\",node_id=\"7\""));
    assert_eq!((gauge.number, gauge.is_difference), (2.5, false));
    assert_eq!(&*sum.name, "ottla_client_org_apache_kafka_producer_record_send_total");
    assert_eq!((sum.number, sum.is_difference, left_out), (12.0, true, 0));
}

#[test]
fn names_and_labels_are_of_the_alphabet_and_speak_for_nobody_else() {
    let metric =
        gauge("a{b=\"c\"} 1\n#ü", &[point(&[("client_id", "other"), ("9-x", "a\"b\\c\nd"), ("", "e")])]);
    let Samples { samples, .. } = read_as("an \"app\"", payload(&[metric]));
    assert_eq!(&*samples[0].name, "ottla_client_a_b__c___1___");
    let id = format!("client_id=\"an \\\"app\\\"\",client_instance_id=\"{ZERO}\"");
    assert_eq!(*samples[0].labels, format!("{id},label_=\"e\",label_9_x=\"a\\\"b\\\\c\\nd\""));
}

#[test]
fn what_is_too_long_or_too_much_is_left_out_and_counted() {
    let long = "x".repeat(300);
    let many: Vec<(String, String)> = (0..9).map(|n| (format!("l{n}"), String::new())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let metrics = [
        gauge(&long, &[point(&[])]),
        gauge("", &[point(&[])]),
        gauge("a", &[point(&[(long.as_str(), "")]), point(&[("k", long.as_str())]), point(&many)]),
    ];
    let Samples { samples, left_out } = read_as("app", payload(&metrics));
    assert_eq!((samples, left_out), (vec![], 5));
    let points: Vec<NumberDataPoint> = (0..1500).map(|n| point(&[("n", n.to_string().as_str())])).collect();
    let Samples { samples, left_out } = read_as(&long, payload(&[gauge("a", &points)]));
    assert_eq!((samples.len(), left_out), (1000, 500));
    assert!(samples[0].labels.len() < 400, "the client's id is cut");
    let Samples { samples, .. } = read_as(&"𝛼".repeat(300), payload(&[gauge("a", &[point(&[])])]));
    assert!(samples[0].labels.len() < 400, "and its bytes count, not its characters");
}

#[test]
fn garbage_is_refused_and_a_payload_that_is_cut_never_panics() {
    for garbage in ["ff", "0a", "0aff", "08ffffffffffffffffff7f0a", "0affffffff0f", "0a020aff", "0b0b0b0b"] {
        assert!(read_unfolded(bytes(garbage), "app", Uuid::ZERO).is_err(), "{garbage}");
    }
    let whole = bytes(OF_KAFKA);
    for cut in 1..whole.len() {
        assert!(read_unfolded(whole.slice(..cut), "app", Uuid::ZERO).is_err(), "{cut}");
    }
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut flipped = whole.to_vec();
            flipped[at] ^= 1 << bit;
            let read = read_unfolded(flipped.into(), "app", Uuid::ZERO);
            assert!(read.is_err() || read.is_ok_and(|samples| samples.samples.len() <= 2));
        }
    }
}

#[test]
fn groups_inside_groups_are_read_over_to_a_depth() {
    // An unknown field of the oldest kind, opened a hundred thousand times and never closed.
    assert!(read_unfolded(vec![0x7b; 100_000].into(), "app", Uuid::ZERO).is_err());
}

/// Two bytes each and nothing in it: what they claim to be is never laid out.
#[test]
fn half_a_million_empty_messages_are_nothing() {
    for tag in [0x0a, 0x12] {
        let empty = [tag, 0].repeat(500_000);
        let samples = match tag {
            0x0a => read_as("app", empty.into()),
            _ => read_as("app", MetricsData { resource_metrics: vec![empty.into()] }.encode_to_vec().into()),
        };
        assert_eq!(samples, Samples::default());
    }
}

#[test]
fn every_codec_is_unfolded_to_the_bound_and_no_further() {
    use ottla_record::{Codec, compress};
    let whole = bytes(OF_KAFKA);
    for codec in [Codec::None, Codec::Gzip(-1), Codec::Snappy, Codec::Lz4(9), Codec::Zstd(3)] {
        let mut packed = Vec::new();
        compress(codec, &whole, &mut packed).unwrap();
        let packed = Bytes::from(packed);
        let read_within = |most| {
            read(codec.compression(), packed.clone(), most, "app", Uuid::ZERO).map(|read| read.samples.len())
        };
        assert_eq!(read_within(whole.len()).unwrap(), 2, "{codec:?}");
        if codec != Codec::None {
            assert!(matches!(read_within(whole.len() - 1), Err(Unreadable::Packed(_))), "{codec:?}");
        }
    }
}
