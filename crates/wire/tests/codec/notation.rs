//! The notation refuses what it does not understand, with file and line.

use crate::model::definition::{Base, Value, Versions};
use crate::model::notation::{Spec, parse};

fn read(text: &str) -> Result<Spec, String> {
    let mut spec = Spec::default();
    parse("x.spec", text, &mut spec).map(|()| spec)
}

#[test]
fn a_definition_says_names_types_versions_and_defaults() {
    let spec = read(
        "api 99 Thing broker # what it is for\n\
         request 2-5 flexible 4+ unstable-latest\n\
        \x20 Names  []Name?  3+  ignorable tag 1 4+ = null\n\
        \x20   Text  string  4-5  null 5\n\
        \x20 Count  int32  = -1\n",
    )
    .unwrap();
    assert!(spec.apis[0].broker && !spec.apis[0].controller);
    let definition = &spec.definitions[0];
    assert_eq!(
        (definition.name.as_str(), definition.flexible, definition.unstable),
        ("ThingRequest", Some(4), true)
    );
    let [root, name] = &definition.structs[..] else { panic!("{definition:?}") };
    assert_eq!(name.versions, Versions { min: 3, max: 5 });
    assert_eq!(name.fields[0].nullable, Some(Versions { min: 5, max: 5 }));
    let [names, count] = &root.fields[..] else { panic!("{root:?}") };
    assert_eq!((&names.base, names.array, names.ignorable), (&Base::Struct("Name".to_owned()), true, true));
    assert_eq!((names.tag, names.default), (Some((1, Versions { min: 4, max: 5 })), Value::Null));
    assert_eq!((count.versions, count.default), (Versions { min: 2, max: 5 }, Value::Number(-1)));
}

#[test]
fn what_is_not_understood_is_refused_with_file_and_line() {
    for (text, error) in [
        ("nonsense", "x.spec:1: not a heading"),
        ("request 0", "x.spec:1: a request belongs to an api"),
        ("data D", "x.spec:1: the versions are missing"),
        ("data D 0+", "x.spec:1: a message has a last version"),
        ("data D 0\n  A int31", "x.spec:2: unknown type int31"),
        ("data D 0\n  A int32 1", "x.spec:2: versions 1 do not lie within 0-0"),
        ("data D 0\n  A int32 sometimes", "x.spec:2: not understood: sometimes"),
        ("data D 0\n  A int32 = many", "x.spec:2: not a default: many"),
        ("data D 0\n  A int32\n    B int8", "x.spec:3: the line above is not of a structure's type"),
        ("data D 0\n  A T\n    B int8\n  struct T\n    C int8", "x.spec:4: T is defined twice"),
        ("  A int32", "x.spec:1: the line is indented under something that has no fields"),
    ] {
        assert_eq!(read(text).unwrap_err(), error, "{text}");
    }
}
