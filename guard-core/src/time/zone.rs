//! Time zones by name.

use chrono_tz::{TZ_VARIANTS, Tz};

use crate::text::nearest;

/// A name that is not a time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownTimezone {
    /// The text found.
    pub name: String,
    /// The zone that was probably meant.
    pub suggestion: Option<&'static str>,
}

impl std::fmt::Display for UnknownTimezone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:?} is not a time zone; accepted: an IANA name such as `UTC` or `Europe/Berlin`",
            self.name
        )?;
        match self.suggestion {
            Some(name) => write!(f, "; did you mean `{name}`?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for UnknownTimezone {}

/// The IANA time zone of that name.
///
/// # Errors
/// If there is none; with the nearest name, a city without its continent included.
pub fn timezone(name: &str) -> Result<Tz, UnknownTimezone> {
    name.parse().map_err(|_| {
        // `Etc/GMT+2` lies two hours *west* of Greenwich: suggesting it would mislead more than it helps.
        let zones = || TZ_VARIANTS.iter().map(|zone| zone.name()).filter(|zone| !zone.starts_with("Etc/"));
        let wanted = name.trim().replace(' ', "_");
        let last_part = |zone: &str| zone.rsplit('/').next().unwrap_or("").to_owned();
        let city = zones().find(|zone| last_part(zone).eq_ignore_ascii_case(&wanted));
        UnknownTimezone { name: name.to_owned(), suggestion: city.or_else(|| nearest(&wanted, zones())) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_time_zone_names_the_one_that_was_meant() {
        for (name, suggestion) in [
            ("Europe/Berln", Some("Europe/Berlin")),
            ("berlin", Some("Europe/Berlin")),
            ("New York", Some("America/New_York")),
            ("europe/berlin", Some("Europe/Berlin")),
            ("utc", Some("UTC")),
            ("Middle-earth/Bree", None),
            ("", None),
        ] {
            let error = timezone(name).unwrap_err();
            assert_eq!(error.suggestion, suggestion, "{name}");
        }
        let west = timezone("GMT+2").unwrap_err().suggestion;
        assert!(
            west.is_none_or(|zone| !zone.starts_with("Etc/")),
            "{west:?} lies on the other side of Greenwich"
        );
        assert_eq!(
            timezone("Nowhere/At/All").unwrap_err().to_string(),
            "\"Nowhere/At/All\" is not a time zone; accepted: an IANA name such as `UTC` or `Europe/Berlin`"
        );
    }
}
