//! A memory cut into segments, of which only the changed ones are written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use guard_core::inventory::Function;
use guard_core::ledger::FunctionLedger;
use guard_core::name::{BudgetName, FunctionName};
use serde::Serialize;

use super::super::pack::{self, Damaged};
use super::{Base, Directory, Key, Kind, Parts, Pointer, Slot, Version, digest, keys, names_digest};
use crate::memory::{KnownPolicy, Memory};

/// Functions to a bucket on average. Our choice: a function that was looked at is rewritten with its neighbours, and
/// every bucket takes some eight bytes of the head.
const FUNCTIONS_PER_BUCKET: usize = 4;
/// Buckets of functions at least and at most: the directory of 1,024 is some 15 KB, written at every tick.
const FUNCTION_BUCKETS: (usize, usize) = (16, 1024);
/// Buckets of budgets at least and at most.
const BUDGET_BUCKETS: (usize, usize) = (1, 256);
/// Compressed bytes of the rest up to which it stays in the head. With the directory the head stays under 300 KB, of
/// the 400 KB that an item may have ("DynamoDB quotas", read 2026-11).
const REST_INLINE_MAX: usize = 200_000;
/// Compressed bytes of one item of a segment; a longer segment takes several.
const PART_MAX: usize = 300_000;

/// A memory ready to be written.
#[derive(Debug)]
pub(crate) struct Cut {
    /// The directory, packed.
    pub(crate) directory: Vec<u8>,
    /// The rest, packed; `None` if it is a segment.
    pub(crate) rest: Option<Vec<u8>>,
    /// New items.
    pub(crate) writes: Vec<(Key, Vec<u8>)>,
    /// Items that the new head no longer points to.
    pub(crate) replaced: Vec<Key>,
    /// The base after this save, once it is committed.
    pub(crate) base: Base,
}

/// Cuts a memory for the save `version`. The memory is the same afterwards.
///
/// # Errors
/// If a part of it cannot be written as JSON.
pub(crate) fn cut(
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

/// A segment of the inventory, to write.
#[derive(Default, Serialize)]
struct InventoryRef<'a> {
    functions: Vec<&'a Function>,
    read_at: BTreeMap<&'a FunctionName, &'a DateTime<Utc>>,
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

    /// Records all segments, and packs the changed ones.
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

    /// Segments that are distinguished by their contents.
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

    /// Whether the names are still in the same buckets.
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

    /// The remaining memory: for the head, or for a segment if it is too large.
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

/// The number of buckets for the given number of names: a power of two, kept unless it is too small or four times too
/// large, so that adding or removing one function never moves everything twice.
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
