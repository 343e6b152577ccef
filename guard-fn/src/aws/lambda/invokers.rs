//! The callers of a function, read from its resource policy. Lambda never reports whether a function is invoked
//! synchronously or asynchronously, and the difference decides whether a stop loses events.

use guard_core::inventory::{AsyncConfig, Function};
use serde_json::Value;

use crate::survey::Invokers;

/// Services that wait for the answer ("Invoking Lambda with events from other AWS services", Lambda Developer Guide,
/// read 2026-11), by the first label of their principal. Every other service is taken to leave events, and those in
/// [`EITHER`] to do both.
const SYNCHRONOUS: [&str; 18] = [
    "alexa-appkit",
    "alexa-connectedhome",
    "apigateway",
    "appsync",
    "bedrock",
    "cloudfront",
    "cognito-idp",
    "cognito-sync",
    "connect",
    "edgelambda",
    "elasticloadbalancing",
    "firehose",
    "lex",
    "lexv2",
    "secretsmanager",
    "states",
    "transfer",
    "vpc-lattice",
];

/// Services that may do either.
const EITHER: [&str; 4] = ["ses", "rds", "scheduler", "lambda"];

impl Invokers {
    /// Reads a resource policy; a statement that it does not understand counts as both.
    pub(super) fn of_policy(policy: &str) -> Self {
        let Ok(policy) = serde_json::from_str::<Value>(policy) else { return Invokers::BOTH };
        let statements = each(policy.get("Statement")).filter(|statement| {
            statement.get("Effect").and_then(Value::as_str).is_none_or(|effect| effect == "Allow")
        });
        statements.map(of_statement).fold(Invokers::default(), Invokers::or)
    }

    pub(super) const BOTH: Invokers = Invokers { synchronous: true, asynchronous: true };
    const WAITS: Invokers = Invokers { synchronous: true, asynchronous: false };

    pub(super) const fn or(self, other: Invokers) -> Invokers {
        Invokers {
            synchronous: self.synchronous || other.synchronous,
            asynchronous: self.asynchronous || other.asynchronous,
        }
    }
}

/// Records in a function how it is invoked, as far as that is known.
///
/// - Asynchronous settings other than Lambda's defaults, a dead-letter queue or a destination: asynchronous, whatever
///   the policy says. While the guard's own settings are in force this is so too, so its levers never vanish.
/// - A policy that was not read yet, or admits no caller although nothing is polled (then people and roles invoke it:
///   SDK, Scheduler, Step Functions): both. A stop is refused then if events would be lost.
/// - A policy that admits no caller, and an event source mapping: polled only.
/// - Otherwise as the policy says. It does not show a role that also leaves events in a function made for an API.
pub(super) fn resolve(function: &mut Function, invokers: Option<Invokers>) {
    let config = function.asynchronous.unwrap_or_default();
    let is_configured = config != AsyncConfig::default();
    let found = match invokers {
        Some(none) if none == Invokers::default() && function.mappings.is_empty() => Invokers::BOTH,
        None => Invokers::BOTH,
        Some(known) => known,
    };
    function.synchronous = found.synchronous;
    function.asynchronous = (found.asynchronous || is_configured).then_some(config);
}

fn of_statement(statement: &Value) -> Invokers {
    let actions: Vec<&str> = each(statement.get("Action")).filter_map(Value::as_str).collect();
    let invokes =
        |action: &&str| *action == "*" || *action == "lambda:*" || action.starts_with("lambda:Invoke");
    if !actions.is_empty() && !actions.iter().any(invokes) {
        return Invokers::default();
    }
    let by_url = statement.get("Condition").is_some_and(|condition| {
        // The second half of a Function URL's permission, since October 2025.
        condition.to_string().contains("lambda:InvokedViaFunctionUrl")
    });
    if by_url || (!actions.is_empty() && actions.iter().all(|action| *action == "lambda:InvokeFunctionUrl")) {
        return Invokers::WAITS;
    }
    let services = statement.get("Principal").and_then(|principal| principal.get("Service"));
    match services {
        Some(services) => {
            let names = each(Some(services)).filter_map(Value::as_str);
            names.map(of_service).fold(Invokers::default(), Invokers::or)
        }
        // An account, a role, everybody: any such caller may do either.
        None => Invokers::BOTH,
    }
}

fn of_service(principal: &str) -> Invokers {
    // `events.amazonaws.com`, but `lambda.alarms.cloudwatch.amazonaws.com`, which leaves events.
    let label = principal.split('.').next().unwrap_or_default();
    if principal.contains(".alarms.") {
        return Invokers { synchronous: false, asynchronous: true };
    }
    match label {
        _ if SYNCHRONOUS.contains(&label) => Invokers::WAITS,
        _ if EITHER.contains(&label) => Invokers::BOTH,
        _ => Invokers { synchronous: false, asynchronous: true },
    }
}

