//! `docs/settings.md` is what the table says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)] // a test may fail loudly
#![allow(clippy::disallowed_methods)] // the page is a file

#[test]
fn the_page_is_printed_from_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/settings.md");
    let page = ottla_config::markdown::render();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap();
    let differing = page.lines().zip(committed.lines()).find(|(a, b)| a != b);
    assert!(
        page == committed,
        "run UPDATE_DOCS=1 cargo test -p ottla-config --test settings_page; first difference: {differing:?}"
    );
}
