//! Tests of money.

use proptest::prelude::*;

use super::*;

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

fn picos(picos: i128) -> Usd {
    Usd::from_picos(picos)
}

#[test]
fn amounts_are_exact_pico_dollars() {
    assert_eq!(Usd::from_dollars(3).picos(), 3_000_000_000_000);
    assert_eq!(Usd::from_dollars(-1), picos(-PICOS_PER_USD));
    assert_eq!(Usd::default(), Usd::ZERO);
    assert_eq!(usd("0.0000166667"), picos(16_666_700));
    assert_eq!(usd("0.000000000001"), picos(1));
    assert_eq!(usd("+12.5"), picos(12_500_000_000_000));
    assert_eq!(usd("-12.5"), picos(-12_500_000_000_000));
    assert_eq!(usd(".5"), picos(500_000_000_000));
    assert_eq!(usd("5."), picos(5_000_000_000_000));
    assert_eq!(usd("00"), Usd::ZERO);
}

#[test]
fn what_is_no_amount_is_refused_with_its_text() {
    for text in [
        "",
        ".",
        "-",
        "+",
        "1e3",
        "1,000",
        "$5",
        " 5",
        "5 ",
        "--5",
        "+-5",
        "1.2.3",
        "0.0000000000001",
        "NaN",
        "1.-2",
    ] {
        let error = text.parse::<Usd>().unwrap_err();
        assert_eq!(error.text, text);
        assert!(error.to_string().starts_with(&format!("{text:?} is not an amount")), "{error}");
    }
    let most = "170141183460469231731687303.715884105727";
    assert_eq!(usd(most), Usd::MAX);
    for too_large in
        ["170141183460469231731687303.715884105728", "170141183460469231731687304", &"9".repeat(60)]
    {
        assert!(too_large.parse::<Usd>().is_err(), "{too_large}");
    }
}

#[test]
fn a_float_is_read_by_its_shortest_text_and_rounded_up() {
    assert_eq!(Usd::from_f64(0.1).unwrap(), usd("0.1"));
    assert_eq!(Usd::from_f64(400.0).unwrap(), usd("400"));
    assert_eq!(Usd::from_f64(-2.5).unwrap(), usd("-2.5"));
    assert_eq!(Usd::from_f64(0.000_000_000_000_1).unwrap(), picos(1), "a tenth of a pico-dollar, up");
    assert_eq!(Usd::from_f64(-0.000_000_000_000_1).unwrap(), Usd::ZERO, "up is towards zero here");
    assert_eq!(Usd::from_f64(0.000_000_000_001_25).unwrap(), picos(2));
    assert_eq!(Usd::from_f64(999_999_999_999_999.0).unwrap().picos(), 999_999_999_999_999 * PICOS_PER_USD);
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e15, -1e15] {
        assert!(Usd::from_f64(bad).is_err(), "{bad}");
    }
    assert!((usd("1.25").to_f64() - 1.25).abs() < f64::EPSILON);
    assert!((usd("-0.5").to_f64() + 0.5).abs() < f64::EPSILON);
}

#[test]
fn multiplying_by_a_ratio_rounds_towards_more_money_spent() {
    assert_eq!(picos(10).mul_div_up(1, 3), picos(4));
    assert_eq!(picos(9).mul_div_up(1, 3), picos(3));
    assert_eq!(picos(-10).mul_div_up(1, 3), picos(-3));
    assert_eq!(picos(10).mul_div_up(-1, 3), picos(-3));
    assert_eq!(picos(10).mul_div_up(1, -3), picos(-3));
    assert_eq!(picos(-10).mul_div_up(1, -3), picos(4));
    assert_eq!(picos(0).mul_div_up(5, 3), Usd::ZERO);
    assert_eq!(picos(7).mul_div_up(2, 1), picos(14));
    let least = i128::from(i64::MIN);
    for (amount, numerator) in [(least, 1), (1, least), (least - 1, 1), (-least, 1), (least, 3)] {
        assert_eq!(picos(amount).mul_div_up(numerator, -1), picos(-amount * numerator));
        assert_eq!(picos(amount) * numerator, picos(amount * numerator));
        assert_eq!(
            picos(2 * amount).mul_div_up(numerator, 2 * least),
            picos(amount * numerator).mul_div_up(1, least)
        );
    }
}

