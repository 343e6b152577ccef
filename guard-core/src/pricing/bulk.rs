//! The AWS bulk price list (`offers/v1.0/aws/AWSLambda/current/…/index.json`): products by SKU, their price dimensions
//! by SKU and term. Only the items that the guard prices are read; anything else in the file is skipped.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::table::{PriceError, PriceTable, Row};
use super::{Currency, PriceItem, Tier};
use crate::inventory::Architecture;
use crate::money::Usd;

#[derive(Deserialize)]
struct Offer {
    products: BTreeMap<String, Product>,
    terms: Terms,
}

#[derive(Deserialize)]
struct Product {
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Default, Deserialize)]
struct Attributes {
    #[serde(default)]
    usagetype: String,
    #[serde(default, rename = "regionCode")]
    region_code: String,
}

#[derive(Deserialize)]
struct Terms {
    #[serde(default, rename = "OnDemand")]
    on_demand: BTreeMap<String, BTreeMap<String, Term>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Term {
    #[serde(default)]
    effective_date: String,
    #[serde(default)]
    price_dimensions: BTreeMap<String, Dimension>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dimension {
    #[serde(default)]
    begin_range: String,
    #[serde(default)]
    end_range: String,
    #[serde(default)]
    price_per_unit: BTreeMap<String, String>,
}

impl PriceTable {
    /// Reads the AWS bulk price list of `AWSLambda`, of one region or of all of them
    /// (`offers/v1.0/aws/AWSLambda/current/[region/]index.json`). Products other than requests, duration, ephemeral
    /// storage and provisioned concurrency of the `AWS Region`s are skipped.
    ///
    /// # Errors
    /// If the bytes are not such a list or a price in it is not a decimal number.
    pub fn from_bulk_json(bytes: &[u8]) -> Result<Self, PriceError> {
        read(bytes)
    }
}

fn read(bytes: &[u8]) -> Result<PriceTable, PriceError> {
    let offer: Offer = serde_json::from_slice(bytes)?;
    let mut table = PriceTable::default();
    for (sku, product) in &offer.products {
        let Attributes { usagetype, region_code } = &product.attributes;
        let (Some((item, architecture)), false) = (item_of(usagetype), region_code.is_empty()) else {
            continue;
        };
        let terms = offer.terms.on_demand.get(sku);
        let Some(term) = terms.and_then(|all| all.values().max_by_key(|term| &term.effective_date)) else {
            continue;
        };
        let Some((currency, tiers)) = (Reader { sku, usagetype }).tiers(term)? else { continue };
        let row = table.row_mut(region_code, architecture);
        row.currency = currency;
        row.set(item, tiers);
    }
    Ok(table)
}

/// The meaning of a usage type, such as `EUC1-Lambda-GB-Second-ARM`. The prefix stands for a region (us-east-1 has
/// none) and is in capitals and digits, unlike `Global-…` (the free tier) and `Lambda-Edge-…`.
fn item_of(usagetype: &str) -> Option<(PriceItem, Architecture)> {
    const ITEMS: [(&str, PriceItem); 5] = [
        ("Request", PriceItem::Request),
        ("Lambda-GB-Second", PriceItem::GbSecond),
        ("Lambda-Storage-GB-Second", PriceItem::EphemeralGbSecond),
        ("Lambda-Provisioned-Concurrency", PriceItem::ProvisionedGbSecond),
        ("Lambda-Provisioned-GB-Second", PriceItem::ProvisionedDurationGbSecond),
    ];
    let (stem, architecture) = match usagetype.strip_suffix("-ARM") {
        Some(stem) => (stem, Architecture::Arm64),
        None => (usagetype, Architecture::X86_64),
    };
    let is_region = |prefix: &str| prefix.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let name = stem.split_once('-').filter(|(prefix, _)| is_region(prefix)).map_or(stem, |(_, name)| name);
    ITEMS.iter().find(|(known, _)| *known == name).map(|(_, item)| (*item, architecture))
}

/// The product being read, for errors.
struct Reader<'a> {
    sku: &'a str,
    usagetype: &'a str,
}

impl Reader<'_> {
    fn error(&self, text: &str, expected: &'static str) -> PriceError {
        PriceError::Product {
            sku: self.sku.to_owned(),
            usagetype: self.usagetype.to_owned(),
            text: text.to_owned(),
            expected,
        }
    }

    /// The tiers in the order of their beginning, with their currency; the last one has no end. A free first tier is
    /// dropped: the free tier is part of the bill's calculation. `None` if everything is free.
    fn tiers(&self, term: &Term) -> Result<Option<(Currency, Vec<Tier>)>, PriceError> {
        let mut found = Vec::new();
        for dimension in term.price_dimensions.values() {
            let listed = [("USD", Currency::Usd), ("CNY", Currency::Cny)];
            let priced = listed.iter().find_map(|(code, currency)| {
                dimension.price_per_unit.get(*code).map(|text| (*currency, text))
            });
            let Some((currency, text)) = priced else { continue };
            let price = text.parse::<Usd>().map_err(|_| self.error(text, "a price"))?;
            let begin = self.range(&dimension.begin_range)?.unwrap_or(0);
            let upto_gb_s = self.range(&dimension.end_range)?;
            if price > Usd::ZERO {
                found.push((begin, currency, Tier { upto_gb_s, price }));
            }
        }
        found.sort_by_key(|(begin, _, _)| *begin);
        let currency = found.first().map(|(_, currency, _)| *currency);
        let mut tiers: Vec<Tier> = found.into_iter().map(|(_, _, tier)| tier).collect();
        if let Some(last) = tiers.last_mut() {
            last.upto_gb_s = None;
        }
        Ok(currency.map(|currency| (currency, tiers)))
    }

    /// The end of a range; `None` for `Inf` or an absent end.
    fn range(&self, text: &str) -> Result<Option<u64>, PriceError> {
        match text {
            "" | "Inf" => Ok(None),
            number => number.parse().map(Some).map_err(|_| self.error(number, "a whole number or Inf")),
        }
    }
}

impl Row {
    /// Sets an item; one without volume tiers gets the dearest price.
    fn set(&mut self, item: PriceItem, tiers: Vec<Tier>) {
        let dearest = tiers.iter().map(|tier| tier.price).max();
        match item {
            PriceItem::Request => self.request = dearest,
            PriceItem::GbSecond => self.gb_second = tiers,
            PriceItem::EphemeralGbSecond => self.ephemeral = dearest,
            PriceItem::ProvisionedGbSecond => self.provisioned = dearest,
            PriceItem::ProvisionedDurationGbSecond => self.provisioned_duration = dearest,
        }
    }
}
