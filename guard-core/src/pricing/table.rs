//! Reading the table and quoting from it. An unknown cell stays unknown; a quote fills it with the dearest price.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::{Currency, PriceItem, Quote, Tier};
use crate::inventory::Architecture;
use crate::money::Usd;
use crate::name::Region;

/// List prices by region and architecture, any of which may be unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceTable {
    rows: BTreeMap<(Region, Architecture), Row>,
}

/// The known prices of one region and architecture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) currency: Currency,
    pub(super) request: Option<Usd>,
    /// Empty if unknown; otherwise dearest tier first, the last without an end.
    pub(super) gb_second: Vec<Tier>,
    pub(super) ephemeral: Option<Usd>,
    pub(super) provisioned: Option<Usd>,
    pub(super) provisioned_duration: Option<Usd>,
}

/// Why a price list cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PriceError {
    /// The heading lacks a column.
    #[error("the price table has no column {column:?}")]
    MissingColumn {
        /// The column's name.
        column: &'static str,
    },
    /// A cell holds an unexpected value.
    #[error("line {line}, column {column:?}: {text:?} is not {expected}")]
    Cell {
        /// Line of the file, the heading being line 1.
        line: u64,
        /// The column's name.
        column: &'static str,
        /// The cell's text.
        text: String,
        /// The expected content.
        expected: &'static str,
    },
    /// The text is not CSV. Names the line itself.
    #[error("the price table is not CSV")]
    Csv(#[from] csv::Error),
    /// The bytes are not a price list in JSON. Names line and column itself.
    #[error("the price list is not the JSON expected")]
    Json(#[from] serde_json::Error),
    /// A price of the list cannot be read.
    #[error("product {sku} ({usagetype}): {text:?} is not {expected}")]
    Product {
        /// The product's SKU.
        sku: String,
        /// Its usage type.
        usagetype: String,
        /// The text found.
        text: String,
        /// The expected content.
        expected: &'static str,
    },
}

/// The table of November 2026: 38 regions × 2 architectures; each row names its source and how sure it is.
const EMBEDDED: &str = include_str!("../../data/lambda-prices.csv");

static TABLE: LazyLock<PriceTable> = LazyLock::new(|| PriceTable::from_csv(EMBEDDED).unwrap_or_default());

const COLUMNS: [&str; 12] = [
    "region",
    "arch",
    "request_usd_per_million",
    "gb_second_tier1",
    "gb_second_tier2",
    "gb_second_tier3",
    "tier1_upto_gbs",
    "tier2_upto_gbs",
    "ephemeral_gb_second",
    "pc_gb_second",
    "pc_duration_gb_second",
    "currency",
];

impl PriceTable {
    /// The table that ships with the product: list prices as of November 2026.
    pub fn embedded() -> &'static PriceTable {
        &TABLE
    }

    /// Reads a table from CSV with a heading; further columns are ignored, an empty cell is an unknown price.
    /// The request price is per million; its column keeps the name `…usd…` in the Chinese regions, too.
    ///
    /// # Errors
    /// If a column is missing, or a cell is neither empty nor of the expected form.
    pub fn from_csv(text: &str) -> Result<Self, PriceError> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let headers = reader.headers()?.clone();
        let mut positions = [0_usize; COLUMNS.len()];
        for (position, column) in positions.iter_mut().zip(COLUMNS) {
            let found = headers.iter().position(|header| header == column);
            *position = found.ok_or(PriceError::MissingColumn { column })?;
        }
        let mut table = PriceTable::default();
        for record in reader.records() {
            let record = record?;
            let line = record.position().map_or(0, csv::Position::line);
            let cells = Cells { record: &record, positions: &positions, line };
            let region = Region::new(cells.text(0));
            table.rows.insert((region, cells.architecture()?), cells.row()?);
        }
        Ok(table)
    }

    /// This table, with every price that `newer` knows replacing its own: a list read at run time refreshes the
    /// embedded one.
    #[must_use]
    pub fn overlaid_with(mut self, newer: &PriceTable) -> PriceTable {
        for (key, row) in &newer.rows {
            self.rows.entry(key.clone()).or_default().overlay(row);
        }
        self
    }

    /// The regions listed, ascending, whether or not their prices are known.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        let x86 = self.rows.keys().filter(|(_, architecture)| *architecture == Architecture::X86_64);
        let arm_only = self.rows.keys().filter(|(region, architecture)| {
            *architecture == Architecture::Arm64
                && !self.rows.contains_key(&(region.clone(), Architecture::X86_64))
        });
        let mut regions: Vec<&Region> = x86.chain(arm_only).map(|(region, _)| region).collect();
        regions.sort();
        regions.into_iter()
    }

    /// A region's prices. Never fails: an unknown price is filled with the dearest known one for the item, architecture
    /// and currency, without volume discount, and named in [`Quote::unknown`]. If the currency has none, the price of
    /// duration is used, which exceeds those of storage and provisioned concurrency everywhere.
    pub fn quote(&self, region: &Region, architecture: Architecture) -> Quote {
        let absent = Row { currency: currency_of(region), ..Row::default() };
        let row = self.rows.get(&(region.clone(), architecture)).unwrap_or(&absent);
        let mut unknown = Vec::new();
        let dearest = |item| {
            let own = self.dearest(item, architecture, row.currency);
            own.or_else(|| TABLE.dearest(item, architecture, row.currency))
        };
        let mut fill = |item, known: Option<Usd>, last_resort: Usd| {
            known.unwrap_or_else(|| {
                unknown.push(item);
                dearest(item).unwrap_or(last_resort)
            })
        };
        let request = fill(PriceItem::Request, row.request, Usd::ZERO);
        let first = fill(PriceItem::GbSecond, row.price(PriceItem::GbSecond), Usd::ZERO);
        let ephemeral = fill(PriceItem::EphemeralGbSecond, row.ephemeral, first);
        let provisioned = fill(PriceItem::ProvisionedGbSecond, row.provisioned, first);
        let provisioned_duration =
            fill(PriceItem::ProvisionedDurationGbSecond, row.provisioned_duration, first);
        let flat = || vec![Tier { upto_gb_s: None, price: first }];
        Quote {
            request,
            gb_second: if row.gb_second.is_empty() { flat() } else { row.gb_second.clone() },
            ephemeral_gb_second: ephemeral,
            provisioned_gb_second: provisioned,
            provisioned_duration_gb_second: provisioned_duration,
            currency: row.currency,
            unknown,
        }
    }

    pub(super) fn row_mut(&mut self, region: &str, architecture: Architecture) -> &mut Row {
        self.rows.entry((Region::new(region), architecture)).or_default()
    }

    fn dearest(&self, item: PriceItem, architecture: Architecture, currency: Currency) -> Option<Usd> {
        let same =
            self.rows.iter().filter(|((_, other), row)| *other == architecture && row.currency == currency);
        same.filter_map(|(_, row)| row.price(item)).max()
    }
}

