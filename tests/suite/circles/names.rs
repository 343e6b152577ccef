//! Every path that a module writes: in declarations, types, expressions and patterns, within macros, and as text within
//! attributes.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ImplItem, Item, ItemUse, Macro, Meta, Path, Stmt, TraitItem, UseTree};

use super::tree::is_of_tests;

/// A path as it is written.
#[derive(Clone, Debug)]
pub(super) struct Named {
    /// Its parts, without arguments; the first is empty where the path begins with `::`.
    pub(super) parts: Vec<String>,
    /// Where it begins.
    pub(super) line: usize,
    /// Whether its last part may be a module: only a `use` and an attribute can name one.
    pub(super) may_be_module: bool,
}

/// What a `use` brings into a module.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    /// The name it has here; none if everything is brought.
    pub(super) name: Option<String>,
    /// What is brought.
    pub(super) parts: Vec<String>,
}

/// What these items name, and what they bring into their module.
pub(super) fn of(items: &[Item]) -> (Vec<Named>, Vec<Binding>) {
    let mut names = Names { named: Vec::new(), bindings: Vec::new() };
    for item in items {
        names.visit_item(item);
    }
    (names.named, names.bindings)
}

struct Names {
    named: Vec<Named>,
    bindings: Vec<Binding>,
}

impl Names {
    fn tree(&mut self, before: &[String], tree: &UseTree) {
        match tree {
            UseTree::Path(path) => self.tree(&[before, &[path.ident.to_string()]].concat(), &path.tree),
            UseTree::Name(name) => self.brought(before, &name.ident, Some(&name.ident)),
            UseTree::Rename(rename) => self.brought(before, &rename.ident, Some(&rename.rename)),
            UseTree::Glob(glob) => {
                self.named.push(Named {
                    parts: before.to_vec(),
                    line: glob.star_token.spans[0].start().line,
                    may_be_module: true,
                });
                self.bindings.push(Binding { name: None, parts: before.to_vec() });
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(before, tree);
                }
            }
        }
    }

    fn brought(&mut self, before: &[String], ident: &syn::Ident, name: Option<&syn::Ident>) {
        let parts = match before {
            [.., _] if ident == "self" => before.to_vec(),
            _ => [before, &[ident.to_string()]].concat(),
        };
        let name = name.filter(|name| *name != "_").map(ToString::to_string);
        let name =
            if ident == "self" && name.as_deref() == Some("self") { parts.last().cloned() } else { name };
        let line = ident.span().start().line;
        self.named.push(Named { parts: parts.clone(), line, may_be_module: true });
        if let Some(name) = name {
            self.bindings.push(Binding { name: Some(name), parts });
        }
    }

    /// Paths of a macro's arguments, which are not parsed: parts with `::` between them.
    fn tokens(&mut self, tokens: TokenStream, is_attribute: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let is = |place: usize, mark: char| matches!(tokens.get(place), Some(TokenTree::Punct(found)) if found.as_char() == mark);
        let mut place = 0;
        while let Some(token) = tokens.get(place) {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream(), is_attribute),
                TokenTree::Literal(literal) if is_attribute => self.text(literal),
                TokenTree::Ident(first) => {
                    let continues = place > 0
                        && (is(place - 1, '.') || (place > 1 && is(place - 1, ':') && is(place - 2, ':')));
                    let mut parts = vec![first.to_string()];
                    while is(place + 1, ':') && is(place + 2, ':') {
                        let Some(TokenTree::Ident(next)) = tokens.get(place + 3) else { break };
                        parts.push(next.to_string());
                        place += 3;
                    }
                    if !continues && parts.len() > 1 {
                        let line = first.span().start().line;
                        self.named.push(Named { parts, line, may_be_module: is_attribute });
                    }
                }
                _ => {}
            }
            place += 1;
        }
    }

    /// A path in quotes, as serde's attributes have them.
    fn text(&mut self, literal: &proc_macro2::Literal) {
        let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) else { return };
        let Ok(path) = text.parse::<Path>() else { return };
        self.path(&path, literal.span().start().line, true);
    }

    fn path(&mut self, path: &Path, line: usize, may_be_module: bool) {
        let outside = path.leading_colon.map(|_| String::new());
        let parts = path.segments.iter().map(|segment| segment.ident.to_string());
        self.named.push(Named { parts: outside.into_iter().chain(parts).collect(), line, may_be_module });
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast Item) {
        let of_tests = match item {
            // A module of its own: the tree reads it.
            Item::Mod(_) => true,
            Item::Const(item) => is_of_tests(&item.attrs),
            Item::Enum(item) => is_of_tests(&item.attrs),
            Item::Fn(item) => is_of_tests(&item.attrs),
            Item::Impl(item) => is_of_tests(&item.attrs),
            Item::Macro(item) => is_of_tests(&item.attrs),
            Item::Static(item) => is_of_tests(&item.attrs),
            Item::Struct(item) => is_of_tests(&item.attrs),
            Item::Trait(item) => is_of_tests(&item.attrs),
            Item::Type(item) => is_of_tests(&item.attrs),
            Item::Use(item) => is_of_tests(&item.attrs),
            _ => false,
        };
        if !of_tests {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let of_tests = match item {
            ImplItem::Const(item) => is_of_tests(&item.attrs),
            ImplItem::Fn(item) => is_of_tests(&item.attrs),
            ImplItem::Type(item) => is_of_tests(&item.attrs),
            _ => false,
        };
        if !of_tests {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        if !matches!(item, TraitItem::Fn(item) if is_of_tests(&item.attrs)) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !is_of_tests(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        if !is_of_tests(&variant.attrs) {
            visit::visit_variant(self, variant);
        }
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if !is_of_tests(&arm.attrs) {
            visit::visit_arm(self, arm);
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        let of_tests = match statement {
            Stmt::Local(local) => is_of_tests(&local.attrs),
            Stmt::Macro(call) => is_of_tests(&call.attrs),
            Stmt::Expr(Expr::Call(call), _) => is_of_tests(&call.attrs),
            Stmt::Expr(Expr::Block(block), _) => is_of_tests(&block.attrs),
            Stmt::Expr(Expr::MethodCall(call), _) => is_of_tests(&call.attrs),
            _ => false,
        };
        if !of_tests {
            visit::visit_stmt(self, statement);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let outside = item.leading_colon.map(|_| String::new());
        self.tree(outside.as_slice(), &item.tree);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let line = path.segments.first().map_or(0, |first| first.ident.span().start().line);
        self.path(path, line, false);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.visit_path(&call.path);
        self.tokens(call.tokens.clone(), false);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        match &attribute.meta {
            Meta::List(list) => self.tokens(list.tokens.clone(), true),
            Meta::Path(path) => self.visit_path(path),
            Meta::NameValue(_) => {}
        }
    }
}
