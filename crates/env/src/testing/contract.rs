//! What every disk does. A new implementation calls [`disk`] with an empty directory of its own.

use std::io::{ErrorKind, IoSlice};
use std::path::Path;

use crate::disk::{Disk, Entry, Kind, Open, read_exact_at};

/// The whole contract, in `root`, an empty directory.
///
/// # Panics
/// When the disk breaks it.
pub fn disk(disk: &dyn Disk, root: &Path) {
    let cases: &[fn(&dyn Disk, &Path)] = &[
        opening,
        reading_and_writing,
        many_slices_are_one_write,
        lengths,
        names,
        renames,
        directories,
        removed_files_live_while_open,
        locks,
        space,
    ];
    for (index, case) in cases.iter().enumerate() {
        let dir = root.join(format!("case-{index}"));
        disk.create_dir_all(&dir).unwrap();
        case(disk, &dir);
        disk.sync_dir(&dir).unwrap();
    }
}

fn kind_of_error<T>(result: std::io::Result<T>) -> ErrorKind {
    result.err().expect("this has to fail").kind()
}

fn write(disk: &dyn Disk, path: &Path, bytes: &[u8]) {
    let file = disk.open(path, Open::Create).unwrap();
    file.write_at(&mut [IoSlice::new(bytes)], 0).unwrap();
}

fn read(disk: &dyn Disk, path: &Path) -> Vec<u8> {
    let file = disk.open(path, Open::Read).unwrap();
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    read_exact_at(&*file, &mut bytes, 0).unwrap();
    bytes
}

fn opening(disk: &dyn Disk, dir: &Path) {
    let path = dir.join("a");
    assert_eq!(kind_of_error(disk.open(&path, Open::Read)), ErrorKind::NotFound);
    assert_eq!(kind_of_error(disk.open(&path, Open::Write)), ErrorKind::NotFound);
    disk.open(&path, Open::CreateNew).unwrap();
    assert_eq!(kind_of_error(disk.open(&path, Open::CreateNew)), ErrorKind::AlreadyExists);
    disk.open(&path, Open::Create).unwrap();
    assert!(disk.open(dir, Open::Read).is_err(), "a directory is not opened");
    let below_a_file = path.join("b");
    assert_eq!(kind_of_error(disk.open(&below_a_file, Open::Create)), ErrorKind::NotADirectory);
    let read_only = disk.open(&path, Open::Read).unwrap();
    assert!(read_only.write_at(&mut [IoSlice::new(b"x")], 0).is_err());
}

fn reading_and_writing(disk: &dyn Disk, dir: &Path) {
    let file = disk.open(&dir.join("a"), Open::Create).unwrap();
    file.write_at(&mut [IoSlice::new(b"hello "), IoSlice::new(b""), IoSlice::new(b"world")], 0).unwrap();
    file.write_at(&mut [IoSlice::new(b"W")], 6).unwrap();
    file.write_at(&mut [], 3).unwrap();
    file.write_at(&mut [IoSlice::new(b"")], 300).unwrap();
    let mut buffer = [0; 8];
    assert_eq!(file.read_at(&mut buffer, 6).unwrap(), 5);
    assert_eq!(&buffer[..5], b"World");
    assert_eq!(file.read_cached_at(&mut buffer, 0).unwrap(), 8, "what was just written is in memory");
    assert_eq!(&buffer, b"hello Wo");
    assert_eq!(file.read_at(&mut buffer, 11).unwrap(), 0);
    assert_eq!(file.read_at(&mut buffer, 1 << 30).unwrap(), 0);
    assert_eq!(kind_of_error(read_exact_at(&*file, &mut buffer, 6)), ErrorKind::UnexpectedEof);
    file.sync().unwrap();
    file.will_need(0, 11);
    file.will_need(1 << 30, 0);
    assert_eq!(read(disk, &dir.join("a")), b"hello World");
}

fn many_slices_are_one_write(disk: &dyn Disk, dir: &Path) {
    let numbers: Vec<[u8; 2]> = (0..3000_u16).map(u16::to_be_bytes).collect();
    let mut slices = vec![IoSlice::new(b""); 1200];
    slices.extend(numbers.iter().map(|number| IoSlice::new(number)));
    let file = disk.open(&dir.join("a"), Open::Create).unwrap();
    file.write_at(&mut slices, 7).unwrap();
    assert_eq!(read(disk, &dir.join("a"))[7..], numbers.concat());
}