#[test]
fn a_product_beyond_128_bits_is_divided_exactly() {
    let big = picos(10_i128.pow(27));
    assert_eq!(big.mul_div_up(10_i128.pow(25), 10_i128.pow(26)), picos(10_i128.pow(26)));
    assert_eq!(
        big.mul_div_up(10_i128.pow(25), 3 * 10_i128.pow(26)),
        picos(33_333_333_333_333_333_333_333_334)
    );
    let thirds = picos(33_333_333_333_333_333_333_333_333);
    assert_eq!(big.mul_div_up(-(10_i128.pow(25)), 3 * 10_i128.pow(26)), -thirds);
    assert_eq!((-big).mul_div_up(-(10_i128.pow(25)), -3 * 10_i128.pow(26)), -thirds);
    assert_eq!(picos(i128::MIN).mul_div_up(i128::MIN, i128::MIN), -Usd::MAX);
    assert_eq!(big.mul_div_up(10_i128.pow(25), 1), Usd::MAX);
    assert_eq!(big.mul_div_up(10_i128.pow(25), -1), -Usd::MAX);
    for (amount, numerator, denominator) in [(7_i128, 5, 3), (-7, 5, 3), (7, -6, 3), (8, 8, 64), (1, 1, 2)] {
        let wide = super::wide_mul_div_up(amount, numerator, denominator);
        assert_eq!(picos(wide), picos(amount).mul_div_up(numerator, denominator));
    }
}

#[test]
fn no_bound_stands_for_a_result_too_large_and_for_division_by_nothing() {
    assert_eq!(Usd::MAX.mul_div_up(2, 2), Usd::MAX);
    assert_eq!(picos(1).mul_div_up(1, 0), Usd::MAX);
    assert_eq!(picos(0).mul_div_up(1, 0), Usd::ZERO);
    assert_eq!(picos(1).mul_div_up(0, 0), Usd::ZERO);
}

#[test]
fn sums_saturate_instead_of_wrapping() {
    assert_eq!(Usd::MAX + picos(1), Usd::MAX);
    assert_eq!(picos(i128::MIN) - picos(1), picos(i128::MIN));
    assert_eq!(-picos(i128::MIN), Usd::MAX);
    assert_eq!(Usd::MAX * 2, Usd::MAX);
    assert_eq!(-picos(5), picos(-5));
    assert_eq!(picos(5) * -3, picos(-15));
    assert_eq!(picos(5) - picos(7), picos(-2));
    let mut amount = picos(5);
    amount += picos(3);
    assert_eq!(amount, picos(8));
    amount -= picos(10);
    assert_eq!(amount, picos(-2));
    assert_eq!([picos(1), picos(2)].iter().sum::<Usd>(), picos(3));
    assert_eq!([picos(1), picos(2)].into_iter().sum::<Usd>(), picos(3));
    assert_eq!(picos(-2).at_least_zero(), Usd::ZERO);
    assert_eq!(picos(2).at_least_zero(), picos(2));
}

#[test]
fn how_often_a_unit_fits_is_rounded_down() {
    assert_eq!(picos(10).div_floor(picos(3)), Some(3));
    assert_eq!(picos(9).div_floor(picos(3)), Some(3));
    assert_eq!(picos(-1).div_floor(picos(3)), Some(-1));
    assert_eq!(picos(10).div_floor(Usd::ZERO), None);
    assert_eq!(picos(10).div_floor(picos(-1)), None);
    assert_eq!(picos(10).div_floor(picos(1)), Some(10));
}

#[test]
fn a_part_in_thousandths_is_rounded_up() {
    assert_eq!(picos(1).per_mille_of(picos(3)), 334);
    assert_eq!(picos(3).per_mille_of(picos(3)), 1000);
    assert_eq!(picos(-1).per_mille_of(picos(3)), -333);
    assert_eq!(picos(0).per_mille_of(Usd::ZERO), 0);
    assert_eq!(picos(-1).per_mille_of(Usd::ZERO), 0);
    assert_eq!(picos(1).per_mille_of(Usd::ZERO), 1000);
    assert_eq!(picos(1).per_mille_of(picos(-5)), 1000);
    assert_eq!(picos(5).per_mille_of(picos(1)), 5000);
    assert_eq!(Usd::MAX.per_mille_of(picos(1)), i64::MAX);
}

#[test]
fn people_read_cents_from_a_dollar_up_and_more_digits_below() {
    let shown = |text: &str| usd(text).to_string();
    assert_eq!(shown("0"), "$0.00");
    assert_eq!(shown("1"), "$1.00");
    assert_eq!(shown("1234567.891"), "$1,234,567.90");
    assert_eq!(shown("-1234.5"), "-$1,234.50");
    assert_eq!(shown("-1.009"), "-$1.00", "up is towards zero here");
    assert_eq!(shown("0.999999"), "$1.0000");
    assert_eq!(shown("0.01"), "$0.0100");
    assert_eq!(shown("0.009999"), "$0.009999");
    assert_eq!(shown("0.0001"), "$0.000100");
    assert_eq!(shown("0.00009"), "$0.00009000");
    assert_eq!(shown("0.000001"), "$0.00000100");
    assert_eq!(shown("0.0000009"), "$0.000000900000");
    assert_eq!(shown("0.000000000001"), "$0.000000000001");
    assert_eq!(shown("100"), "$100.00");
    assert_eq!(shown("1000"), "$1,000.00");
    assert_eq!(Usd::MAX.to_string(), "unbounded");
}

