//! Whether the prices of requests and duration of a region are known.

use guard_core::inventory::Architecture;
use guard_core::name::Region;
use guard_core::pricing::{PriceItem, PriceTable};

/// From here on two names are likely to be the same one, misspelt: 1 is equal.
const ALIKE: f64 = 0.9;

/// The remark on a region without such a price, for which the most expensive known one is used. `None`: all are known.
pub fn unpriced(region: &str) -> Option<String> {
    let name = Region::new(region);
    let quote = PriceTable::embedded().quote(&name, Architecture::X86_64);
    if !quote.unknown.iter().any(|item| [PriceItem::Request, PriceItem::GbSecond].contains(item)) {
        return None;
    }
    let near = |other: &&Region| strsim::jaro_winkler(other.as_str(), &region.to_lowercase());
    let alike = PriceTable::embedded().regions().max_by(|a, b| near(a).total_cmp(&near(b)));
    let meant = alike
        .filter(|other| **other != name && near(other) > ALIKE)
        .map(|other| format!(": is {other} meant?"));
    let meant = meant.unwrap_or_else(|| ".".to_owned());
    Some(format!("A price of the region {region:?} is unknown, and the dearest known one stands in{meant}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_that_is_misspelt_or_not_of_aws_has_unknown_prices_and_no_other_has() {
        for region in ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"] {
            assert_eq!(unpriced(region), None, "{region}");
        }
        for region in ["us-east1", "US-EAST-1", "europe-west3", "mars-north-1", ""] {
            assert!(unpriced(region).is_some_and(|told| told.contains("price")), "{region}");
        }
    }
}