fn lengths(disk: &dyn Disk, dir: &Path) {
    let path = dir.join("a");
    let file = disk.open(&path, Open::Create).unwrap();
    file.allocate(0, 1 << 16).unwrap();
    file.allocate(0, 0).unwrap();
    assert_eq!(file.len().unwrap(), 0, "room is not length");
    file.write_at(&mut [IoSlice::new(b"xyz")], 5).unwrap();
    assert_eq!(read(disk, &path), b"\0\0\0\0\0xyz");
    file.set_len(6).unwrap();
    file.set_len(8).unwrap();
    assert_eq!(read(disk, &path), b"\0\0\0\0\0x\0\0");
    assert_eq!(disk.metadata(&path).unwrap().unwrap().len, 8);
}

fn names(disk: &dyn Disk, dir: &Path) {
    assert_eq!(disk.list(dir).unwrap(), []);
    write(disk, &dir.join("b"), b"");
    write(disk, &dir.join("a"), b"");
    disk.create_dir_all(&dir.join("c")).unwrap();
    let entry = |name: &str, kind| Entry { name: name.into(), kind };
    let all = [entry("a", Kind::File), entry("b", Kind::File), entry("c", Kind::Dir)];
    assert_eq!(disk.list(dir).unwrap(), all);
    assert_eq!(disk.metadata(&dir.join("c")).unwrap().unwrap().kind, Kind::Dir);
    assert_eq!(disk.metadata(&dir.join("d")).unwrap(), None);
    assert_eq!(kind_of_error(disk.list(&dir.join("d"))), ErrorKind::NotFound);
    disk.remove_file(&dir.join("a")).unwrap();
    assert_eq!(kind_of_error(disk.remove_file(&dir.join("a"))), ErrorKind::NotFound);
    assert!(disk.remove_file(&dir.join("c")).is_err(), "a directory is no file");
    assert_eq!(disk.list(dir).unwrap(), all[1..]);
}

fn renames(disk: &dyn Disk, dir: &Path) {
    write(disk, &dir.join("new"), b"new");
    write(disk, &dir.join("old"), b"old");
    disk.rename(&dir.join("new"), &dir.join("old")).unwrap();
    assert_eq!(read(disk, &dir.join("old")), b"new");
    assert_eq!(disk.list(dir).unwrap().len(), 1);
    disk.rename(&dir.join("old"), &dir.join("old")).unwrap();
    assert_eq!(kind_of_error(disk.rename(&dir.join("new"), &dir.join("x"))), ErrorKind::NotFound);
    disk.create_dir_all(&dir.join("here")).unwrap();
    write(disk, &dir.join("here/file"), b"deep");
    disk.rename(&dir.join("here"), &dir.join("there")).unwrap();
    assert_eq!(read(disk, &dir.join("there/file")), b"deep");
    disk.rename(&dir.join("there/file"), &dir.join("file")).unwrap();
    assert_eq!(read(disk, &dir.join("file")), b"deep");
}

fn directories(disk: &dyn Disk, dir: &Path) {
    let deep = dir.join("a/b/c");
    disk.create_dir_all(&deep).unwrap();
    disk.create_dir_all(&deep).unwrap();
    write(disk, &deep.join("file"), b"x");
    disk.sync_dir(&deep).unwrap();
    assert!(disk.create_dir_all(&deep.join("file")).is_err(), "a file is in the way");
    disk.remove_dir_all(&dir.join("a")).unwrap();
    assert_eq!(disk.metadata(&dir.join("a")).unwrap(), None);
    assert_eq!(kind_of_error(disk.remove_dir_all(&dir.join("a"))), ErrorKind::NotFound);
    assert_eq!(kind_of_error(disk.sync_dir(&dir.join("a"))), ErrorKind::NotFound);
}

fn removed_files_live_while_open(disk: &dyn Disk, dir: &Path) {
    let path = dir.join("a");
    write(disk, &path, b"kept");
    let open = disk.open(&path, Open::Write).unwrap();
    disk.remove_file(&path).unwrap();
    write(disk, &path, b"other");
    let mut bytes = [0; 4];
    read_exact_at(&*open, &mut bytes, 0).unwrap();
    assert_eq!(&bytes, b"kept");
    open.write_at(&mut [IoSlice::new(b"!")], 0).unwrap();
    assert_eq!(read(disk, &path), b"other");
}

fn locks(disk: &dyn Disk, dir: &Path) {
    let path = dir.join(".lock");
    let held = disk.lock(&path).unwrap();
    assert_eq!(kind_of_error(disk.lock(&path)), ErrorKind::WouldBlock);
    assert_eq!(kind_of_error(disk.open(&path, Open::Write)), ErrorKind::WouldBlock);
    drop(held);
    let again = disk.lock(&path).unwrap();
    drop(again);
    disk.open(&path, Open::Write).unwrap();
}

fn space(disk: &dyn Disk, dir: &Path) {
    let space = disk.space(dir).unwrap();
    assert!(space.free > 0 && space.free <= space.total, "{space:?}");
}
