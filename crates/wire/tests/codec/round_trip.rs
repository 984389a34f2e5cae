//! Every message in every version against the slow codec of `model`, and in every other version of the same message.

use crate::model::dice::Dice;
use crate::model::{Refused, any_struct, default_struct, spec, typed, write};
use bytes::Bytes;
use ottla_wire::EncodeError;

const ROUNDS: u64 = 40;

fn expected(refused: Refused, error: EncodeError) -> bool {
    matches!(
        (refused, error),
        (Refused::Absent, EncodeError::Absent { .. }) | (Refused::Null, EncodeError::Null { .. })
    )
}

#[test]
fn every_definition_has_its_message() {
    let typed = typed::messages();
    let spec = spec();
    assert_eq!(typed.len(), spec.definitions.len());
    assert_eq!(spec.definitions.len(), 277);
    for definition in &spec.definitions {
        let typed = typed[definition.name.as_str()];
        assert_eq!(typed.versions, (definition.versions.min, definition.versions.max), "{}", definition.name);
        assert_eq!(typed.flexible, definition.flexible, "{}", definition.name);
    }
}

#[test]
fn what_is_read_is_written_again_in_every_version() {
    let typed = typed::messages();
    for definition in &spec().definitions {
        let typed = typed[definition.name.as_str()];
        for version in definition.versions.each() {
            for seed in 0..ROUNDS {
                let tree = any_struct(definition, &definition.structs[0], version, &mut Dice(seed), 0);
                let bytes = Bytes::from(write(definition, &tree, version).unwrap());
                for other in definition.versions.each() {
                    let at = format!("{} {version} to {other} seed {seed}", definition.name);
                    let (written, left) = (typed.transcode)(bytes.clone(), version, other).expect(&at);
                    assert_eq!(left, 0, "{at}");
                    match (write(definition, &tree, other), written) {
                        (Ok(expected), Ok(written)) => assert_eq!(written, expected, "{at}"),
                        (Err(refused), Err(error)) => {
                            assert!(expected(refused, error), "{at}: {refused:?} {error:?}")
                        }
                        (expected, written) => panic!("{at}: {expected:?} {written:?}"),
                    }
                }
            }
        }
    }
}

#[test]
fn the_default_is_what_the_definition_says() {
    let typed = typed::messages();
    for definition in &spec().definitions {
        let tree = default_struct(definition, &definition.structs[0]);
        for version in definition.versions.each() {
            let written = (typed[definition.name.as_str()].default)(version);
            match (write(definition, &tree, version), written) {
                (Ok(expected), Ok(written)) => assert_eq!(written, expected, "{} {version}", definition.name),
                (Err(refused), Err(error)) => {
                    assert!(expected(refused, error), "{} {version}", definition.name)
                }
                (expected, written) => panic!("{} {version}: {expected:?} {written:?}", definition.name),
            }
        }
    }
}

#[test]
fn a_version_that_does_not_exist_is_refused() {
    for (name, typed) in typed::messages() {
        for version in [i16::MIN, -1, typed.versions.0 - 1, typed.versions.1 + 1, i16::MAX] {
            assert!((typed.decode)(Bytes::from_static(&[0; 64]), version, 4096).is_err(), "{name} {version}");
            assert!((typed.default)(version).is_err(), "{name} {version}");
        }
    }
}

#[test]
fn bytes_behind_a_message_are_left_in_the_reader() {
    let typed = typed::messages();
    for definition in &spec().definitions {
        let version = definition.versions.max;
        let tree = any_struct(definition, &definition.structs[0], version, &mut Dice(7), 0);
        let mut bytes = write(definition, &tree, version).unwrap();
        bytes.extend([0xff; 9]);
        let (_, left) = (typed[definition.name.as_str()].transcode)(bytes.into(), version, version).unwrap();
        assert_eq!(left, 9, "{}", definition.name);
    }
}
