//! Which modules need which, and where that leads back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::names::Named;
use super::tree::{Module, Place};

/// One path that makes a module need another.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    path: String,
    file: String,
    line: usize,
    /// How many more there are.
    more: usize,
}

/// What needs what, two children of the same module each, and why.
pub(super) type Edges = BTreeMap<(Place, Place), Evidence>;

/// Modules each of which needs, in the end, all others of them.
#[derive(Debug)]
pub(super) struct Circle {
    members: BTreeSet<Place>,
    edges: Edges,
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members: Vec<String> = self.members.iter().map(|place| place.join("::")).collect();
        writeln!(f, "{}", members.join(", "))?;
        for ((from, to), evidence) in &self.edges {
            let Evidence { path, file, line, more } = evidence;
            write!(f, "  {} needs {}: `{path}` at {file}:{line}", from.join("::"), to.join("::"))?;
            writeln!(f, "{}", if *more > 0 { format!(", and {more} more") } else { String::new() })?;
        }
        Ok(())
    }
}

/// Every circle, the outermost first.
pub(super) fn circles(modules: &BTreeMap<Place, Module>) -> Vec<Circle> {
    let edges = edges(modules);
    let reached: BTreeMap<&Place, BTreeSet<&Place>> =
        modules.keys().map(|place| (place, reached(&edges, place))).collect();
    let mut found: Vec<Circle> = Vec::new();
    for (place, beyond) in &reached {
        let known = found.iter().any(|circle| circle.members.contains(*place));
        if known || !beyond.contains(place) {
            continue;
        }
        let members: BTreeSet<Place> = beyond
            .iter()
            .filter(|other| reached[*other].contains(place))
            .map(|other| (*other).clone())
            .collect();
        let within = |(from, to): &(Place, Place)| members.contains(from) && members.contains(to);
        let edges = edges.iter().filter(|(edge, _)| within(edge));
        let edges = edges.map(|(edge, evidence)| (edge.clone(), evidence.clone())).collect();
        found.push(Circle { members, edges });
    }
    found.sort_by_key(|circle| circle.members.first().map(Vec::len));
    found
}

/// What is needed by this module, and by what it needs, and so on.
fn reached<'a>(edges: &'a Edges, from: &Place) -> BTreeSet<&'a Place> {
    let mut found = BTreeSet::new();
    let mut next = vec![from];
    while let Some(place) = next.pop() {
        for ((_, to), _) in edges.iter().filter(|((from, _), _)| from == place) {
            if found.insert(to) {
                next.push(to);
            }
        }
    }
    found
}

/// What needs what.
pub(super) fn edges(modules: &BTreeMap<Place, Module>) -> Edges {
    let mut edges = Edges::new();
    for (place, module) in modules {
        for named in &module.named {
            let ends: BTreeSet<_> =
                passed(modules, place, named).iter().filter_map(|end| between(place, end)).collect();
            for edge in ends {
                let path = named.parts.join("::");
                let evidence = Evidence { path, file: module.file.clone(), line: named.line, more: 0 };
                edges.entry(edge).and_modify(|known: &mut Evidence| known.more += 1).or_insert(evidence);
            }
        }
    }
    edges
}

/// The two children of the nearest common ancestor, unless one of the two is that ancestor.
fn between(from: &Place, to: &Place) -> Option<(Place, Place)> {
    let shared = from.iter().zip(to).take_while(|(from, to)| from == to).count();
    let child = |place: &Place| place.get(..=shared).map(<[String]>::to_vec);
    child(from).zip(child(to))
}

/// Every module that a path leads through.
fn passed(modules: &BTreeMap<Place, Module>, place: &Place, named: &Named) -> Vec<Place> {
    let mut walk = Walk { modules, passed: Vec::new(), under_way: Vec::new() };
    walk.path(place, &named.parts, named.may_be_module);
    walk.passed
}

struct Walk<'a> {
    modules: &'a BTreeMap<Place, Module>,
    passed: Vec<Place>,
    /// Names that are being looked up: a name can stand for a path that begins with itself.
    under_way: Vec<(Place, String)>,
}

enum Found {
    Module(Place),
    /// Something that is no module: further parts are its own.
    Item,
}

impl Walk<'_> {
    /// Follows a path that is written in this module.
    fn path(&mut self, place: &Place, parts: &[String], may_be_module: bool) -> Option<Found> {
        let mut at = place.clone();
        for (number, part) in parts.iter().enumerate() {
            let is_last = number + 1 == parts.len();
            match part.as_str() {
                "crate" if number == 0 => at.clear(),
                "self" if number == 0 => {}
                "super" => _ = at.pop(),
                _ => match self.part(&at, part, may_be_module || !is_last)? {
                    Found::Module(found) => at = found,
                    Found::Item => return Some(Found::Item),
                },
            }
            self.passed.push(at.clone());
        }
        Some(Found::Module(at))
    }

    /// Looks a name up in a module.
    fn part(&mut self, at: &Place, part: &str, may_be_module: bool) -> Option<Found> {
        let module = self.modules.get(at)?;
        let below = [&at[..], &[part.to_owned()]].concat();
        if may_be_module && self.modules.contains_key(&below) {
            // A function may have the name of the module that it comes from.
            return Some(Found::Module(below));
        }
        if module.defined.contains(part) {
            return Some(Found::Item);
        }
        let key = (at.clone(), part.to_owned());
        if self.under_way.contains(&key) {
            return None;
        }
        self.under_way.push(key);
        let named = module.bindings.iter().filter(|binding| binding.name.as_deref() == Some(part));
        let mut found = None;
        for binding in named {
            found = self.path(at, &binding.parts, true).or(found);
        }
        for binding in module.bindings.iter().filter(|binding| binding.name.is_none()) {
            if found.is_some() {
                break;
            }
            let before = self.passed.len();
            let whole = self.path(at, &binding.parts, true);
            let Some(Found::Module(whole)) = whole else { continue };
            found = self.part(&whole, part, may_be_module);
            if found.is_none() {
                self.passed.truncate(before);
            }
        }
        self.under_way.pop();
        found
    }
}
