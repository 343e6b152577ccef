//! `aws cloudwatch get-metric-statistics`: one metric, a point with one or more statistics for each period.
//!
//! `Label` is the metric's name, `Datapoints` stand in no order and hold what was asked for of `Sum`, `SampleCount`,
//! `Average`, `Minimum` and `Maximum` ("GetMetricStatistics" and "Datapoint" of the CloudWatch API Reference, read
//! 2026-11). Lambda sends one value of `Duration` per invocation, so `SampleCount` of `Duration` counts invocations.

use serde::Deserialize;

use super::{Part, Stamp, at_key, json_error};
use crate::trace::TraceError;
use crate::trace::input::Input;

/// The key that distinguishes this format from others.
pub const STATISTICS_KEY: &str = "Datapoints";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    label: Option<String>,
    datapoints: Vec<Point>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Point {
    timestamp: Stamp,
    sum: Option<f64>,
    sample_count: Option<f64>,
    average: Option<f64>,
    maximum: Option<f64>,
}

impl Point {
    /// How often the function ran, from the statistics of `Invocations`.
    fn invocations(&self) -> Option<f64> {
        // Each invocation is a value of 1, so their number is their sum.
        self.sum.or_else(|| Some((self.sample_count? * self.average.unwrap_or(1.0)).round()))
    }

    /// How often the function ran, from the statistics of `Duration`.
    fn runs(&self) -> Option<f64> {
        let quotient =
            || self.sum.zip(self.average).filter(|(_, mean)| *mean > 0.0).map(|(sum, mean)| sum / mean);
        self.sample_count.or_else(quotient).map(f64::round)
    }
}

/// The series that the file holds, as `get-metric-data` would print them.
///
/// # Errors
/// Where it is no such output, is of another metric, or lacks the statistic that counts.
pub(super) fn parts(input: &Input) -> Result<Vec<Part>, TraceError> {
    let file = input.name.as_str();
    let output: Output = serde_json::from_str(&input.text)
        .map_err(|error| json_error(file, "get-metric-statistics", &error))?;
    let label = output.label.unwrap_or_default();
    let points = output.datapoints.as_slice();
    let lacks = |what: &str| {
        at_key(
            file,
            STATISTICS_KEY,
            format!("no {what}: ask `aws cloudwatch get-metric-statistics` for --statistics {what}"),
        )
    };
    let ran = |value: fn(&Point) -> Option<f64>, what: &str| {
        series("Invocations", points, value).ok_or_else(|| lacks(what))
    };
    match label.as_str() {
        "Invocations" => Ok(vec![ran(Point::invocations, "Sum")?]),
        "Duration" => {
            let count = ran(Point::runs, "SampleCount")?;
            let mean = series("Duration Sum", points, |point| point.sum)
                .or_else(|| series("Duration Average", points, |point| point.average));
            let longest = series("Duration Maximum", points, |point| point.maximum);
            Ok([Some(count), mean, longest].into_iter().flatten().collect())
        }
        other => Err(at_key(
            file,
            "Label",
            format!(
                "{other:?} is no count of invocations: `aws cloudwatch get-metric-statistics` of Invocations (Sum) or \
                 Duration (SampleCount, Average, Maximum) of AWS/Lambda is one"
            ),
        )),
    }
}

/// A series of one value of each point; `None` where a point lacks it.
fn series(label: &str, points: &[Point], value: impl Fn(&Point) -> Option<f64>) -> Option<Part> {
    Some(Part {
        key: Some(STATISTICS_KEY.to_owned()),
        id: label.to_owned(),
        label: Some(label.to_owned()),
        timestamps: points.iter().map(|point| point.timestamp.clone()).collect(),
        values: points.iter().map(value).collect::<Option<_>>()?,
        status_code: Some("Complete".to_owned()),
        messages: Vec::new(),
    })
}
