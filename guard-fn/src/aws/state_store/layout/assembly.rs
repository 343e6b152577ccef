//! A memory put together from its segments.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use guard_core::baseline::Profile;
use guard_core::inventory::Function;
use guard_core::ledger::{BudgetLedger, FunctionLedger, WeekShape};
use guard_core::name::{BudgetName, FunctionName};
use serde::Deserialize;

use super::super::pack::{self, Damaged};
use super::{Base, Directory, Kind, Parts, Slot, digest, names_digest};
use crate::memory::Memory;

/// A segment of the inventory, read.
#[derive(Deserialize)]
struct InventoryPart {
    functions: Vec<Function>,
    read_at: BTreeMap<FunctionName, DateTime<Utc>>,
}

/// Segments read, on the way to a memory.
#[derive(Debug)]
pub(crate) struct Assembly {
    parts: Parts,
    base: Base,
    rest: Option<Vec<u8>>,
}

impl Assembly {
    pub(crate) fn new(directory: Directory) -> Self {
        Assembly { parts: Parts::default(), base: Base::of_directory(directory), rest: None }
    }

    /// Takes in a segment.
    ///
    /// # Errors
    /// When it is damaged.
    pub(crate) fn take(&mut self, slot: Slot, packed: &[u8]) -> Result<(), Damaged> {
        let json = pack::unpack(packed)?;
        // Ledgers are identified by their names, everything else by its content.
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

    /// The memory, with the rest from the head if it is there.
    ///
    /// # Errors
    /// If the rest is missing or damaged.
    pub(crate) fn finish(mut self, rest: Option<&[u8]>) -> Result<(Memory, Base), Damaged> {
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
