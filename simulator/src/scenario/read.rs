//! From text to scenario, with the place of every problem.

use guard_core::policy::Position;
use guard_core::text::abridged;
use schemars::schema_for;
use serde_json::Value;

use super::{Scenario, validate};

/// Characters of a problem: it quotes the text, whose values may be of any length.
const LONGEST: usize = 800;

/// Problems that are reported one by one.
const MOST: usize = 20;

/// Why a text is no scenario: one line per problem, each with line and column or the key; the first twenty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", problems.join("\n"))]
pub struct ScenarioError {
    /// The problems, in the order found.
    pub problems: Vec<String>,
}

impl Scenario {
    /// Reads and checks a scenario.
    ///
    /// # Errors
    /// All values outside their ranges at once; or the first error of syntax, unknown key or wrong type.
    pub fn from_toml(text: &str) -> Result<Scenario, ScenarioError> {
        let scenario: Scenario = toml::from_str(text).map_err(|error| unreadable(text, &error))?;
        scenario.check()?;
        Ok(scenario)
    }

    /// Reads and checks a scenario some of whose keys were changed: it has no lines any more, so problems are named by
    /// their keys.
    ///
    /// # Errors
    /// As [`Scenario::from_toml`].
    pub fn from_table(table: toml::Table) -> Result<Scenario, ScenarioError> {
        let scenario: Scenario = table.try_into().map_err(|error| unreadable("", &error))?;
        scenario.check()?;
        Ok(scenario)
    }

    /// Checks every range.
    ///
    /// # Errors
    /// All values outside their ranges.
    pub fn check(&self) -> Result<(), ScenarioError> {
        let mut problems = validate::problems(self);
        if problems.len() > MOST {
            let more = problems.len() - MOST;
            problems.truncate(MOST);
            problems.push(format!("scenario: {more} more of this kind or another"));
        }
        problems.iter_mut().for_each(|problem| *problem = abridged(problem, LONGEST));
        if problems.is_empty() { Ok(()) } else { Err(ScenarioError { problems }) }
    }

    /// The JSON Schema of a scenario (draft 2020-12), for editors.
    pub fn schema() -> Value {
        schema_for!(Scenario).to_value()
    }
}

/// What readers of types say, and what a writer of scenarios understands.
const WORDS: [(&str, &str); 8] = [
    ("unknown field", "unknown key"),
    ("missing field", "missing key"),
    ("unknown variant", "unknown choice"),
    (
        "expected internally tagged enum Rate",
        "expected a table with a law, such as { law = \"constant\", rps = 10 }",
    ),
    ("invalid type: map, expected an RFC 3339 formatted date and time string", MOMENT),
    ("premature end of input", MOMENT),
    ("input contains invalid characters", MOMENT),
    ("expected struct ", "expected a table: "),
];

/// What a moment is.
const MOMENT: &str = "a moment is a text in quotes, such as \"2026-11-02T08:00:00Z\"";

fn said(message: &str) -> String {
    WORDS.iter().fold(message.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))
}

/// The one problem of a text that has no meaning.
fn unreadable(text: &str, error: &toml::de::Error) -> ScenarioError {
    let is_too_deep = error.message().contains("recursion limit");
    let place = match error.span() {
        Some(span) => Some(Position::of(text, span.start)),
        None => is_too_deep.then(|| Position::deepest(text)),
    };
    let message = said(&error.message().trim().replace(['\n', '\r'], " "));
    let problem = match place {
        Some(place) => format!("{place}: {message}"),
        // Without a place the error names the keys that lead to it, on a line of its own.
        None => said(&error.to_string().trim().replace(['\n', '\r'], " ")),
    };
    ScenarioError { problems: vec![abridged(&problem, LONGEST)] }
}
