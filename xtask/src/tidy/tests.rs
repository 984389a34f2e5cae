//! Each check finds what is planted, and nothing in a clean source.

use super::settings::Settings;
use super::source::{Source, mark_tests};
use super::{architecture, banned, circles, headers, semantics, sizes};
use std::collections::{BTreeMap, BTreeSet};

fn sources(files: &[(&str, &str)]) -> Vec<Source> {
    let mut all: Vec<Source> = files.iter().map(|(path, text)| Source::parse(path, text).unwrap()).collect();
    mark_tests(&mut all);
    all
}

fn whats(findings: &[super::Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{}: {}", finding.place, finding.what)).collect()
}

const PAGE: &str = "# A\n\n## Arrows\n\n| room | level | pure | imports |\n|---|---|---|---|\n| model | 0 | yes | |\n\
                    | env | 0 | no | model |\n| raft | 1 | yes | model |\n| net | 2 | no | model, env |\n\n## Next\n| x | 1 | yes | |\n";

#[test]
fn arrows_upward_and_unknown_ones_are_found() {
    let rooms = architecture::rooms(PAGE).unwrap();
    assert_eq!(rooms.len(), 4);
    let read = |text: &str| architecture::manifest(text).unwrap();
    let lints = "[lints]\nworkspace = true\n[dependencies]\n";
    let mut manifests = BTreeMap::from([
        ("model".to_owned(), read(lints)),
        ("env".to_owned(), read(&format!("{lints}ottla-model.workspace = true\ntokio.workspace = true\n"))),
        ("raft".to_owned(), read(&format!("{lints}ottla-model.workspace = true\n"))),
        (
            "net".to_owned(),
            read(&format!(
                "{lints}ottla-env.workspace = true\n[dev-dependencies]\nottla-raft.workspace = true\n"
            )),
        ),
    ]);
    assert_eq!(whats(&architecture::check(&rooms, &manifests)), Vec::<String>::new());
    manifests.insert(
        "raft".to_owned(),
        read("[dependencies]\nottla-net.workspace = true\nrustix.workspace = true\n"),
    );
    manifests.insert("new".to_owned(), read(lints));
    let found = whats(&architecture::check(&rooms, &manifests)).join("\n");
    for part in ["no such arrow", "door to the outside", "lints", "new has no row"] {
        assert!(found.contains(part), "{part} in {found}");
    }
    let upward = PAGE.replace("| raft | 1 | yes | model |", "| raft | 1 | yes | model, net |");
    let found = whats(&architecture::check(&architecture::rooms(&upward).unwrap(), &manifests)).join("\n");
    assert!(
        found.contains("raft (level 1) imports net") || found.contains("raft is pure and imports net"),
        "{found}"
    );
}

#[test]
fn circles_between_siblings_are_found() {
    let clean = [
        ("crates/net/src/lib.rs", "//! x\nmod a;\nmod b;\npub use a::One;\n"),
        ("crates/net/src/a.rs", "//! x\npub struct One;\n#[cfg(test)]\nmod tests { use crate::b::Two; }\n"),
        ("crates/net/src/b.rs", "//! x\nuse crate::a::One;\npub struct Two;\n"),
    ];
    assert_eq!(circles::check(&sources(&clean), &Settings::default()), []);
    let mut direct = clean;
    direct[1].1 = "//! x\nuse super::b::Two;\npub struct One;\n";
    assert_eq!(
        whats(&circles::check(&sources(&direct), &Settings::default())),
        ["net: a b: a circle: a uses b, b uses a"]
    );
    let mut through_a_re_export = direct;
    through_a_re_export[2].1 = "//! x\nuse crate::One;\npub struct Two;\n";
    assert_eq!(circles::check(&sources(&through_a_re_export), &Settings::default()).len(), 1);
    let settings = Settings::parse("circles = [\"net: a b\"]").unwrap();
    assert_eq!(circles::check(&sources(&direct), &settings), []);
}

#[test]
fn circles_below_a_module_are_found() {
    let nested = [
        ("crates/net/src/lib.rs", "//! x\nmod a;\n"),
        ("crates/net/src/a/mod.rs", "//! x\nmod c;\nmod d;\nmod e;\n"),
        ("crates/net/src/a/c.rs", "//! x\nuse super::d::{self, D};\n"),
        ("crates/net/src/a/d.rs", "//! x\nuse crate::a::e::E as Other;\n"),
        ("crates/net/src/a/e.rs", "//! x\nuse super::{c::C};\n"),
    ];
    assert_eq!(circles::check(&sources(&nested), &Settings::default())[0].place, "net::a: c d e");
}

#[test]
fn long_functions_and_files_are_found() {
    let body = "    let _ = 1;\n".repeat(70);
    let long = format!(
        "//! x\nfn long() {{\n{body}}}\nfn short() {{}}\n#[cfg(test)]\nmod tests {{\n fn t() {{\n{body}}}\n}}\n"
    );
    let planted = sources(&[("crates/net/src/a.rs", &long)]);
    assert_eq!(
        whats(&sizes::check(&planted, &Settings::default())),
        ["crates/net/src/a.rs:2: long has 72 lines; 70 are allowed"]
    );
    let settings = Settings::parse("[functions]\n\"crates/net/src/a.rs::long\" = 72").unwrap();
    assert_eq!(sizes::check(&planted, &settings), []);
    let lines = |count: usize| format!("//! x\n{}", "// y\n".repeat(count));
    let many = |count: usize, settings: &Settings| {
        sizes::check(&sources(&[("crates/net/src/b.rs", &lines(count))]), settings).len()
    };
    assert_eq!((many(599, &Settings::default()), many(600, &Settings::default())), (0, 1));
    let ratchet = Settings::parse("[files]\n\"crates/net/src/b.rs\" = 900").unwrap();
    assert_eq!((many(799, &ratchet), many(800, &ratchet)), (0, 1));
}

#[test]
fn a_crate_that_grows_too_large_is_found() {
    let text = format!("//! x\n{}", "// y\n".repeat(500));
    let names: Vec<String> = (0..16).map(|i| format!("crates/net/src/m{i}.rs")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), text.as_str())).collect();
    assert_eq!(sizes::check(&sources(&files), &Settings::default()).len(), 1);
    assert_eq!(sizes::check(&sources(&files[..15]), &Settings::default()), []);
}

