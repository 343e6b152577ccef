//! Why AWS gave no answer, in words that say what to do; the service's own words stand below.

use std::collections::BTreeMap;

/// The marks of a cause in the text of an error, and the advice. The first that fits counts.
struct Cause {
    marks: &'static [&'static str],
    /// `CALLS` stands for the calls that failed, `REGION` and `TABLE` for what was asked.
    advice: &'static str,
}

/// AWS's error codes ("Common Errors" of the API references of Lambda, CloudWatch and DynamoDB, read 2026-11), and the
/// words of the SDK where no answer came (`aws-config` 1.13 and `aws-smithy-runtime` 1.x, read in their sources).
const CAUSES: [Cause; 9] = [
    Cause {
        marks: &[
            "ExpiredToken",
            "RequestExpired",
            "session has expired",
            "token has expired",
            "token is expired",
        ],
        advice: "The AWS session has expired: sign in again, such as with `aws sso login`.",
    },
    Cause {
        marks: &[
            "no credentials found",
            "no providers in chain",
            "credential provider was not enabled",
            "no AWS credentials",
        ],
        advice: "No AWS credentials were found: sign in, such as with `aws sso login`, or set AWS_PROFILE.",
    },
    Cause {
        marks: &[
            "credentials",
            "InvalidClientTokenId",
            "UnrecognizedClient",
            "InvalidSignature",
            "SignatureDoesNotMatch",
            "MissingAuthenticationToken",
            "IncompleteSignature",
        ],
        advice: "AWS does not take these credentials: check AWS_PROFILE, the keys, and this machine's clock.",
    },
    Cause {
        marks: &["AccessDenied", "UnauthorizedOperation", "not authorized"],
        advice: "These credentials may not call CALLS.",
    },
    Cause {
        marks: &[
            "TooManyRequests",
            "Throttl",
            "RequestLimitExceeded",
            "ProvisionedThroughputExceeded",
            "SlowDown",
        ],
        advice: "AWS refused CALLS because of too many requests: ask again in a minute.",
    },
    Cause {
        marks: &[
            "dynamodb:GetItem: service error: ResourceNotFound",
            "dynamodb:GetItem: service error: Requested resource",
        ],
        advice: "There is no table \"TABLE\" in REGION: the output MemoryTable of the guard's stack has its name.",
    },
    Cause {
        marks: &["dns error", "failed to lookup"],
        advice: "The host of AWS in REGION was not found: check the network, and that REGION is the region meant.",
    },
    Cause {
        marks: &["certificate"],
        advice: "The certificate of AWS is not trusted here: check this machine's certificates, and for a proxy in between.",
    },
    Cause {
        marks: &[
            "timed out",
            "timeout",
            "deadline",
            "connection refused",
            "Connection refused",
            "connect error",
            "HttpTimeout",
        ],
        advice: "AWS did not answer CALLS in time: check the network, and ask again.",
    },
];

/// What failed, grouped by cause: advice with the calls it is about, and below it the words of the first failure.
pub(super) fn told(problems: &[String], region: &str, table: Option<&str>) -> Vec<String> {
    let mut groups: BTreeMap<usize, Vec<&String>> = BTreeMap::new();
    for problem in problems {
        let place = CAUSES.iter().position(|cause| cause.marks.iter().any(|mark| problem.contains(mark)));
        groups.entry(place.unwrap_or(CAUSES.len())).or_default().push(problem);
    }
    let mut lines = Vec::new();
    for (place, problems) in groups {
        let Some(cause) = CAUSES.get(place) else {
            lines.extend(problems.into_iter().cloned());
            continue;
        };
        let mut calls: Vec<&str> = problems.iter().filter_map(|problem| call(problem)).collect();
        calls.sort_unstable();
        calls.dedup();
        let calls = if calls.is_empty() { "AWS".to_owned() } else { calls.join(", ") };
        let advice = cause.advice.replace("CALLS", &calls).replace("REGION", region);
        lines.push(advice.replace("TABLE", table.unwrap_or_default()));
        lines.extend(problems.first().map(|problem| format!("  {problem}")));
    }
    lines
}

/// The call in the text of a problem: `lambda:ListFunctions`.
fn call(problem: &str) -> Option<&str> {
    problem.split(": ").find(|part| {
        let operation = part.split_once(':');
        operation.is_some_and(|(service, operation)| {
            !service.is_empty()
                && service.bytes().all(|byte| byte.is_ascii_lowercase())
                && operation.starts_with(|first: char| first.is_ascii_uppercase())
                && operation.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(problems: &[&str]) -> Vec<String> {
        let problems: Vec<String> = problems.iter().map(|problem| (*problem).to_owned()).collect();
        told(&problems, "eu-central-1", Some("dow-gaurd"))
    }

    #[test]
    fn one_cause_is_told_once_with_all_its_calls_and_the_first_answer() {
        assert_eq!(
            lines(&[
                "lambda:ListFunctions: AccessDeniedException (HTTP 403): no",
                "cloudwatch:GetMetricData: 1 call failed: service error: unhandled error (AccessDeniedException)",
            ]),
            [
                "These credentials may not call cloudwatch:GetMetricData, lambda:ListFunctions.",
                "  lambda:ListFunctions: AccessDeniedException (HTTP 403): no",
            ]
        );
    }

    #[test]
    fn several_causes_are_told_one_by_one_and_what_nobody_knows_as_it_is() {
        let told = lines(&[
            "lambda:ListFunctions: InternalServiceException (HTTP 500): odd",
            "lambda:GetPolicy: TooManyRequestsException (HTTP 429): slow",
            "nothing was changed, because the guard cannot remember: dynamodb:GetItem: service error: \
             ResourceNotFoundException: Requested resource not found",
        ]);
        assert_eq!(
            told,
            [
                "AWS refused lambda:GetPolicy because of too many requests: ask again in a minute.",
                "  lambda:GetPolicy: TooManyRequestsException (HTTP 429): slow",
                "There is no table \"dow-gaurd\" in eu-central-1: the output MemoryTable of the guard's stack has its name.",
                "  nothing was changed, because the guard cannot remember: dynamodb:GetItem: service error: \
                 ResourceNotFoundException: Requested resource not found",
                "lambda:ListFunctions: InternalServiceException (HTTP 500): odd",
            ]
        );
    }

    #[test]
    fn a_session_that_has_expired_is_no_missing_permission() {
        let expired =
            lines(&["lambda:ListFunctions: ExpiredTokenException (HTTP 403): the credentials have expired"]);
        assert!(expired[0].starts_with("The AWS session has expired"), "{expired:?}");
        let invalid = lines(&["lambda:ListFunctions: UnrecognizedClientException (HTTP 403): invalid token"]);
        assert!(invalid[0].starts_with("AWS does not take these credentials"), "{invalid:?}");
    }
}
