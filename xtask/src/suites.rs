//! The table of client suites: what runs each, and in which lane.
//!
//! Lanes run beside each other, the suites of a lane one after the other.

use crate::paths;
use crate::process::Result;
use crate::toolchain::{self, ClassPath, Language};
use std::process::Command;

/// What runs a suite.
#[derive(Clone, Copy, Debug)]
enum Runner {
    Python(&'static str),
    /// Python's own library is enough: the machine's interpreter.
    Plain(&'static str),
    Node(&'static str),
    /// One program holds all suites of Go.
    Go,
    Java(ClassPath, &'static str),
}

/// One suite of cases, named by the first part of its case ids.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Suite {
    /// As in the case ids: `kcat` of `kcat/hello`.
    pub(crate) name: &'static str,
    /// What the machine must have.
    pub(crate) language: Language,
    /// Suites of one lane run in order.
    pub(crate) lane: usize,
    runner: Runner,
}

const fn suite(name: &'static str, language: Language, lane: usize, runner: Runner) -> Suite {
    Suite { name, language, lane, runner }
}

/// Number of lanes: about one client busy on each core while others wait; those of groups wait most of the time.
pub(crate) const LANES: usize = 4;

/// Every suite.
pub(crate) const ALL: [Suite; 26] = [
    suite("java", Language::Java, 0, Runner::Java(ClassPath::Server, "ClientSuite")),
    suite("tools", Language::Java, 0, Runner::Java(ClassPath::Tools, "ToolsSuite")),
    suite("streams", Language::Java, 0, Runner::Java(ClassPath::Streams, "StreamsSuite")),
    suite("raw", Language::Python, 1, Runner::Plain("raw.py")),
    suite("raw-groups", Language::Python, 1, Runner::Plain("raw_groups.py")),
    suite("kcat", Language::Kcat, 1, Runner::Plain("kcat.py")),
    suite("aiokafka", Language::Python, 1, Runner::Python("aio.py")),
    suite("kafka-python", Language::Python, 1, Runner::Python("kafka_python.py")),
    suite("aiokafka-groups", Language::Python, 1, Runner::Python("aio_groups.py")),
    suite("kafka-python-groups", Language::Python, 1, Runner::Python("kafka_python_groups.py")),
    suite("mixed", Language::Python, 1, Runner::Python("mixed.py")),
    suite("exporter", Language::Python, 1, Runner::Python("exporter.py")),
    suite("confluent", Language::Python, 2, Runner::Python("confluent.py")),
    suite("confluent-groups", Language::Python, 2, Runner::Python("confluent_groups.py")),
    suite("franz-go", Language::Go, 3, Runner::Go),
    suite("franz-go-groups", Language::Go, 3, Runner::Go),
    suite("kafka-go", Language::Go, 3, Runner::Go),
    suite("mixed-go", Language::Go, 3, Runner::Go),
    suite("sarama", Language::Go, 3, Runner::Go),
    suite("kafkajs", Language::Node, 2, Runner::Node("kafkajs.mjs")),
    suite("kafkajs-groups", Language::Node, 2, Runner::Node("kafkajs-groups.mjs")),
    suite("platformatic", Language::Node, 2, Runner::Node("platformatic.mjs")),
    suite("platformatic-groups", Language::Node, 2, Runner::Node("platformatic-groups.mjs")),
    suite("java-groups", Language::Java, 3, Runner::Java(ClassPath::Server, "GroupSuite")),
    suite("tools-groups", Language::Java, 3, Runner::Java(ClassPath::Tools, "GroupToolsSuite")),
    suite("connect", Language::Java, 3, Runner::Java(ClassPath::Connect, "ConnectSuite")),
];

impl Suite {
    /// The command without its environment.
    pub(crate) fn command(&self) -> Result<Command> {
        let clients = paths::root().join("clients");
        let mut command = match self.runner {
            Runner::Python(_) => Command::new(toolchain::python_program()),
            Runner::Plain(_) => Command::new("python3"),
            Runner::Node(_) => Command::new(toolchain::node_program()),
            Runner::Go => Command::new(toolchain::go_program()),
            Runner::Java(path, main) => toolchain::java_command(path, main)?,
        };
        match self.runner {
            Runner::Python(file) | Runner::Plain(file) => {
                command.arg("-B").arg(clients.join("python").join(file));
            }
            Runner::Node(file) => {
                command.arg(clients.join("node").join(file));
            }
            Runner::Go => {
                command.arg(self.name);
            }
            Runner::Java(..) => {}
        }
        Ok(command)
    }
}
