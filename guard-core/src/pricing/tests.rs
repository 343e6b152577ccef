//! Tests of the price table, the bulk list and the companions.

use proptest::prelude::*;

use super::*;
use crate::inventory::Architecture;
use crate::name::Region;
use crate::policy::{Companion, FrontDoor};

const HEADING: &str = "region,arch,request_usd_per_million,gb_second_tier1,gb_second_tier2,gb_second_tier3,\
tier1_upto_gbs,tier2_upto_gbs,ephemeral_gb_second,pc_gb_second,pc_duration_gb_second,currency,source,confidence\n";

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

fn tier(upto_gb_s: Option<u64>, price: &str) -> Tier {
    Tier { upto_gb_s, price: usd(price) }
}

fn bulk() -> PriceTable {
    PriceTable::from_bulk_json(include_bytes!("fixtures/awslambda-index.json")).unwrap()
}

/// The error of a table whose one line has `text` in place of the cell of that number.
fn error_with_cell(column: usize, text: &str) -> String {
    let mut cells = vec!["r", "arm64", "0.20", "3", "2", "1", "10", "20", "1", "1", "1", "USD", "", ""];
    cells[column] = text;
    PriceTable::from_csv(&format!("{HEADING}{}\n", cells.join(","))).unwrap_err().to_string()
}

#[test]
fn the_first_region_is_quoted_from_its_row_in_every_item() {
    let quote = PriceTable::embedded().quote(&"us-east-1".into(), Architecture::X86_64);
    let expected = Quote {
        request: usd("0.0000002"),
        gb_second: vec![
            tier(Some(6_000_000_000), "0.0000166667"),
            tier(Some(15_000_000_000), "0.0000150000"),
            tier(None, "0.0000133334"),
        ],
        ephemeral_gb_second: usd("0.0000000309"),
        provisioned_gb_second: usd("0.0000041667"),
        provisioned_duration_gb_second: usd("0.0000097222"),
        currency: Currency::Usd,
        unknown: vec![],
    };
    assert_eq!(quote, expected);
    let arm = PriceTable::embedded().quote(&"us-east-1".into(), Architecture::Arm64);
    assert_eq!(arm.gb_second[0], tier(Some(7_500_000_000), "0.0000133334"));
    assert_eq!(arm.gb_second[2], tier(None, "0.0000106667"));
}

#[test]
fn the_embedded_table_lists_thirty_eight_regions_in_order() {
    let regions: Vec<&str> = PriceTable::embedded().regions().map(Region::as_str).collect();
    assert_eq!(regions.len(), 38);
    assert!(regions.is_sorted_by(|a, b| a < b));
    assert_eq!(regions[0], "af-south-1");
    assert_eq!(regions[37], "us-west-2");
}

#[test]
fn every_region_quotes_a_price_for_every_item_and_never_zero() {
    for region in PriceTable::embedded().regions() {
        for architecture in [Architecture::X86_64, Architecture::Arm64] {
            let quote = PriceTable::embedded().quote(region, architecture);
            let first = quote.gb_second[0].price;
            for price in [
                quote.request,
                first,
                quote.ephemeral_gb_second,
                quote.provisioned_gb_second,
                quote.provisioned_duration_gb_second,
            ] {
                assert!(price > Usd::ZERO, "{region} {architecture:?}");
            }
            assert!(
                quote.gb_second.is_sorted_by(|a, b| a.price > b.price),
                "{region}: the dearest tier is first"
            );
            assert_eq!(quote.gb_second.last().unwrap().upto_gb_s, None);
            // The last resort of a quote rests on this.
            assert!(quote.ephemeral_gb_second <= first && quote.provisioned_gb_second <= first);
            assert!(quote.provisioned_duration_gb_second <= first);
        }
    }
}