/// One value, or each of a list.
fn each(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    match value {
        Some(Value::Array(list)) => list.iter(),
        Some(one) => std::slice::from_ref(one).iter(),
        None => [].iter(),
    }
}

#[cfg(test)]
mod tests {
    use guard_core::inventory::{EventSource, EventSourceMapping};
    use guard_core::name::MappingId;
    use serde_json::json;

    use super::*;

    fn policy(statements: &Value) -> Invokers {
        Invokers::of_policy(&json!({"Version": "2012-10-17", "Statement": statements}).to_string())
    }

    fn service(name: &str) -> Invokers {
        policy(
            &json!([{"Effect": "Allow", "Principal": {"Service": name}, "Action": "lambda:InvokeFunction"}]),
        )
    }

    const LEAVES: Invokers = Invokers { synchronous: false, asynchronous: true };

    #[test]
    fn services_leave_events_or_wait_for_the_answer() {
        for name in ["s3", "sns", "events", "logs", "iot", "lambda.alarms.cloudwatch"] {
            assert_eq!(service(&format!("{name}.amazonaws.com")), LEAVES, "{name}");
        }
        for name in ["apigateway", "elasticloadbalancing", "cognito-idp"] {
            assert_eq!(service(&format!("{name}.amazonaws.com")), Invokers::WAITS, "{name}");
        }
        assert_eq!(service("apigateway.amazonaws.com.cn"), Invokers::WAITS);
        assert_eq!(service("ses.amazonaws.com"), Invokers::BOTH);
    }

    #[test]
    fn both_halves_of_a_function_url_are_synchronous() {
        let url = json!({"Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunctionUrl",
            "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}});
        let half = json!({"Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunction",
            "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}});
        assert_eq!(policy(&json!([url, half])), Invokers::WAITS);
        assert_eq!(policy(&url), Invokers::WAITS, "a single statement without a list");
    }

    #[test]
    fn accounts_everybody_and_unreadable_policies_count_as_both() {
        let account = json!([{"Effect": "Allow", "Principal": {"AWS": "123456789012"},
            "Action": "lambda:InvokeFunction"}]);
        assert_eq!(policy(&account), Invokers::BOTH);
        assert_eq!(Invokers::of_policy("{"), Invokers::BOTH);
        let denied = json!([{"Effect": "Deny", "Principal": "*", "Action": "lambda:InvokeFunction"}]);
        assert_eq!(policy(&denied), Invokers::default());
        let other = json!([{"Effect": "Allow", "Principal": "*", "Action": "lambda:GetFunction"}]);
        assert_eq!(policy(&other), Invokers::default());
    }

    fn resolved(mapped: bool, config: Option<AsyncConfig>, invokers: Option<Invokers>) -> (bool, bool) {
        let mut function = Function::new("f", 128, 3);
        function.asynchronous = config;
        if mapped {
            function.mappings.push(EventSourceMapping {
                id: MappingId::from("m"),
                enabled: true,
                batch_size: 10,
                source: EventSource::Sqs {
                    max_concurrency: None,
                    provisioned_pollers: false,
                    max_receive_count: None,
                    retention_s: 345_600,
                },
            });
        }
        resolve(&mut function, invokers);
        (function.synchronous, function.asynchronous.is_some())
    }

    #[test]
    fn what_is_not_known_counts_as_both_and_a_mapping_alone_is_polled_only() {
        assert_eq!(resolved(false, None, None), (true, true));
        assert_eq!(resolved(true, None, None), (true, true));
        assert_eq!(resolved(false, None, Some(Invokers::default())), (true, true));
        assert_eq!(resolved(true, None, Some(Invokers::default())), (false, false));
        assert_eq!(resolved(false, None, Some(Invokers::WAITS)), (true, false));
        assert_eq!(resolved(true, None, Some(LEAVES)), (false, true));
    }

    #[test]
    fn settings_of_its_own_make_a_function_asynchronous_whatever_the_policy_says() {
        let own = AsyncConfig { max_retries: 0, ..AsyncConfig::default() };
        assert_eq!(resolved(false, Some(own), Some(Invokers::WAITS)), (true, true));
        let caught = AsyncConfig { on_failure: true, ..AsyncConfig::default() };
        assert_eq!(resolved(true, Some(caught), Some(Invokers::default())), (false, true));
        assert_eq!(resolved(false, Some(AsyncConfig::default()), Some(Invokers::WAITS)), (true, false));
    }
}
