//! The command line, and the order of sources.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // a test may fail loudly

use ottla::exit::Exit;
use ottla::options::{Asked, DEFAULT_DATA_DIR, ServeOptions, Start, StartError, configure, parse};
use ottla_config::listeners::Endpoint;
use std::io::Write;
use std::path::PathBuf;

fn serve(arguments: &[&str]) -> ServeOptions {
    match parse(std::iter::once("ottla").chain(arguments.iter().copied())) {
        Ok(Asked::Serve(options)) => options,
        other => panic!("{other:?}"),
    }
}

fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Start, StartError> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    configure(&serve(arguments), variables)
}

fn start(arguments: &[&str]) -> Start {
    start_with(arguments, &[]).unwrap_or_else(|error| panic!("{error}"))
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn endpoint(listener: &str, host: &str, port: u16) -> Endpoint {
    Endpoint { listener: listener.into(), host: host.into(), port }
}

#[test]
fn ottla_alone_serves() {
    assert_eq!(serve(&[]), serve(&["serve"]));
    let flags = ["--data-dir", "d", "--listen", "[::1]:7", "--set", "a=b=c", "--set", "d=", "--format"];
    let options = serve(&flags);
    assert_eq!(options, serve(&[&["serve"], &flags[..]].concat()));
    assert_eq!(options.listen, Some(("::1".into(), 7)));
    assert_eq!(options.set, [("a".into(), "b=c".into()), ("d".into(), String::new())]);
    assert_eq!(serve(&["serve", "server.properties"]).properties, Some(PathBuf::from("server.properties")));
}

#[test]
fn help_and_version_are_printed_and_mistakes_are_not() {
    for (arguments, word) in [(["--help"], "Exit codes:"), (["--version"], "Apache Kafka 4.4")] {
        let Ok(Asked::Print(text)) = parse(std::iter::once("ottla").chain(arguments)) else {
            panic!("{arguments:?}")
        };
        assert!(text.contains(word), "{text}");
    }
    for arguments in [["--listen", "nowhere"], ["--set", "novalue"], ["--set", "=x"], ["--unknown", "x"]] {
        assert!(parse(std::iter::once("ottla").chain(arguments)).is_err(), "{arguments:?}");
    }
}

#[test]
fn help_fits_a_screen() {
    let Ok(Asked::Print(text)) = parse(["ottla", "--help"]) else { panic!() };
    assert!(text.lines().count() <= 45 && text.lines().all(|line| line.len() <= 120), "{text}");
}

#[test]
fn a_start_without_a_word_has_what_it_needs() {
    let start = start(&[]);
    assert_eq!(start.config.directories.log_dirs, [DEFAULT_DATA_DIR]);
    assert_eq!(start.config.groups.offsets_topic_replication_factor, 1);
    assert_eq!(start.config.node_id, 1);
    assert!(start.may_format && !start.with_file);
    assert_eq!(start.warnings, Vec::<String>::new());
}

#[test]
fn flags_beat_the_environment_beats_the_file() {
    let file = file("num.partitions=2\nlog.dirs=/file\nmetadata.log.dir=/meta\n");
    let path = file.path().to_str().unwrap();
    assert_eq!(start(&["serve", path]).config.topics.num_partitions, 2);
    let variables = [("KAFKA_NUM_PARTITIONS", "3"), ("KAFKA_LOG_DIRS", "/variable")];
    let config = start_with(&["serve", path], &variables).unwrap().config;
    assert_eq!((config.topics.num_partitions, config.directories.log_dirs[0].as_str()), (3, "/variable"));
    assert_eq!(config.groups.offsets_topic_replication_factor, 3, "with a file, Kafka's default");
    assert_eq!(config.directories.metadata_log_dir, "/meta");
    let flags = ["serve", path, "--set", "num.partitions=4", "--data-dir", "/flag"];
    let config = start_with(&flags, &variables).unwrap().config;
    assert_eq!((config.topics.num_partitions, config.directories.log_dirs[0].as_str()), (4, "/flag"));
    assert_eq!(config.directories.metadata_log_dir, "/flag");
}

#[test]
fn listen_takes_the_place_of_what_clients_used() {
    let file = file(
        "listeners=INSIDE://:1,OUTSIDE://:2,CONTROLLER://:3\ncontroller.listener.names=CONTROLLER\n\
         listener.security.protocol.map=INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         advertised.listeners=INSIDE://a:1,OUTSIDE://b:2\ninter.broker.listener.name=OUTSIDE\n",
    );
    let config = start(&["serve", file.path().to_str().unwrap(), "--listen", "127.0.0.1:0"]).config;
    assert_eq!(config.listeners, [endpoint("OUTSIDE", "127.0.0.1", 0)]);
    assert_eq!(config.controller_listeners, [endpoint("CONTROLLER", "", 3)]);
    assert_eq!(config.advertised, None);
    assert_eq!(start(&["--listen", ":5"]).config.listeners, [endpoint("PLAINTEXT", "", 5)]);
}

#[test]
fn a_file_is_formatted_only_when_asked() {
    let file = file("node.id=1\n");
    let path = file.path().to_str().unwrap();
    assert!(!start(&["serve", path]).may_format);
    assert!(start(&["serve", path, "--format"]).may_format);
    assert!(start_with(&["serve", path], &[("OTTLA_FORMAT", "1")]).unwrap().may_format);
}

#[test]
fn an_error_names_the_file_and_the_line() {
    let file = file("node.id=1\nnum.io.threads=none\n");
    let path = file.path().to_str().unwrap();
    let error = start_with(&["serve", path], &[]).unwrap_err();
    assert!(
        error.to_string().starts_with(&format!("{path}, line 2: num.io.threads=none: expected")),
        "{error}"
    );
    assert_eq!(error.exit(), Exit::Settings);
    let error = start_with(&["--set", "num.io.threads=0"], &[]).unwrap_err();
    assert!(error.to_string().starts_with("--set num.io.threads: "), "{error}");
    let error = start_with(&["serve", "/nowhere/server.properties"], &[]).unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/server.properties: "), "{error}");
    let error = start_with(&["--data-dir", "a,b"], &[]).unwrap_err();
    assert_eq!(error.exit(), Exit::Usage);
}

#[test]
fn the_cluster_id_of_the_image_is_read() {
    let start = start_with(&[], &[("CLUSTER_ID", "4L6g3nShT-eMCtK--X86sw")]).unwrap();
    assert_eq!(start.cluster_id.unwrap().to_string(), "4L6g3nShT-eMCtK--X86sw");
    assert!(matches!(start_with(&[], &[("CLUSTER_ID", "mine")]), Err(StartError::ClusterId(_))));
}
