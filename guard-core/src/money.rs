//! Money as an integer: pico-dollars in an `i128`, one rounding rule, and ranges that say why they are wide.

mod range;

use std::cell::Cell;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use range::{Cause, Causes, UsdRange};

/// Pico-dollars in a dollar. Every price AWS lists for Lambda has at most ten decimals, so each is exact.
pub const PICOS_PER_USD: i128 = 1_000_000_000_000;

/// An amount of money in pico-dollars (10⁻¹² US dollars), exact.
///
/// The name is the common case. For a budget counted in invocations the same type holds the count
/// (one invocation is one whole unit), and for the two Chinese regions it holds yuan: the report names the unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd(i128);

/// What the amounts of a budget count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// US dollars.
    #[default]
    Usd,
    /// Yuan, in the two Chinese regions.
    Cny,
    /// Invocations.
    Invocations,
}

/// Why a text is not an amount of money.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not an amount: expected a decimal number of dollars with at most 12 decimals, such as 400 or 0.0000166667"
)]
pub struct ParseUsdError {
    /// What was read.
    pub text: String,
}

impl Usd {
    /// Zero.
    pub const ZERO: Usd = Usd(0);
    /// More than any bill: stands for "no bound". Additions saturate here instead of wrapping.
    pub const MAX: Usd = Usd(i128::MAX);

    /// An amount in pico-dollars (10⁻¹² dollars).
    pub const fn from_picos(picos: i128) -> Self {
        Usd(picos)
    }

    /// An amount in whole dollars.
    pub const fn from_dollars(dollars: i64) -> Self {
        Usd(dollars as i128 * PICOS_PER_USD)
    }

    /// The amount in pico-dollars.
    pub const fn picos(self) -> i128 {
        self.0
    }

    /// The amount in dollars for charts and ratios, never for sums: `f64` keeps 15 digits.
    #[expect(clippy::cast_precision_loss, reason = "a picture needs no more than 15 digits")]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / PICOS_PER_USD as f64
    }

    /// An amount from a float in dollars, by its shortest decimal text, so that `0.1` is one tenth. Rounded up.
    ///
    /// # Errors
    /// If the number is not finite or its text is not an amount.
    pub fn from_f64(dollars: f64) -> Result<Self, ParseUsdError> {
        if dollars.is_finite() && dollars.abs() < 1e15 {
            Self::parse_rounding_up(&format!("{dollars}"))
        } else {
            Err(ParseUsdError { text: dollars.to_string() })
        }
    }

    /// `self × numerator ÷ denominator`, rounded **up** (towards more money spent): the only rounding rule of
    /// the product. A guard that rounds down finds the budget intact while the bill is over it.
    ///
    /// Exact even if the product leaves `i128`: a month of a million invocations a minute times another does.
    /// Saturates if the result does; a zero denominator gives [`Usd::MAX`] for a positive amount ("no bound") and zero
    /// for zero.
    pub fn mul_div_up(self, numerator: i128, denominator: i128) -> Self {
        if denominator == 0 {
            return if self.0 == 0 || numerator == 0 { Usd::ZERO } else { Usd::MAX };
        }
        match product(self.0, numerator) {
            Some(product) => Usd(div_up(product, denominator)),
            None => Usd(wide_mul_div_up(self.0, numerator, denominator)),
        }
    }

    /// How many times `unit` fits into this amount, rounded down; `None` if `unit` is not positive.
    pub fn div_floor(self, unit: Usd) -> Option<i128> {
        // 64 bits where they suffice, as in `div_up`.
        (unit.0 > 0).then(|| match (i64::try_from(self.0), i64::try_from(unit.0)) {
            (Ok(amount), Ok(unit)) => i128::from(amount.div_euclid(unit)),
            _ => self.0.div_euclid(unit.0),
        })
    }

    /// `self ÷ whole` in thousandths, rounded up; if `whole` is not positive, 1,000 for a positive amount, else 0.
    pub fn per_mille_of(self, whole: Usd) -> i64 {
        if whole.0 <= 0 {
            return if self.0 <= 0 { 0 } else { 1000 };
        }
        let per_mille = self.0.checked_mul(1000).map_or(i128::MAX, |n| div_up(n, whole.0));
        i64::try_from(per_mille).unwrap_or(i64::MAX)
    }

    /// The larger of the amount and zero.
    pub fn at_least_zero(self) -> Self {
        self.max(Usd::ZERO)
    }

    fn parse_rounding_up(text: &str) -> Result<Self, ParseUsdError> {
        let error = || ParseUsdError { text: text.to_owned() };
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
            return Err(error());
        }
        let whole_picos = match whole {
            "" => 0,
            some => some.parse::<i128>().ok().and_then(|n| n.checked_mul(PICOS_PER_USD)).ok_or_else(error)?,
        };
        let (kept, dropped) = fraction.split_at(fraction.len().min(12));
        let kept_picos: i128 = format!("{kept:0<12}").parse().map_err(|_| error())?;
        let beyond = i128::from(!negative && dropped.bytes().any(|b| b != b'0'));
        let picos = whole_picos.checked_add(kept_picos + beyond).ok_or_else(error)?;
        Ok(Usd(if negative { -picos } else { picos }))
    }
}

