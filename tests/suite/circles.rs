//! No circles of modules: what a module needs from its siblings can be read in one order.
//!
//! For every module its children are compared, each with all that is below it. A child that names something in a
//! sibling, under whatever name it is re-exported, needs that sibling. Tests may need each other as they like. A name
//! that is defined in the parent's own file belongs to the parent and is no edge.

mod graph;
mod names;
mod tree;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use self::tree::{Module, Place, Sources};

/// The circles of one crate as text, one paragraph each.
fn circles(sources: &Sources, root: &str) -> Vec<String> {
    let modules = tree::read(sources, root);
    graph::circles(&modules).iter().map(ToString::to_string).collect()
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn parsed(path: &Path) -> toml::Table {
    fs::read_to_string(path).unwrap().parse().unwrap()
}

/// The root files of every crate in the workspace, relative to the repository.
fn roots() -> Vec<String> {
    let workspace = parsed(&repository().join("Cargo.toml"));
    let mut found = Vec::new();
    for member in workspace["workspace"]["members"].as_array().unwrap() {
        let member = member.as_str().unwrap();
        let manifest = parsed(&repository().join(member).join("Cargo.toml"));
        let library = manifest.get("lib").and_then(|lib| lib.get("path")).and_then(toml::Value::as_str);
        let library = format!("{member}/{}", library.unwrap_or("src/lib.rs"));
        assert!(repository().join(&library).is_file(), "{library}");
        found.push(library);
        let program = format!("{member}/src/main.rs");
        found.extend(repository().join(&program).is_file().then_some(program));
    }
    found
}

fn read_sources(folder: &Path, found: &mut Sources) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(repository()).unwrap().to_string_lossy().into_owned();
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}

/// The modules of every crate of the workspace, by its root file.
fn crates() -> BTreeMap<String, BTreeMap<Place, Module>> {
    let read = |root: String| {
        let mut sources = BTreeMap::new();
        read_sources(repository().join(&root).parent().unwrap(), &mut sources);
        let modules = tree::read(&sources, &root);
        (root, modules)
    };
    roots().into_iter().map(read).collect()
}

/// Every path in production code of the workspace: its file, its line, its parts.
pub(crate) fn production() -> Vec<(String, usize, Vec<String>)> {
    let mut found = Vec::new();
    for module in crates().into_values().flat_map(BTreeMap::into_values) {
        found.extend(module.named.into_iter().map(|named| (module.file.clone(), named.line, named.parts)));
    }
    found
}

#[test]
fn no_modules_need_each_other_in_a_circle() {
    let mut told = Vec::new();
    for (root, modules) in crates() {
        told.extend(graph::circles(&modules).iter().map(|circle| format!("{root}: {circle}")));
    }
    assert!(told.is_empty(), "{} circles of modules:\n\n{}", told.len(), told.join("\n"));
}

#[test]
fn every_crate_of_the_workspace_is_read_with_its_modules() {
    let roots = roots();
    let known = [
        "guard-core/src/lib.rs",
        "guard-fn/src/lib.rs",
        "simulator/src/lib.rs",
        "tests/e2e/src/lib.rs",
        "tests/suite/world.rs",
    ];
    assert!(known.iter().all(|known| roots.iter().any(|root| root == known)), "{roots:?}");
    let modules = &crates()["guard-core/src/lib.rs"];
    assert!(modules.contains_key(&["posting", "minutes"].map(str::to_owned)[..]), "{:?}", modules.keys());
    assert!(graph::edges(modules).len() > 50, "the core's modules need each other");
}

/// The circles of a planted crate.
fn planted(files: &[(&str, &str)]) -> Vec<String> {
    let sources = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    circles(&sources, "lib.rs")
}

const TWO: &str = "mod a; mod b;";

#[track_caller]
fn assert_circle(files: &[(&str, &str)], members: &str, edges: &[&str]) {
    let found = planted(files);
    let [circle] = &found[..] else { panic!("one circle: {found:?}") };
    assert_eq!(circle.lines().next(), Some(members));
    for edge in edges {
        assert!(circle.contains(edge), "{edge} in\n{circle}");
    }
}

#[track_caller]
fn assert_none(files: &[(&str, &str)]) {
    assert_eq!(planted(files), [""; 0]);
}

#[test]
fn two_modules_that_use_each_other_are_a_circle_with_file_line_and_name() {
    let files = [
        ("lib.rs", TWO),
        ("a.rs", "\nuse crate::b::Y;\npub struct X(Y);"),
        ("b.rs", "pub struct Y;\nfn f(_: super::a::X) {}"),
    ];
    assert_circle(
        &files,
        "a, b",
        &["a needs b: `crate::b::Y` at a.rs:2", "b needs a: `super::a::X` at b.rs:2"],
    );
    assert_none(&[files[0], files[1], ("b.rs", "pub struct Y;")]);
}

