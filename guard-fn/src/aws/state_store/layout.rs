//! The memory cut into segments, and put together again. Pure: what is written and read is in `table`.
//! One file because cutting and putting together must agree, key by key.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher};
use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use guard_core::baseline::Profile;
use guard_core::inventory::Function;
use guard_core::ledger::{BudgetLedger, FunctionLedger, WeekShape};
use guard_core::name::{BudgetName, FunctionName};
use serde::{Deserialize, Serialize};

use super::pack::{self, Damaged};
use crate::memory::{KnownPolicy, Memory};

/// Functions to a bucket on average. Our choice: a function that was looked at is rewritten with its neighbours, and
/// every bucket takes some eight bytes of the head.
const FUNCTIONS_PER_BUCKET: usize = 4;
/// Buckets of functions at least and at most: the directory of 1,024 is some 15 KB, written at every tick.
const FUNCTION_BUCKETS: (usize, usize) = (16, 1024);
/// Buckets of budgets at least and at most.
const BUDGET_BUCKETS: (usize, usize) = (1, 256);
/// Budgets whose books stay with the rest, because their rings of minutes change at every tick anyway.
const BOOKS_INLINE_MAX: usize = 16;
/// Compressed bytes of the rest up to which it stays in the head. With the directory the head stays under 300 KB, of
/// the 400 KB that an item may have ("DynamoDB quotas", read 2026-11).
const REST_INLINE_MAX: usize = 200_000;
/// Compressed bytes of one item of a segment; a longer segment takes several.
const PART_MAX: usize = 300_000;
/// Buckets of functions that share a partition key: a partition takes 1,000 write units a second ("DynamoDB partition
/// key design", read 2026-11), and a census of 10,000 functions writes some 10,000.
const BUCKETS_PER_SHARD: u32 = 64;

/// What a segment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Kind {
    /// Ledgers of functions.
    #[serde(rename = "F")]
    Ledgers,
    /// What is known of functions' configuration, and since when.
    #[serde(rename = "I")]
    Inventory,
    /// The halves of budgets' books that change once an hour: what is ordinary.
    #[serde(rename = "O")]
    Ordinary,
    /// The other halves, where there are many.
    #[serde(rename = "B")]
    Books,
    /// The last valid policy.
    #[serde(rename = "P")]
    Policy,
    /// The rest, where it is too large for the head.
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

/// The save that wrote something: no two have both in common.
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

/// What the head says of its segments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Directory {
    /// Functions known.
    pub(super) functions: usize,
    function_buckets: u32,
    budget_buckets: u32,
    segments: BTreeMap<Kind, BTreeMap<u32, Pointer>>,
}

impl Directory {
    /// Partition keys that hold segments: first the one that holds all that is not known function by function.
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

/// What was saved or loaded last: what the next save compares with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) directory: Directory,
    digests: BTreeMap<Slot, u64>,
}

impl Base {
    /// One whose segments' contents are not known: all of them are written anew.
    pub(super) fn of_directory(directory: Directory) -> Self {
        Base { directory, digests: BTreeMap::new() }
    }
}

/// A memory ready to be written.
#[derive(Debug)]
pub(super) struct Cut {
    /// The directory, packed.
    pub(super) directory: Vec<u8>,
    /// The rest, packed; `None` where it is a segment.
    pub(super) rest: Option<Vec<u8>>,
    /// Items that are new.
    pub(super) writes: Vec<(Key, Vec<u8>)>,
    /// Items that the new head points to no more.
    pub(super) replaced: Vec<Key>,
    /// What this save leaves, once it is committed.
    pub(super) base: Base,
}

/// Cuts a memory for the save `version`. It is the same afterwards.
///
/// # Errors
/// When something of it cannot be written as JSON.
pub(super) fn cut(
    memory: &mut Memory,
    touched: &BTreeSet<FunctionName>,
    base: &Base,
    version: &Version,
) -> Result<Cut, Damaged> {
    let before = std::mem::replace(&mut memory.state.revision, version.revision);
    let parts = Parts::apart(memory);
    let mut cutter = Cutter::new(base, version, &parts);
    let done = cutter.parts(&parts, touched).and_then(|()| cutter.rest(memory));
    parts.together(memory);
    memory.state.revision = before;
    let rest = done?;
    cutter.finish(rest)
}

/// What is taken out of a memory, so that what is left is the rest.
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

/// A segment of the inventory, to write.
#[derive(Default, Serialize)]
struct InventoryRef<'a> {
    functions: Vec<&'a Function>,
    read_at: BTreeMap<&'a FunctionName, &'a DateTime<Utc>>,
}

/// The same, read.
#[derive(Deserialize)]
struct InventoryPart {
    functions: Vec<Function>,
    read_at: BTreeMap<FunctionName, DateTime<Utc>>,
}

struct Cutter<'a> {
    base: &'a Base,
    version: &'a Version,
    next: Base,
    writes: Vec<(Key, Vec<u8>)>,
}

