//! The memory cut into segments (`cut`), and put together again (`assembly`); this module holds their common part: the
//! place of a segment. Pure: reading and writing is in `table`.

mod assembly;
mod cut;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use guard_core::baseline::Profile;
use guard_core::inventory::Function;
use guard_core::ledger::{BudgetLedger, FunctionLedger, WeekShape};
use guard_core::name::{BudgetName, FunctionName};
use serde::{Deserialize, Serialize};

use crate::memory::{KnownPolicy, Memory};

pub(super) use self::assembly::Assembly;
pub(super) use self::cut::cut;

/// Budgets whose books stay with the rest, because their rings of minutes change at every tick anyway.
const BOOKS_INLINE_MAX: usize = 16;
/// Buckets of functions that share a partition key: a partition takes 1,000 write units a second ("DynamoDB partition
/// key design", read 2026-11), and a census of 10,000 functions writes some 10,000.
const BUCKETS_PER_SHARD: u32 = 64;

/// The content of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Kind {
    /// Ledgers of functions.
    #[serde(rename = "F")]
    Ledgers,
    /// The known configuration of functions, and since when it is known.
    #[serde(rename = "I")]
    Inventory,
    /// The halves of budgets' books that change once an hour: the ordinary amounts.
    #[serde(rename = "O")]
    Ordinary,
    /// The other halves, if there are many.
    #[serde(rename = "B")]
    Books,
    /// The last valid policy.
    #[serde(rename = "P")]
    Policy,
    /// The rest, if it is too large for the head.
    #[serde(rename = "R")]
    Rest,
}

impl Kind {
    const fn letter(self) -> char {
        match self {
            Kind::Ledgers => 'F',
            Kind::Inventory => 'I',
            Kind::Ordinary => 'O',
            Kind::Books => 'B',
            Kind::Policy => 'P',
            Kind::Rest => 'R',
        }
    }

    const fn is_of_functions(self) -> bool {
        matches!(self, Kind::Ledgers | Kind::Inventory)
    }
}

/// The place of a segment, whatever its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot(pub(super) Kind, pub(super) u32);

/// The save that wrote an item: no two saves have both values in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) revision: u64,
    pub(super) nonce: Arc<str>,
}

/// Where the present version of a segment is: its save, and the number of its items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pointer(u64, Arc<str>, u32);

/// Key of an item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// Which of the guard's partition keys.
    pub(super) shard: u32,
    pub(super) sort: String,
}

/// The head's list of its segments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Directory {
    /// Functions known.
    pub(super) functions: usize,
    function_buckets: u32,
    budget_buckets: u32,
    segments: BTreeMap<Kind, BTreeMap<u32, Pointer>>,
}

impl Directory {
    /// Partition keys that hold segments: first the one with all data that is not kept per function.
    pub(super) fn shards(&self) -> Range<u32> {
        0..1 + self.function_buckets.div_ceil(BUCKETS_PER_SHARD)
    }

    fn pointers(&self) -> impl Iterator<Item = (Slot, &Pointer)> {
        self.segments.iter().flat_map(|(kind, buckets)| {
            buckets.iter().map(|(bucket, pointer)| (Slot(*kind, *bucket), pointer))
        })
    }

    fn pointer(&self, Slot(kind, bucket): Slot) -> Option<&Pointer> {
        self.segments.get(&kind)?.get(&bucket)
    }

    /// The segments of a shard, each with the sort keys of its items in order.
    pub(super) fn of_shard(&self, shard: u32) -> Vec<(Slot, Vec<String>)> {
        let here = self.pointers().filter(|(slot, _)| shard_of(*slot) == shard);
        here.map(|(slot, pointer)| (slot, keys(slot, pointer).map(|key| key.sort).collect())).collect()
    }
}

/// The memory saved or loaded last, for comparison at the next save.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) directory: Directory,
    digests: BTreeMap<Slot, u64>,
}

impl Base {
    /// A base without known contents of its segments: all of them are written anew.
    pub(super) fn of_directory(directory: Directory) -> Self {
        Base { directory, digests: BTreeMap::new() }
    }
}

/// The parts taken out of a memory, so that the rest is left.
#[derive(Debug, Default)]
struct Parts {
    ledgers: Vec<FunctionLedger>,
    functions: Vec<Function>,
    read_at: BTreeMap<FunctionName, DateTime<Utc>>,
    ordinary: BTreeMap<BudgetName, (Profile, WeekShape)>,
    books: BTreeMap<BudgetName, BudgetLedger>,
    policy: Option<KnownPolicy>,
}

impl Parts {
    fn apart(memory: &mut Memory) -> Self {
        let halves = memory.state.budgets.iter_mut().map(|(name, book)| {
            (name.clone(), (std::mem::take(&mut book.profile), std::mem::take(&mut book.shape)))
        });
        let ordinary: BTreeMap<_, _> = halves.collect();
        let are_many = ordinary.len() > BOOKS_INLINE_MAX;
        Parts {
            ledgers: std::mem::take(&mut memory.state.functions),
            functions: std::mem::take(&mut memory.survey.inventory.functions),
            read_at: std::mem::take(&mut memory.survey.read_at),
            ordinary,
            books: if are_many { std::mem::take(&mut memory.state.budgets) } else { BTreeMap::new() },
            policy: memory.policy.take(),
        }
    }

    fn together(self, memory: &mut Memory) {
        memory.state.functions = self.ledgers;
        memory.survey.inventory.functions = self.functions;
        memory.survey.read_at = self.read_at;
        memory.policy = self.policy;
        memory.state.budgets.extend(self.books);
        for (name, (profile, shape)) in self.ordinary {
            if let Some(book) = memory.state.budgets.get_mut(&name) {
                (book.profile, book.shape) = (profile, shape);
            }
        }
    }
}

/// The revision in a segment's sort key; `None` if it is not a segment's.
pub(super) fn revision_of(sort: &str) -> Option<u64> {
    let version = sort.strip_prefix(SEGMENT)?.split('#').nth(2)?;
    version.split('-').next()?.parse().ok()
}

/// The prefix of all segments' sort keys.
pub(super) const SEGMENT: &str = "S#";

/// `S#<kind>#<bucket>#<revision>-<nonce>#<part>`.
fn keys(slot: Slot, pointer: &Pointer) -> impl Iterator<Item = Key> + use<> {
    let Pointer(revision, nonce, parts) = pointer.clone();
    let stem = format!("{SEGMENT}{}#{:04}#{revision}-{nonce}", slot.0.letter(), slot.1);
    (0..parts).map(move |part| Key { shard: shard_of(slot), sort: format!("{stem}#{part}") })
}

fn shard_of(Slot(kind, bucket): Slot) -> u32 {
    if kind.is_of_functions() { 1 + bucket / BUCKETS_PER_SHARD } else { 0 }
}

/// Distinguishes contents within this process: it is never saved.
fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// Distinguishes the members of a bucket.
fn names_digest<'a>(names: impl Iterator<Item = &'a str>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for name in names {
        hasher.write(name.as_bytes());
        hasher.write_u8(0xff);
    }
    hasher.finish()
}