#[test]
fn three_modules_in_a_ring_are_a_circle_and_a_fourth_that_uses_them_is_not_in_it() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a.rs", "use crate::b;"),
        ("b.rs", "pub struct X; impl X { fn f() { crate::c::f(); } }"),
        ("c.rs", "pub fn f() {} const N: usize = super::a::N;"),
        ("d.rs", "use crate::{a, b, c};"),
    ];
    assert_circle(&files, "a, b, c", &["a needs b", "b needs c", "c needs a"]);
    assert_none(&[files[0], files[1], files[2], ("c.rs", "pub fn f() {}"), files[4]]);
}

#[test]
fn a_circle_further_down_is_named_with_its_place_and_one_of_descendants_with_their_ancestors() {
    let below = [
        ("lib.rs", "mod outer;"),
        ("outer.rs", "mod a; mod b;"),
        ("outer/a.rs", "use super::b::Y;"),
        ("outer/b.rs", "pub struct Y; fn f(x: crate::outer::a::X) {}"),
    ];
    assert_circle(&below, "outer::a, outer::b", &["outer/a.rs:1", "outer/b.rs:1"]);
    let collapsed = [
        ("lib.rs", TWO),
        ("a/mod.rs", "mod inner; pub struct X;"),
        ("a/inner.rs", "use crate::b::Y;"),
        ("b.rs", "mod inner { fn f(_: crate::a::X) {} } pub struct Y;"),
    ];
    assert_circle(&collapsed, "a, b", &["`crate::b::Y` at a/inner.rs:1", "`crate::a::X` at b.rs:1"]);
}

#[test]
fn a_name_that_the_parent_has_from_a_sibling_leads_to_that_sibling() {
    let a = ("a.rs", "use crate::b::Y;\npub struct X;");
    for (parent, named) in [
        ("mod a; mod b; pub use a::X;", "use super::X;"),
        ("mod a; mod b; pub use self::a::X as Renamed;", "fn f(_: crate::Renamed) {}"),
        ("mod a; mod b; use a::X;", "fn f() -> super::X { todo!() }"),
        ("mod a; mod b; pub use a::*;", "use super::X;"),
        ("mod a; mod b;", "use super::{self as up}; fn f(_: up::a::X) {}"),
        ("mod a; mod b; use a as renamed;", "fn f() { super::renamed::g() }"),
    ] {
        let b = format!("pub struct Y; {named}");
        assert_circle(&[("lib.rs", parent), a, ("b.rs", &b)], "a, b", &["a needs b", "b needs a"]);
        assert_none(&[("lib.rs", parent), ("a.rs", "pub struct X;"), ("b.rs", &b)]);
    }
}

#[test]
fn a_name_that_passes_through_another_module_needs_both() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "pub use crate::c::Z;"),
        ("b.rs", "use crate::a::Z;"),
        ("c.rs", "pub struct Z; fn f() { crate::b::g() }"),
    ];
    assert_circle(&files, "a, b, c", &["b needs a", "b needs c", "c needs b"]);
}

#[test]
fn a_path_within_a_macro_an_attribute_or_a_pattern_counts() {
    for text in [
        "fn f() { println!(\"{}\", crate::b::N); }",
        "fn f() { assert!(matches!(1, 0..super::b::N), \"{}\", [(1, crate::b::N)].len()); }",
        "macro_rules! m { () => { $crate::b::N } }",
        "#[serde(default = \"super::b::n\")] struct S;",
        "struct S { #[serde(with = \"crate::b\")] x: u8 }",
        "fn f(x: u8) { match x { crate::b::N => {} _ => {} } }",
        "fn f() { use crate::b; b::g() }",
        "impl crate::b::Trait for () {}",
        "fn f<T: super::b::Trait>() {}",
        "fn f() -> Vec<crate::b::Y> { vec![] }",
    ] {
        let b = "use crate::a::X;";
        assert_circle(&[("lib.rs", TWO), ("a.rs", text), ("b.rs", b)], "a, b", &["a needs b"]);
    }
}

#[test]
fn tests_the_parents_own_names_and_names_of_others_make_no_circle() {
    let b = ("b.rs", "use crate::a::X;");
    let own = "mod a; mod b; pub struct N; pub fn b() {}";
    for (parent, a) in [
        (TWO, "pub struct X; #[cfg(test)] mod tests { use crate::b::Y; }"),
        (TWO, "pub struct X; #[cfg(test)] use crate::b::Y;"),
        (TWO, "pub struct X; impl X { #[cfg(all(test, unix))] fn f() { crate::b::g() } }"),
        (TWO, "pub struct X; fn f() { #[cfg(test)] crate::b::g(); }"),
        (TWO, "pub struct X; #[cfg(test)] mod fake;"),
        (own, "pub struct X; use crate::N;"),
        (own, "pub struct X; fn f() { super::b() }"),
        (TWO, "pub struct X; use b::Y; fn f() { other::b::g(); x.b() }"),
        (TWO, "//! As [`crate::b::Y`] does.\npub struct X; // crate::b\nconst S: &str = \"crate::b::Y\";"),
    ] {
        assert_none(&[("lib.rs", parent), ("a.rs", a), ("a/fake.rs", "use crate::b::Y;"), b]);
    }
    let counted = "pub struct X; #[cfg(feature = \"testing\")] use crate::b::Y;";
    assert_circle(&[("lib.rs", TWO), ("a.rs", counted), b], "a, b", &[]);
}