/// The product; `None` if it leaves `i128`. Usually both fit into 64 bits, and their product always fits.
fn product(a: i128, b: i128) -> Option<i128> {
    match (i64::try_from(a), i64::try_from(b)) {
        (Ok(a), Ok(b)) => Some(i128::from(a) * i128::from(b)),
        _ => a.checked_mul(b),
    }
}

/// `a × n ÷ d`, rounded up, for a product of more than 128 bits: digit by digit of `n`, keeping the result of the
/// digits so far as quotient and rest. Saturates if the result leaves `i128`. `d` is not zero.
fn wide_mul_div_up(a: i128, n: i128, d: i128) -> i128 {
    let is_negative = (a < 0) != ((n < 0) != (d < 0));
    let (a, n, d) = (a.unsigned_abs(), n.unsigned_abs(), d.unsigned_abs());
    // Both rests are less than d, which is at most 2^127: their sum fits.
    let plus = |(whole, rest): (u128, u128), (more, and): (u128, u128)| {
        let rest = rest + and;
        let carried = rest >= d;
        let rest = if carried { rest - d } else { rest };
        (whole.saturating_add(more).saturating_add(u128::from(carried)), rest)
    };
    let once = (a / d, a % d);
    let mut sum = (0, 0);
    for bit in (0..u128::BITS - n.leading_zeros()).rev() {
        sum = plus(sum, sum);
        if n >> bit & 1 == 1 {
            sum = plus(sum, once);
        }
    }
    let (whole, rest) = sum;
    let rounded = whole.saturating_add(u128::from(rest > 0 && !is_negative));
    let magnitude = i128::try_from(rounded).unwrap_or(i128::MAX);
    if is_negative { -magnitude } else { magnitude }
}

/// Division rounded towards positive infinity.
fn div_up(numerator: i128, denominator: i128) -> i128 {
    // Usually both fit into 64 bits, which processors divide by themselves.
    let narrow = || {
        let (numerator, denominator) = (i64::try_from(numerator).ok()?, i64::try_from(denominator).ok()?);
        Some((numerator.checked_div(denominator)?.into(), numerator.checked_rem(denominator)?.into()))
    };
    let (quotient, rest): (i128, i128) = narrow().unwrap_or_else(|| {
        let quotient = numerator.wrapping_div(denominator);
        (quotient, numerator.wrapping_sub(quotient.wrapping_mul(denominator)))
    });
    if rest != 0 && ((numerator > 0) == (denominator > 0)) { quotient + 1 } else { quotient }
}

impl FromStr for Usd {
    type Err = ParseUsdError;

    /// Reads a decimal number of dollars, exactly: more than 12 decimals are refused, not rounded.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let decimals = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        if decimals > 12 {
            return Err(ParseUsdError { text: text.to_owned() });
        }
        Self::parse_rounding_up(text)
    }
}