/// The currency of a region that the table does not list.
fn currency_of(region: &Region) -> Currency {
    if region.as_str().starts_with("cn-") { Currency::Cny } else { Currency::Usd }
}

impl Row {
    /// The price of an item; for duration, that of the first tier.
    fn price(&self, item: PriceItem) -> Option<Usd> {
        match item {
            PriceItem::Request => self.request,
            PriceItem::GbSecond => self.gb_second.first().map(|tier| tier.price),
            PriceItem::EphemeralGbSecond => self.ephemeral,
            PriceItem::ProvisionedGbSecond => self.provisioned,
            PriceItem::ProvisionedDurationGbSecond => self.provisioned_duration,
        }
    }

    fn overlay(&mut self, newer: &Row) {
        self.currency = newer.currency;
        self.request = newer.request.or(self.request);
        self.ephemeral = newer.ephemeral.or(self.ephemeral);
        self.provisioned = newer.provisioned.or(self.provisioned);
        self.provisioned_duration = newer.provisioned_duration.or(self.provisioned_duration);
        if !newer.gb_second.is_empty() {
            self.gb_second.clone_from(&newer.gb_second);
        }
    }
}

/// One line of the CSV, read by the numbers of [`COLUMNS`].
struct Cells<'a> {
    record: &'a csv::StringRecord,
    positions: &'a [usize; COLUMNS.len()],
    line: u64,
}

impl Cells<'_> {
    fn text(&self, column: usize) -> &str {
        let position = self.positions.get(column).copied().unwrap_or(usize::MAX);
        self.record.get(position).unwrap_or("").trim()
    }

    fn error(&self, column: usize, expected: &'static str) -> PriceError {
        let name = COLUMNS.get(column).copied().unwrap_or("");
        PriceError::Cell { line: self.line, column: name, text: self.text(column).to_owned(), expected }
    }

    fn architecture(&self) -> Result<Architecture, PriceError> {
        match self.text(1) {
            "x86_64" => Ok(Architecture::X86_64),
            "arm64" => Ok(Architecture::Arm64),
            _ => Err(self.error(1, "x86_64 or arm64")),
        }
    }

    fn price(&self, column: usize) -> Result<Option<Usd>, PriceError> {
        if self.text(column).is_empty() {
            return Ok(None);
        }
        let price = self.text(column).parse::<Usd>().ok().filter(|price| *price >= Usd::ZERO);
        price.map(Some).ok_or_else(|| self.error(column, "a price"))
    }

    /// The tiers up to the first empty price; a later price needs to know where it begins.
    fn tiers(&self) -> Result<Vec<Tier>, PriceError> {
        let mut tiers: Vec<Tier> = Vec::new();
        for (column, begin_column) in [(3, None), (4, Some(6)), (5, Some(7))] {
            let Some(price) = self.price(column)? else { break };
            if let (Some(begin), Some(last)) = (begin_column, tiers.last_mut()) {
                let upto =
                    self.text(begin).parse().map_err(|_| self.error(begin, "a number of GB-seconds"))?;
                last.upto_gb_s = Some(upto);
            }
            tiers.push(Tier { upto_gb_s: None, price });
        }
        let ends: Vec<u64> = tiers.iter().filter_map(|tier| tier.upto_gb_s).collect();
        if ends.is_sorted_by(|a, b| a < b) {
            Ok(tiers)
        } else {
            Err(self.error(7, "above the end of tier 1"))
        }
    }

    fn row(&self) -> Result<Row, PriceError> {
        let currency = match self.text(11) {
            "USD" => Currency::Usd,
            "CNY" => Currency::Cny,
            _ => return Err(self.error(11, "USD or CNY")),
        };
        Ok(Row {
            currency,
            request: self.price(2)?.map(|per_million| per_million.mul_div_up(1, 1_000_000)),
            gb_second: self.tiers()?,
            ephemeral: self.price(8)?,
            provisioned: self.price(9)?,
            provisioned_duration: self.price(10)?,
        })
    }
}