impl<'a> Cutter<'a> {
    fn new(base: &'a Base, version: &'a Version, parts: &Parts) -> Self {
        let functions = parts.ledgers.len().max(parts.functions.len());
        let before = &base.directory;
        let directory = Directory {
            functions: parts.functions.len(),
            function_buckets: buckets(functions, FUNCTION_BUCKETS, before.function_buckets),
            budget_buckets: buckets(parts.ordinary.len(), BUDGET_BUCKETS, before.budget_buckets),
            segments: BTreeMap::new(),
        };
        Cutter { base, version, next: Base::of_directory(directory), writes: Vec::new() }
    }

    /// Notes all segments, and packs those that are not as they were.
    fn parts(&mut self, parts: &Parts, touched: &BTreeSet<FunctionName>) -> Result<(), Damaged> {
        let functions = self.next.directory.function_buckets;
        let touched: BTreeSet<u32> = touched.iter().map(|name| bucket_of(name.as_str(), functions)).collect();
        let mut ledgers: BTreeMap<u32, Vec<&FunctionLedger>> = BTreeMap::new();
        for ledger in &parts.ledgers {
            ledgers.entry(bucket_of(ledger.name.as_str(), functions)).or_default().push(ledger);
        }
        for (bucket, ledgers) in ledgers {
            let digest = names_digest(ledgers.iter().map(|ledger| ledger.name.as_str()));
            self.segment(Slot(Kind::Ledgers, bucket), digest, touched.contains(&bucket), || {
                serde_json::to_vec(&ledgers)
            })?;
        }
        let mut inventory: BTreeMap<u32, InventoryRef<'_>> = BTreeMap::new();
        for function in &parts.functions {
            let bucket = bucket_of(function.name.as_str(), functions);
            inventory.entry(bucket).or_default().functions.push(function);
        }
        for (name, at) in &parts.read_at {
            inventory.entry(bucket_of(name.as_str(), functions)).or_default().read_at.insert(name, at);
        }
        self.digested(Kind::Inventory, &inventory)?;
        let budgets = self.next.directory.budget_buckets;
        self.digested(Kind::Ordinary, &by_name(&parts.ordinary, budgets))?;
        self.digested(Kind::Books, &by_name(&parts.books, budgets))?;
        let policy: BTreeMap<u32, &KnownPolicy> = parts.policy.iter().map(|policy| (0, policy)).collect();
        self.digested(Kind::Policy, &policy)
    }

    /// Segments that are told apart by their contents.
    fn digested<T: Serialize>(&mut self, kind: Kind, buckets: &BTreeMap<u32, T>) -> Result<(), Damaged> {
        for (bucket, content) in buckets {
            let json = serde_json::to_vec(content)?;
            self.segment(Slot(kind, *bucket), digest(&json), false, || Ok(json))?;
        }
        Ok(())
    }

    fn segment(
        &mut self,
        slot: Slot,
        digest: u64,
        is_touched: bool,
        json: impl FnOnce() -> Result<Vec<u8>, serde_json::Error>,
    ) -> Result<(), Damaged> {
        let before = self.base.directory.pointer(slot).filter(|_| {
            !is_touched && self.is_comparable(slot.0) && self.base.digests.get(&slot) == Some(&digest)
        });
        let pointer = match before {
            Some(pointer) => pointer.clone(),
            None => self.write(slot, &pack::pack(&json()?)?),
        };
        self.note(slot, pointer, digest);
        Ok(())
    }

    /// Whether names are in the buckets in which they were.
    fn is_comparable(&self, kind: Kind) -> bool {
        let (before, now) = (&self.base.directory, &self.next.directory);
        match kind {
            Kind::Policy | Kind::Rest => true,
            _ if kind.is_of_functions() => before.function_buckets == now.function_buckets,
            _ => before.budget_buckets == now.budget_buckets,
        }
    }

    fn write(&mut self, slot: Slot, packed: &[u8]) -> Pointer {
        let parts: Vec<&[u8]> = packed.chunks(PART_MAX).collect();
        let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        let pointer = Pointer(self.version.revision, Arc::clone(&self.version.nonce), count);
        self.writes.extend(keys(slot, &pointer).zip(parts.into_iter().map(<[u8]>::to_vec)));
        pointer
    }

    fn note(&mut self, slot: Slot, pointer: Pointer, digest: u64) {
        self.next.directory.segments.entry(slot.0).or_default().insert(slot.1, pointer);
        self.next.digests.insert(slot, digest);
    }

    /// What is left of the memory: for the head, or for a segment where it is too large.
    fn rest(&mut self, memory: &Memory) -> Result<Option<Vec<u8>>, Damaged> {
        let json = serde_json::to_vec(memory)?;
        let packed = pack::pack(&json)?;
        if packed.len() <= REST_INLINE_MAX {
            return Ok(Some(packed));
        }
        let slot = Slot(Kind::Rest, 0);
        let pointer = self.write(slot, &packed);
        self.note(slot, pointer, digest(&json));
        Ok(None)
    }