#[test]
fn a_file_without_a_header_is_found() {
    let planted =
        sources(&[("crates/net/src/a.rs", "// x\nfn f() {}\n"), ("crates/net/src/b.rs", "\n//! x\n")]);
    assert_eq!(headers::check(&planted).len(), 1);
}

#[test]
fn doors_in_pure_rooms_are_found() {
    let rooms = architecture::rooms(PAGE).unwrap();
    let planted = |path: &str, text: &str| {
        whats(&banned::check(&sources(&[(path, text)]), &rooms, &Settings::default()))
    };
    for text in [
        "use std::time::Instant;",
        "use std::{fs::File, fmt};",
        "fn f() { std::thread::sleep(d) }",
        "fn f() -> std::time::SystemTime { x }",
    ] {
        assert_eq!(planted("crates/raft/src/a.rs", text).len(), 1, "{text}");
        assert_eq!(planted("crates/net/src/a.rs", text).len(), 0, "{text}");
    }
    assert_eq!(
        planted("crates/raft/src/a.rs", "#[cfg(test)]\nmod tests { use std::time::Instant; }").len(),
        0
    );
}

#[test]
fn notes_names_and_silenced_lints_are_found() {
    let rooms = architecture::rooms(PAGE).unwrap();
    let planted =
        |path: &str, text: &str| banned::check(&sources(&[(path, text)]), &rooms, &Settings::default()).len();
    assert_eq!(planted("crates/net/src/a.rs", "//! TODO later"), 1);
    assert_eq!(planted("crates/net/src/util.rs", "//! x"), 1);
    assert_eq!(planted("crates/net/src/a.rs", "mod helpers;"), 1);
    assert_eq!(planted("crates/net/src/a.rs", "#[allow(dead_code)]\nfn f() {}"), 1);
    assert_eq!(planted("crates/net/src/a.rs", "#[allow(dead_code, reason = \"because\")]\nfn f() {}"), 0);
    assert_eq!(planted("crates/net/tests/a.rs", "#[test]\n#[ignore]\nfn f() {}"), 1);
    assert_eq!(planted("crates/net/tests/a.rs", "#[test]\nfn f() { std::thread::sleep(x); }"), 1);
    let settings = Settings::parse("sleeps = [\"crates/net/tests/a.rs\"]").unwrap();
    let sleepy = sources(&[("crates/net/tests/a.rs", "#[test]\nfn f() { std::thread::sleep(x); }")]);
    assert_eq!(banned::check(&sleepy, &rooms, &settings), []);
}

#[test]
fn a_pure_room_without_its_clippy_file_is_found() {
    let rooms = architecture::rooms(PAGE).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("crates/raft/clippy.toml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(
        &file,
        "disallowed-methods = [\"std::time::Instant::now\", { path = \"std::time::SystemTime::now\" }]\n",
    )
    .unwrap();
    let found = whats(&banned::clippy_files(folder.path(), &rooms)).join("\n");
    assert!(found.contains("crates/model/clippy.toml"), "{found}");
    assert!(found.contains("crates/raft/clippy.toml: std::thread::spawn"), "{found}");
}

#[test]
fn promises_without_a_test_are_found() {
    let planted = sources(&[(
        "crates/net/src/a.rs",
        "//! x\n#[cfg(test)]\nmod tests { #[test]\nfn it_holds() {} }\nproptest! { #[test] fn it_always_holds(x in 0..1) {} }",
    )]);
    let ids = BTreeSet::from(["kcat/hello".to_owned()]);
    let mut page: String = (1..=142).map(|number| format!("| {number} | words | not yet: x |\n")).collect();
    page.extend((1..=61).map(|number| format!("| C{number} | words | `kcat/hello` |\n")));
    assert_eq!(semantics::check(&page, &planted, &ids), []);
    let with = |from: &str, to: &str| {
        whats(&semantics::check(&page.replacen(from, to, 1), &planted, &ids)).join("\n")
    };
    assert_eq!(
        with("| 7 | words | not yet: x |", "| 7 | words | `net::it_holds`, `net::tests::it_always_holds` |"),
        ""
    );
    assert!(with("| 7 | words | not yet: x |", "| 7 | words | `net::gone` |").contains("names net::gone"));
    assert!(with("| 7 | words | not yet: x |", "| 7 | words | `kcat/gone` |").contains("names kcat/gone"));
    assert!(with("| 7 | words | not yet: x |", "| 7 | words | not yet: |").contains("without a reason"));
    assert!(with("| 7 | words | not yet: x |", "| 7 | words | surely |").contains("names no test"));
    assert!(with("| 7 | words | not yet: x |", "").contains("7 is missing"));
    assert!(with("| 7 | words | not yet: x |", "| 8 | words | not yet: x |").contains("twice"));
}