#[test]
fn a_precision_and_a_width_are_kept() {
    assert_eq!(format!("{:.0}", usd("1234.01")), "$1,235");
    assert_eq!(format!("{:.6}", usd("1.5")), "$1.500000");
    assert_eq!(format!("{:.3}", usd("0.0001")), "$0.001");
    assert_eq!(format!("{:.99}", usd("1")), "$1.000000000000");
    assert_eq!(format!("{:>9}", usd("1.5")), "    $1.50");
    assert_eq!(format!("{:>6.0}", usd("7")), "    $7");
    assert_eq!(format!("{:.0}", usd("-7")), "-$7");
    assert_eq!(format!("{:.2}", usd("-0.001")), "$0.00", "no minus before nothing");
}

#[test]
fn digits_are_grouped_by_three() {
    for (number, text) in
        [(0, "0"), (12, "12"), (123, "123"), (1234, "1,234"), (123_456, "123,456"), (1_234_567, "1,234,567")]
    {
        assert_eq!(grouped(number), text);
    }
}

#[test]
fn json_holds_an_amount_as_text_and_takes_numbers_too() {
    let written = |text: &str| serde_json::to_string(&usd(text)).unwrap();
    assert_eq!(written("400"), r#""400""#);
    assert_eq!(written("-0.0000166667"), r#""-0.0000166667""#);
    assert_eq!(written("1.50"), r#""1.5""#);
    assert_eq!(written("0"), r#""0""#);
    let read = |json: &str| serde_json::from_str::<Usd>(json);
    assert_eq!(read("400").unwrap(), usd("400"));
    assert_eq!(read("-4").unwrap(), usd("-4"));
    assert_eq!(read("400.5").unwrap(), usd("400.5"));
    assert_eq!(read(r#""400.50""#).unwrap(), usd("400.5"));
    assert_eq!(read("18446744073709551615").unwrap().picos(), 18_446_744_073_709_551_615 * PICOS_PER_USD);
    assert!(read(r#""4 dollars""#).unwrap_err().to_string().contains("is not an amount"));
    assert!(
        read("true").unwrap_err().to_string().contains("an amount in dollars, as a number or a decimal text")
    );
    assert!(read("1e20").is_err());
}

#[test]
fn the_schema_of_an_amount_names_numbers_and_texts() {
    let schema = serde_json::to_value(schemars::schema_for!(Usd)).unwrap();
    assert_eq!(schema["title"], "Usd");
    assert_eq!(schema["anyOf"][0]["type"], "number");
    assert_eq!(schema["anyOf"][1]["pattern"], r"^[+-]?\d+(\.\d{1,12})?$");
}

#[test]
fn causes_are_a_set_in_the_order_of_their_declaration() {
    let set: Causes = [Cause::RepeatedWork, Cause::InitEstimate, Cause::InitEstimate].into_iter().collect();
    assert_eq!(set.iter().collect::<Vec<_>>(), [Cause::InitEstimate, Cause::RepeatedWork]);
    assert!(set.contains(Cause::InitEstimate) && !set.contains(Cause::UnseenMinutes));
    assert_eq!(Causes::NONE.iter().count(), 0);
    assert_eq!(Causes::of(Cause::RegionMix).and(Causes::NONE), Causes::of(Cause::RegionMix));
    assert_eq!(set.and(set), set);
    assert_eq!(Cause::ALL.into_iter().collect::<Causes>().iter().collect::<Vec<_>>(), Cause::ALL);
    let text = serde_json::to_string(&set).unwrap();
    assert_eq!(text, r#"["init-estimate","repeated-work"]"#);
    assert_eq!(serde_json::from_str::<Causes>(&text).unwrap(), set);
}

#[test]
fn a_range_puts_its_ends_in_order_and_remembers_why_it_is_wide() {
    let range = UsdRange::new(picos(7), picos(5), picos(3), Causes::of(Cause::RegionMix));
    assert_eq!((range.low, range.expected, range.high), (picos(5), picos(5), picos(5)));
    let range = UsdRange::new(picos(1), picos(5), picos(9), Causes::NONE).because(Cause::UnseenMinutes);
    assert_eq!((range.low, range.expected, range.high), (picos(1), picos(5), picos(9)));
    assert_eq!(range.causes, Causes::of(Cause::UnseenMinutes));
    assert_eq!(UsdRange::exact(picos(4)).causes, Causes::NONE);
    assert_eq!(UsdRange::default(), UsdRange::ZERO);
}

#[test]
fn ranges_add_end_by_end_and_what_was_added_can_be_taken_away() {
    let a = UsdRange::new(picos(1), picos(5), picos(9), Causes::of(Cause::RegionMix));
    let b = UsdRange::new(picos(10), picos(20), picos(40), Causes::of(Cause::UnseenMinutes));
    let both =
        UsdRange { causes: a.causes.and(b.causes), low: picos(11), expected: picos(25), high: picos(49) };
    assert_eq!(a + b, both);
    assert_eq!([a, b].into_iter().sum::<UsdRange>(), both);
    let mut sum = a;
    sum += b;
    assert_eq!(sum, both);
    assert_eq!(both.minus_posted(b), UsdRange { causes: both.causes, ..a });
    let third = a.mul_div_up(1, 2);
    assert_eq!(
        (third.low, third.expected, third.high, third.causes),
        (picos(1), picos(3), picos(5), a.causes)
    );
}

#[test]
fn a_range_is_shown_with_its_bounds_where_they_differ() {
    assert_eq!(UsdRange::exact(usd("2")).to_string(), "$2.00");
    let range = UsdRange::new(usd("1"), usd("2"), usd("3"), Causes::NONE);
    assert_eq!(range.to_string(), "$2.00 [$1.00–$3.00]");
}

#[test]
fn an_exact_range_is_written_without_causes() {
    let text = serde_json::to_string(&UsdRange::exact(usd("2"))).unwrap();
    assert_eq!(text, r#"{"low":"2","expected":"2","high":"2"}"#);
    assert_eq!(serde_json::from_str::<UsdRange>(&text).unwrap(), UsdRange::exact(usd("2")));
    let wide = UsdRange::new(usd("1"), usd("2"), usd("3"), Causes::of(Cause::UnknownPrice));
    let text = serde_json::to_string(&wide).unwrap();
    assert!(text.ends_with(r#""causes":["unknown-price"]}"#), "{text}");
    assert_eq!(serde_json::from_str::<UsdRange>(&text).unwrap(), wide);
}

/// An amount within what sums of bills reach.
fn any_amount() -> impl Strategy<Value = Usd> {
    (-(1_i128 << 80)..1_i128 << 80).prop_map(Usd::from_picos)
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(amount in any_amount()) {
        let json = serde_json::to_string(&amount).unwrap();
        prop_assert_eq!(serde_json::from_str::<Usd>(&json).unwrap(), amount);
        let exact = Exact(amount).to_string();
        prop_assert_eq!(exact.parse::<Usd>().unwrap(), amount);
        let shown = format!("{amount:.12}").replace(['$', ','], "");
        prop_assert_eq!(shown.parse::<Usd>().unwrap(), amount);
    }

    #[test]
    fn a_ratio_is_never_below_the_exact_value_and_less_than_a_pico_dollar_above(
        amount in prop_oneof![-1_000_000_i128..1_000_000, -(1_i128 << 60)..1_i128 << 60],
        numerator in prop_oneof![-1000_i128..1000, -(1_i128 << 50)..1_i128 << 50],
        denominator in prop_oneof![1_i128..100, 1_i128..1 << 50]
    ) {
        let rounded = picos(amount).mul_div_up(numerator, denominator).picos();
        // Cross-multiplied: rounded ≥ amount × numerator ÷ denominator > rounded − 1.
        prop_assert!(rounded * denominator >= amount * numerator);
        prop_assert!((rounded - 1) * denominator < amount * numerator);
    }

    #[test]
    fn what_people_read_is_never_below_the_amount(amount in any_amount()) {
        let shown = amount.to_string().replace(['$', ','], "");
        let shown: Usd = shown.parse().unwrap();
        prop_assert!(shown >= amount && shown - amount < usd("0.01"));
    }

    #[test]
    fn ranges_stay_in_order_under_every_operation(
        a in prop::array::uniform3(any_amount()), b in prop::array::uniform3(any_amount()),
        numerator in 0_i128..1 << 20, denominator in 1_i128..1 << 20
    ) {
        let range = |[low, expected, high]: [Usd; 3]| UsdRange::new(low, expected, high, Causes::NONE);
        for range in [range(a), range(a) + range(b), range(a).mul_div_up(numerator, denominator)] {
            prop_assert!(range.low <= range.expected && range.expected <= range.high);
        }
        prop_assert_eq!((range(a) + range(b)).minus_posted(range(b)), range(a));
    }
}

#[test]
fn amounts_are_numbers_where_other_programs_calculate_and_strings_where_no_digit_may_be_lost() {
    let amount: Usd = "1234567.890123456789".parse().unwrap();
    let text = || serde_json::to_string(&vec![amount, Usd::ZERO]).unwrap();
    assert_eq!(in_numbers(text), "[1234567.8901234567,0.0]");
    assert_eq!(text(), r#"["1234567.890123456789","0"]"#, "afterwards as before");
}
