//! The modules of a crate as its sources declare them, without those of tests.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Attribute, Item, ItemMod, Meta, Token, punctuated::Punctuated};

use super::names::{self, Binding, Named};

/// Files by name, `/` between folders.
pub(super) type Sources = BTreeMap<String, String>;

/// The names of the modules from the crate's root; the root itself is empty.
pub(super) type Place = Vec<String>;

/// One module, without those below it.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// The file that it is written in.
    pub(super) file: String,
    /// What is defined here itself.
    pub(super) defined: BTreeSet<String>,
    /// What `use` brings here, by the name that it has here.
    pub(super) bindings: Vec<Binding>,
    /// Every path that is written here.
    pub(super) named: Vec<Named>,
}

/// The modules of the crate with this root file.
pub(super) fn read(sources: &Sources, root: &str) -> BTreeMap<Place, Module> {
    let mut modules = BTreeMap::new();
    let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
    read_file(sources, root, folder, Vec::new(), &mut modules);
    modules
}

fn read_file(
    sources: &Sources,
    file: &str,
    folder: &str,
    place: Place,
    modules: &mut BTreeMap<Place, Module>,
) {
    let text = sources.get(file).unwrap_or_else(|| panic!("{file} is declared and missing"));
    let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
    read_items(sources, file, folder, place, &parsed.items, modules);
}

fn read_items(
    sources: &Sources,
    file: &str,
    folder: &str,
    place: Place,
    items: &[Item],
    modules: &mut BTreeMap<Place, Module>,
) {
    let (named, bindings) = names::of(items);
    let defined = items.iter().filter_map(defined).collect();
    modules.insert(place.clone(), Module { file: file.to_owned(), defined, bindings, named });
    for item in items {
        let Item::Mod(module) = item else { continue };
        if is_of_tests(&module.attrs) || module.ident == "tests" {
            continue;
        }
        let name = module.ident.to_string();
        let below = joined(folder, &name);
        let place = [&place[..], &[name]].concat();
        match &module.content {
            Some((_, items)) => read_items(sources, file, &below, place, items, modules),
            None => read_file(sources, &file_of(sources, module, folder), &below, place, modules),
        }
    }
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn file_of(sources: &Sources, module: &ItemMod, folder: &str) -> String {
    let moved = module.attrs.iter().any(|attribute| attribute.path().is_ident("path"));
    assert!(!moved, "`#[path]` on {}: this reader does not follow it", module.ident);
    let below = joined(folder, &module.ident.to_string());
    let file = format!("{below}.rs");
    if sources.contains_key(&file) { file } else { format!("{below}/mod.rs") }
}

fn defined(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

/// Whether what bears these attributes exists in tests only.
pub(super) fn is_of_tests(attributes: &[Attribute]) -> bool {
    let conditions = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    conditions.filter_map(|condition| condition.parse_args::<Meta>().ok()).any(|meta| asks_for_tests(&meta))
}

fn asks_for_tests(condition: &Meta) -> bool {
    let all = |list: &syn::MetaList| list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => {
            all(list).is_ok_and(|parts| parts.iter().any(asks_for_tests))
        }
        Meta::List(list) if list.path.is_ident("any") => {
            all(list).is_ok_and(|parts| !parts.is_empty() && parts.iter().all(asks_for_tests))
        }
        _ => false,
    }
}