impl Add for Usd {
    type Output = Usd;
    fn add(self, other: Usd) -> Usd {
        Usd(self.0.saturating_add(other.0))
    }
}
impl Sub for Usd {
    type Output = Usd;
    fn sub(self, other: Usd) -> Usd {
        Usd(self.0.saturating_sub(other.0))
    }
}
impl Neg for Usd {
    type Output = Usd;
    fn neg(self) -> Usd {
        Usd(self.0.saturating_neg())
    }
}
impl Mul<i128> for Usd {
    type Output = Usd;
    fn mul(self, times: i128) -> Usd {
        Usd(product(self.0, times).unwrap_or_else(|| self.0.saturating_mul(times)))
    }
}
impl AddAssign for Usd {
    fn add_assign(&mut self, other: Usd) {
        *self = *self + other;
    }
}
impl SubAssign for Usd {
    fn sub_assign(&mut self, other: Usd) {
        *self = *self - other;
    }
}
impl Sum for Usd {
    fn sum<I: Iterator<Item = Usd>>(amounts: I) -> Usd {
        amounts.fold(Usd::ZERO, Add::add)
    }
}
impl<'a> Sum<&'a Usd> for Usd {
    fn sum<I: Iterator<Item = &'a Usd>>(amounts: I) -> Usd {
        amounts.copied().sum()
    }
}

impl fmt::Display for Usd {
    /// Dollars with a sign and thousands separators: to the cent from $1 up, with more digits below, rounded up.
    /// A precision asks for exactly that many decimals: `{:.6}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Usd::MAX {
            return f.write_str("unbounded");
        }
        let magnitude = self.0.unsigned_abs();
        let one = PICOS_PER_USD.unsigned_abs();
        let decimals = f.precision().unwrap_or(match magnitude {
            0 => 2,
            m if m >= one => 2,
            m if m >= one / 100 => 4,
            m if m >= one / 10_000 => 6,
            m if m >= one / 1_000_000 => 8,
            _ => 12,
        });
        let decimals = decimals.min(12);
        let scale = 10_i128.pow(u32::try_from(12 - decimals).unwrap_or(0));
        let rounded = div_up(self.0, scale);
        let sign = if rounded < 0 { "-" } else { "" };
        let unit = 10_u128.pow(u32::try_from(decimals).unwrap_or(0));
        let (whole, fraction) = (rounded.unsigned_abs() / unit, rounded.unsigned_abs() % unit);
        let body = grouped(whole);
        if decimals == 0 {
            f.pad_integral(true, "", &format!("{sign}${body}"))
        } else {
            let text = format!("{sign}${body}.{fraction:0decimals$}");
            f.write_str(&format!("{text:>width$}", width = f.width().unwrap_or(0)))
        }
    }
}

/// Digits in groups of three: `1234567` → `1,234,567`.
pub(crate) fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

thread_local! {
    /// Whether amounts are written as numbers, for [`in_numbers`].
    static IN_NUMBERS: Cell<bool> = const { Cell::new(false) };
}

/// Writes what `write` writes with amounts as numbers instead of strings: for documents that other programs calculate with.
/// A number keeps fifteen digits, so what the guard itself reads again is written in strings.
pub fn in_numbers<R>(write: impl FnOnce() -> R) -> R {
    let before = IN_NUMBERS.replace(true);
    let written = write();
    IN_NUMBERS.set(before);
    written
}

impl Serialize for Usd {
    /// A string of dollars with up to twelve decimals, trailing zeros cut: no reader loses digits. Within
    /// [`in_numbers`], a number.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if IN_NUMBERS.get() {
            serializer.serialize_f64(self.to_f64())
        } else {
            serializer.collect_str(&Exact(*self))
        }
    }
}

/// Writes an amount in full precision without a currency sign.
struct Exact(Usd);

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.0.unsigned_abs();
        let one = PICOS_PER_USD.unsigned_abs();
        let sign = if self.0.0 < 0 { "-" } else { "" };
        let fraction = format!("{:012}", magnitude % one);
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() {
            write!(f, "{sign}{}", magnitude / one)
        } else {
            write!(f, "{sign}{}.{fraction}", magnitude / one)
        }
    }
}

impl<'de> Deserialize<'de> for Usd {
    /// Accepts `400`, `400.5` and `"400.50"`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Usd;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount in dollars, as a number or a decimal text")
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Usd, E> {
                Ok(Usd::from_dollars(value))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Usd, E> {
                Ok(Usd::from_picos(i128::from(value)) * PICOS_PER_USD)
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Usd, E> {
                Usd::from_f64(value).map_err(E::custom)
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<Usd, E> {
                value.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl schemars::JsonSchema for Usd {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Usd".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "An amount in US dollars, as a number or a decimal text with at most 12 decimals.",
            "anyOf": [{ "type": "number" }, { "type": "string", "pattern": r"^[+-]?\d+(\.\d{1,12})?$" }]
        })
    }
}

#[cfg(test)]
mod tests;
