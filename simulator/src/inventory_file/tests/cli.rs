//! What the AWS CLI prints, as shells and people save it.

use super::*;

#[test]
fn a_file_as_powershell_saves_it_is_the_same_inventory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.json");
    let marked = format!("\u{feff}{LIST}");
    let little: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = marked.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [marked.into_bytes(), little, big] {
        std::fs::write(&path, bytes).unwrap();
        let reading = read(&[&path], &Options::default()).unwrap();
        assert_eq!(reading.inventory, of(&[LIST]).inventory);
    }
}