#[test]
fn an_unknown_region_is_quoted_at_the_dearest_known_price_without_volume_discount() {
    let x86 = PriceTable::embedded().quote(&"xx-nowhere-1".into(), Architecture::X86_64);
    let expected = Quote {
        request: usd("0.00000028"),
        gb_second: vec![tier(None, "0.0000229200")],
        ephemeral_gb_second: usd("0.0000000586"),
        provisioned_gb_second: usd("0.0000066372"),
        provisioned_duration_gb_second: usd("0.0000154867"),
        currency: Currency::Usd,
        unknown: vec![
            PriceItem::Request,
            PriceItem::GbSecond,
            PriceItem::EphemeralGbSecond,
            PriceItem::ProvisionedGbSecond,
            PriceItem::ProvisionedDurationGbSecond,
        ],
    };
    assert_eq!(x86, expected);
    let arm = PriceTable::embedded().quote(&"xx-nowhere-1".into(), Architecture::Arm64);
    assert_eq!(arm.gb_second, vec![tier(None, "0.0000183000")]);
    assert_eq!(arm.provisioned_gb_second, usd("0.0000053098"));
    // A row without prices is no better known than no row.
    assert_eq!(PriceTable::embedded().quote(&"mx-central-1".into(), Architecture::X86_64), expected);
}

#[test]
fn a_single_blank_cell_is_filled_and_named_and_the_rest_is_kept() {
    let quote = PriceTable::embedded().quote(&"il-central-1".into(), Architecture::X86_64);
    assert_eq!(quote.request, usd("0.00000021"));
    assert_eq!(quote.gb_second[1], tier(Some(15_000_000_000), "0.0000157500"));
    assert_eq!(quote.provisioned_gb_second, usd("0.0000066372"));
    assert_eq!(quote.unknown, vec![PriceItem::ProvisionedGbSecond, PriceItem::ProvisionedDurationGbSecond]);
}

#[test]
fn chinese_regions_quote_yuan_and_are_never_filled_with_dollars() {
    let beijing = PriceTable::embedded().quote(&"cn-north-1".into(), Architecture::X86_64);
    assert_eq!(beijing.currency, Currency::Cny);
    assert_eq!(beijing.request, usd("0.00000136"));
    assert_eq!(beijing.gb_second, vec![tier(None, "0.0001135")]);
    assert_eq!(beijing.ephemeral_gb_second, usd("0.0000002303"));
    // No yuan price of provisioned concurrency is known: duration, which is dearer, stands in.
    assert_eq!(beijing.provisioned_gb_second, usd("0.0001135"));
    assert_eq!(beijing.provisioned_duration_gb_second, usd("0.0001135"));
    assert_eq!(beijing.unknown, vec![PriceItem::ProvisionedGbSecond, PriceItem::ProvisionedDurationGbSecond]);

    let unheard_of = PriceTable::embedded().quote(&"cn-south-9".into(), Architecture::Arm64);
    assert_eq!(unheard_of.currency, Currency::Cny);
    assert_eq!(unheard_of.gb_second, vec![tier(None, "0.0000908")]);
    assert_eq!(unheard_of.ephemeral_gb_second, usd("0.0000002303"));
    assert_eq!(unheard_of.unknown.len(), 5);
}

#[test]
fn an_empty_table_still_quotes_the_dearest_of_the_embedded_one() {
    let empty = PriceTable::default().quote(&"us-east-1".into(), Architecture::X86_64);
    assert_eq!(empty, PriceTable::embedded().quote(&"xx-nowhere-1".into(), Architecture::X86_64));
}