    fn finish(self, rest: Option<Vec<u8>>) -> Result<Cut, Damaged> {
        let (before, now) = (&self.base.directory, &self.next.directory);
        let replaced = before.pointers().filter(|(slot, pointer)| now.pointer(*slot) != Some(*pointer));
        let replaced = replaced.flat_map(|(slot, pointer)| keys(slot, pointer)).collect();
        let directory = pack::pack(&serde_json::to_vec(now)?)?;
        Ok(Cut { directory, rest, writes: self.writes, replaced, base: self.next })
    }
}

/// Segments read, on the way to a memory.
#[derive(Debug)]
pub(super) struct Assembly {
    parts: Parts,
    base: Base,
    rest: Option<Vec<u8>>,
}

impl Assembly {
    pub(super) fn new(directory: Directory) -> Self {
        Assembly { parts: Parts::default(), base: Base::of_directory(directory), rest: None }
    }

    /// Takes in a segment.
    ///
    /// # Errors
    /// When it is damaged.
    pub(super) fn take(&mut self, slot: Slot, packed: &[u8]) -> Result<(), Damaged> {
        let json = pack::unpack(packed)?;
        // Ledgers are told apart by their names, everything else by what it says.
        let known = match slot.0 {
            Kind::Ledgers => self.take_ledgers(&json)?,
            _ => digest(&json),
        };
        self.base.digests.insert(slot, known);
        match slot.0 {
            Kind::Ledgers => {}
            Kind::Inventory => {
                let part: InventoryPart = serde_json::from_slice(&json)?;
                self.parts.functions.extend(part.functions);
                self.parts.read_at.extend(part.read_at);
            }
            Kind::Ordinary => {
                let part: BTreeMap<BudgetName, (Profile, WeekShape)> = serde_json::from_slice(&json)?;
                self.parts.ordinary.extend(part);
            }
            Kind::Books => {
                let part: BTreeMap<BudgetName, BudgetLedger> = serde_json::from_slice(&json)?;
                self.parts.books.extend(part);
            }
            Kind::Policy => self.parts.policy = Some(serde_json::from_slice(&json)?),
            Kind::Rest => self.rest = Some(json),
        }
        Ok(())
    }

    fn take_ledgers(&mut self, json: &[u8]) -> Result<u64, Damaged> {
        let ledgers = FunctionLedger::read_all(json)?;
        let names = names_digest(ledgers.iter().map(|ledger| ledger.name.as_str()));
        self.parts.ledgers.extend(ledgers);
        Ok(names)
    }

    /// The memory, with the rest from the head where it is there.
    ///
    /// # Errors
    /// When the rest is missing or damaged.
    pub(super) fn finish(mut self, rest: Option<&[u8]>) -> Result<(Memory, Base), Damaged> {
        let rest = match (rest, self.rest.take()) {
            (Some(packed), _) => pack::unpack(packed)?,
            (None, Some(json)) => json,
            (None, None) => return Err(Damaged::Missing),
        };
        let mut memory: Memory = serde_json::from_slice(&rest)?;
        self.parts.ledgers.sort_by(|a, b| a.name.cmp(&b.name));
        self.parts.functions.sort_by(|a, b| a.name.cmp(&b.name));
        self.parts.together(&mut memory);
        Ok((memory, self.base))
    }
}

/// The revision in a segment's sort key; `None` where it is no segment's.
pub(super) fn revision_of(sort: &str) -> Option<u64> {
    let version = sort.strip_prefix(SEGMENT)?.split('#').nth(2)?;
    version.split('-').next()?.parse().ok()
}

/// What the sort keys of all segments begin with.
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

/// Buckets for so many names: a power of two, kept while it is not too small nor four times too large, so that a
/// function more or less never moves everything twice.
fn buckets(names: usize, (least, most): (usize, usize), before: u32) -> u32 {
    let wanted = (names / FUNCTIONS_PER_BUCKET).next_power_of_two().clamp(least, most);
    let wanted = u32::try_from(wanted).unwrap_or(1);
    if wanted > before || wanted.saturating_mul(4) <= before { wanted } else { before }
}

/// The bucket of a name: the same on every machine and in every version.
fn bucket_of(name: &str, buckets: u32) -> u32 {
    crc32fast::hash(name.as_bytes()) % buckets.max(1)
}

fn by_name<T>(all: &BTreeMap<BudgetName, T>, buckets: u32) -> BTreeMap<u32, BTreeMap<&BudgetName, &T>> {
    let mut grouped: BTreeMap<u32, BTreeMap<&BudgetName, &T>> = BTreeMap::new();
    for (name, value) in all {
        grouped.entry(bucket_of(name.as_str(), buckets)).or_default().insert(name, value);
    }
    grouped
}

/// Tells contents apart within this process: it is never saved.
fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// Tells the members of a bucket apart.
fn names_digest<'a>(names: impl Iterator<Item = &'a str>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for name in names {
        hasher.write(name.as_bytes());
        hasher.write_u8(0xff);
    }
    hasher.finish()
}