#[test]
fn a_bad_cell_is_reported_with_its_line_and_column() {
    assert_eq!(error_with_cell(1, "sparc"), r#"line 2, column "arch": "sparc" is not x86_64 or arm64"#);
    assert_eq!(error_with_cell(2, "a"), r#"line 2, column "request_usd_per_million": "a" is not a price"#);
    assert_eq!(error_with_cell(3, "-1"), r#"line 2, column "gb_second_tier1": "-1" is not a price"#);
    assert_eq!(error_with_cell(5, "1e3"), r#"line 2, column "gb_second_tier3": "1e3" is not a price"#);
    assert_eq!(
        error_with_cell(6, ""),
        r#"line 2, column "tier1_upto_gbs": "" is not a number of GB-seconds"#
    );
    assert_eq!(
        error_with_cell(7, "x"),
        r#"line 2, column "tier2_upto_gbs": "x" is not a number of GB-seconds"#
    );
    assert_eq!(
        error_with_cell(7, "10"),
        r#"line 2, column "tier2_upto_gbs": "10" is not above the end of tier 1"#
    );
    assert_eq!(error_with_cell(8, "x"), r#"line 2, column "ephemeral_gb_second": "x" is not a price"#);
    assert_eq!(error_with_cell(9, "x"), r#"line 2, column "pc_gb_second": "x" is not a price"#);
    assert_eq!(error_with_cell(10, "x"), r#"line 2, column "pc_duration_gb_second": "x" is not a price"#);
    assert_eq!(error_with_cell(11, "EUR"), r#"line 2, column "currency": "EUR" is not USD or CNY"#);
}

#[test]
fn a_missing_column_and_a_ragged_line_are_errors() {
    let missing = PriceTable::from_csv("region,arch\n").unwrap_err().to_string();
    assert_eq!(missing, r#"the price table has no column "request_usd_per_million""#);
    let ragged = PriceTable::from_csv(&format!("{HEADING}a,b\n")).unwrap_err();
    assert!(matches!(ragged, PriceError::Csv(_)), "{ragged}");
}

#[test]
fn columns_are_found_by_name_and_two_tiers_are_two_tiers() {
    let text = "currency,arch,region,tier2_upto_gbs,tier1_upto_gbs,gb_second_tier3,gb_second_tier2,gb_second_tier1,\
                pc_duration_gb_second,pc_gb_second,ephemeral_gb_second,request_usd_per_million\n\
                USD,arm64, r ,,5,,2,3,6,0,8,9\n";
    let quote = PriceTable::from_csv(text).unwrap().quote(&"r".into(), Architecture::Arm64);
    assert_eq!(quote.gb_second, vec![tier(Some(5), "3"), tier(None, "2")]);
    assert_eq!(quote.request, usd("0.000009"));
    assert_eq!(quote.ephemeral_gb_second, usd("8"));
    assert_eq!(quote.provisioned_gb_second, Usd::ZERO, "a price of zero is known");
    assert_eq!(quote.provisioned_duration_gb_second, usd("6"));
    assert_eq!(quote.unknown, vec![]);
}

#[test]
fn a_region_known_for_arm_alone_is_listed() {
    let text = format!(
        "{HEADING}b,arm64,1,1,,,,,1,1,1,USD,,\na,x86_64,1,1,,,,,1,1,1,USD,,\na,arm64,1,1,,,,,1,1,1,USD,,\n"
    );
    let table = PriceTable::from_csv(&text).unwrap();
    assert_eq!(table.regions().map(Region::as_str).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn the_bulk_price_list_gives_the_same_prices_as_the_embedded_table() {
    let own = bulk().quote(&"us-east-1".into(), Architecture::X86_64);
    assert_eq!(own, PriceTable::embedded().quote(&"us-east-1".into(), Architecture::X86_64));
    let arm = bulk().quote(&"us-east-1".into(), Architecture::Arm64);
    assert_eq!(
        arm.gb_second,
        PriceTable::embedded().quote(&"us-east-1".into(), Architecture::Arm64).gb_second
    );
    assert_eq!(arm.provisioned_duration_gb_second, usd("0.0000077778"));
    assert_eq!(arm.unknown, vec![PriceItem::EphemeralGbSecond, PriceItem::ProvisionedGbSecond]);
}

#[test]
fn the_bulk_price_list_is_read_by_region_prefix_currency_and_newest_term() {
    let zurich = bulk().quote(&"eu-central-2".into(), Architecture::X86_64);
    assert_eq!(zurich.request, usd("0.00000022"), "the term in force, not the one it replaced");
    let beijing = bulk().quote(&"cn-north-1".into(), Architecture::X86_64);
    assert_eq!((beijing.currency, beijing.gb_second), (Currency::Cny, vec![tier(None, "0.0001135")]));
    let mexico = bulk().quote(&"mx-central-1".into(), Architecture::X86_64);
    assert_eq!(mexico.request, usd("0.00000021"), "a free first tier is no price");
}

#[test]
fn what_the_bulk_price_list_holds_besides_is_passed_over() {
    let regions = bulk().regions().map(|region| region.as_str().to_owned()).collect::<Vec<_>>();
    assert_eq!(regions, ["cn-north-1", "eu-central-2", "mx-central-1", "us-east-1"]);
    let text = r#"{"products": {"A": {}}, "terms": {}}"#;
    assert_eq!(PriceTable::from_bulk_json(text.as_bytes()).unwrap(), PriceTable::default());
}

#[test]
fn a_bulk_price_that_is_no_number_names_its_product() {
    let with = |price: &str, end: &str| {
        let text = format!(
            r#"{{"products": {{"S": {{"attributes": {{"usagetype": "USE2-Request", "regionCode": "us-east-2"}}}}}},
                "terms": {{"OnDemand": {{"S": {{"T": {{"priceDimensions": {{"D":
                {{"beginRange": "0", "endRange": "{end}", "pricePerUnit": {{"USD": "{price}"}}}}}}}}}}}}}}}}"#
        );
        PriceTable::from_bulk_json(text.as_bytes())
    };
    assert_eq!(with("x", "Inf").unwrap_err().to_string(), r#"product S (USE2-Request): "x" is not a price"#);
    let range = with("1", "many").unwrap_err().to_string();
    assert_eq!(range, r#"product S (USE2-Request): "many" is not a whole number or Inf"#);
    assert_eq!(with("1", "").unwrap().quote(&"us-east-2".into(), Architecture::X86_64).request, usd("1"));
    assert_eq!(with("0", "Inf").unwrap(), PriceTable::default(), "free is no price");
    assert!(matches!(PriceTable::from_bulk_json(b"[]"), Err(PriceError::Json(_))));
}

#[test]
fn a_newer_list_replaces_what_it_knows_and_keeps_the_rest() {
    let refreshed = PriceTable::embedded().clone().overlaid_with(&bulk());
    let mexico = refreshed.quote(&"mx-central-1".into(), Architecture::X86_64);
    assert_eq!(mexico.request, usd("0.00000021"));
    assert_eq!(mexico.unknown.len(), 4);
    let zurich = refreshed.quote(&"eu-central-2".into(), Architecture::Arm64);
    assert_eq!(zurich.gb_second[1].price, usd("0.0000132001"), "replaced");
    assert_eq!(zurich.provisioned_gb_second, usd("0.0000044130"), "kept");
    assert_eq!(refreshed.regions().count(), 38);

    let text = format!("{HEADING}us-east-1,x86_64,,,,,,,7,8,9,CNY,,\n");
    let odd = refreshed.overlaid_with(&PriceTable::from_csv(&text).unwrap());
    let quote = odd.quote(&"us-east-1".into(), Architecture::X86_64);
    assert_eq!(quote.currency, Currency::Cny);
    assert_eq!((quote.ephemeral_gb_second, quote.provisioned_gb_second), (usd("7"), usd("8")));
    assert_eq!(quote.provisioned_duration_gb_second, usd("9"));
    assert_eq!((quote.request, quote.gb_second.len()), (usd("0.0000002"), 3));
}

#[test]
fn companions_of_an_invocation_are_priced_at_their_first_tier() {
    let companion = |log_bytes, front_door, other: &str| Companion {
        log_bytes,
        front_door,
        other_usd_per_million: usd(other),
        ..Companion::default()
    };
    assert_eq!(companion_per_invocation(&Companion::default()), Usd::ZERO);
    // 2 KiB × $0.50 ÷ 2³⁰ = 953,674.3 pico-dollars, up.
    assert_eq!(companion_per_invocation(&companion(2048, FrontDoor::None, "0")), Usd::from_picos(953_675));
    assert_eq!(companion_per_invocation(&companion(0, FrontDoor::RestApi, "0")), usd("0.0000035"));
    assert_eq!(companion_per_invocation(&companion(0, FrontDoor::HttpApi, "0")), usd("0.000001"));
    assert_eq!(companion_per_invocation(&companion(0, FrontDoor::None, "2.5")), usd("0.0000025"));
    let all = companion_per_invocation(&companion(2048, FrontDoor::RestApi, "2.5"));
    assert_eq!(all, Usd::from_picos(953_675 + 3_500_000 + 2_500_000));
}

#[test]
fn a_quote_survives_json() {
    let quotes = PriceTable::embedded().quote(&"cn-north-1".into(), Architecture::Arm64);
    let text = serde_json::to_string(&quotes).unwrap();
    assert!(
        text.contains(r#""currency":"CNY""#) && text.contains(r#""unknown":["provisioned_gb_second""#),
        "{text}"
    );
    assert_eq!(serde_json::from_str::<Quote>(&text).unwrap(), quotes);
}

proptest! {
    #[test]
    fn an_overlay_with_itself_changes_nothing(regions in prop::collection::vec("[a-c]", 0..4)) {
        let lines: String = regions.iter().map(|r| format!("{r},arm64,1,2,,,,,,3,,USD,,\n")).collect();
        let table = PriceTable::from_csv(&format!("{HEADING}{lines}")).unwrap();
        prop_assert_eq!(table.clone().overlaid_with(&table), table);
    }
}
