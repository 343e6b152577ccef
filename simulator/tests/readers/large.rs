//! Files of a megabyte made to be dear: each is read or refused in a moment, in words that are short, and in memory that
//! does not multiply.

use std::time::{Duration, Instant};

use super::promise;

/// Bytes of a file.
const SIZE: usize = 1_000_000;

/// No claim about speed: work that grows with the square of the size takes minutes and not seconds here.
const LONGEST: Duration = Duration::from_secs(60);

fn repeated(head: &str, part: impl Fn(usize) -> String, tail: &str) -> String {
    let mut text = head.to_owned();
    for number in 0.. {
        if text.len() >= SIZE {
            break;
        }
        text.push_str(&part(number));
    }
    text + tail
}

fn long() -> String {
    "x".repeat(SIZE)
}

#[expect(clippy::disallowed_methods, reason = "a test measures durations")]
fn soon(name: &str, promise: impl FnOnce()) {
    let begun = Instant::now();
    promise();
    let taken = begun.elapsed();
    assert!(taken < LONGEST, "{name} took {taken:?}");
}

#[test]
fn a_large_trace_is_read_or_refused_soon_and_in_short_words() {
    let line = |path: &str| format!("1 - - [10/Oct/2000:13:55:36 -0700] \"GET {path} HTTP/1.0\" 200 2\n");
    let series = |n: usize| {
        format!("{{\"Id\":\"m{n}\",\"Label\":\"f{n} Duration Sum\",\"Timestamps\":[0],\"Values\":[1]}},")
    };
    let counts = |n: usize| {
        format!(
            "{{\"Id\":\"m{n}\",\"Label\":\"f{n} Invocations\",\"Timestamps\":[0],\"Values\":[1]}},{}",
            series(n)
        )
    };
    let tail = "{\"Id\":\"z\",\"Timestamps\":[],\"Values\":[]}]}";
    let cases = [
        ("a long cell", format!("period,count\n2000-01-01 00:00:00,{}\n", long())),
        ("a long column", format!("HashFunction,1,{}\nf,1\n", long())),
        ("a long header", format!("function,mean_ms,{}\n", long())),
        (
            "a long time",
            format!("1 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" {} 2\n", "y".repeat(SIZE / 2)),
        ),
        ("many columns", repeated("HashFunction", |n| format!(",c{n}"), "\nf\n")),
        ("many functions", repeated("HashFunction,1\n", |n| format!("{n},1\n"), "")),
        ("many paths", repeated("", |n| line(&format!("/{n}/a")), "")),
        ("a log of a year", line("/a") + &line("/b").replace("2000", "2001").replace("10/Oct", "09/Oct")),
        ("many series", repeated("{\"MetricDataResults\":[", counts, tail)),
        ("deep JSON", format!("{{\"MetricDataResults\":{}", "[".repeat(SIZE))),
        ("many messages", repeated("{\"MetricDataResults\":[],\"Messages\":[", |_| "{},".to_owned(), "{}]}")),
        ("quotes in a request", line(&"\"".repeat(SIZE / 2)) + &line(&"\" ".repeat(SIZE / 4))),
        ("many times", repeated("1 - - ", |_| "[10/Oct/2000:13:55:36 -0700] \"".to_owned(), "\n")),
        ("quotes in JSON", format!("{{\"requestTime\":\"{}\"}}\n", "\"".repeat(SIZE / 2))),
        ("colons in JSON", format!("{{\"requestTime\"{}}}\n", ":".repeat(SIZE / 2))),
        ("many tags", repeated("<request><requestTime>", |n| format!("<t{n}>"), "</request>\n")),
        ("many events", repeated("{\"events\":[", |_| "{\"message\":\"x\"},".to_owned(), "{}]}")),
        ("deep events", format!("{{\"events\":{}", "[".repeat(SIZE))),
        ("many words", format!("2026-11-02T00:00:00Z REPORT RequestId: {}\n", "a: b ".repeat(SIZE / 8))),
        ("quotes that do not close", "\"".repeat(SIZE)),
    ];
    for (name, text) in cases {
        soon(name, || promise::trace(text.as_bytes()));
    }
}

#[test]
fn a_large_scenario_is_read_or_refused_soon_and_in_short_words() {
    let head = "schema = 1\ntitle = \"t\"\nstart = \"2026-11-04T06:00:00Z\"\nminutes = 9\n";
    let queue = "[[function.queue]]\nname = \"q\"\nbatch_size = 0\n";
    let name = "n".repeat(SIZE / 2);
    let cases = [
        ("a long title", format!("title = \"{}", long())),
        ("a long key", format!("{} = 1", long())),
        ("many functions", repeated(head, |_| "[[function]]\nname = \"\"\nmemory_mb = 1\n".to_owned(), "")),
        ("many names", repeated(head, |n| format!("[[function]]\nname = \"{n}\"\nmemory_mb = 128\n"), "")),
        (
            "queues of a long name",
            repeated(&format!("{head}[[function]]\nname = \"{name}\"\n"), |_| queue.to_owned(), ""),
        ),
        (
            "many traffics",
            repeated(
                head,
                |n| format!("[[traffic]]\nname=\"{n}\"\nfunction=\"f\"\nrate={{law=\"once\",events=1}}\n"),
                "",
            ),
        ),
        ("deep lists", format!("{head}a = {}", "[".repeat(SIZE))),
        ("deep keys", format!("{head}{}a = 1", "a.".repeat(SIZE / 2))),
        ("deep tables", format!("{head}a = {}", "{a=".repeat(SIZE / 3))),
    ];
    for (name, text) in cases {
        soon(name, || promise::scenario(text.as_bytes()));
    }
}

#[test]
fn a_large_policy_is_read_or_refused_soon_and_in_short_words() {
    let budget = "[[budget]]\nname = \"a\"\nperiod = \"day\"\nusd = 1\n";
    let cases = [
        ("a long name", format!("[[budget]]\nname = \"{}\"\nperiod = \"day\"\nusd = 1\n", long())),
        ("a long key", format!("{} = 1", long())),
        ("a long value", format!("armed = \"{}\"", long())),
        ("a long word", format!("[[budget]]\nmode = \"{}\"", long())),
        ("many budgets", repeated("", |_| budget.to_owned(), "")),
        ("many companions", repeated("", |n| format!("[[companion]]\nfunctions=\"{n}*\"\n"), "")),
        ("many protected", repeated("protected = [", |_| "\"\",".to_owned(), "]\n")),
        ("many thresholds", repeated(&format!("{budget}thresholds_percent = ["), |_| "0,".to_owned(), "]\n")),
        (
            "many tags",
            repeated(&format!("{budget}scope.tags = {{"), |n| format!("\"{n}*\"=\"\","), "z=\"\"}\n"),
        ),
        ("deep lists", format!("a = {}", "[".repeat(SIZE))),
        ("deep keys", format!("{}a = 1", "a.".repeat(SIZE / 2))),
    ];
    for (name, text) in cases {
        soon(name, || promise::policy(text.as_bytes()));
    }
}

/// A template with a function whose name is an expression, after other sections.
fn template(sections: &str, name: &str) -> String {
    format!(
        "{sections}Resources:\n  F:\n    Type: AWS::Lambda::Function\n    Properties:\n      FunctionName: {name}\n"
    )
}

/// Each level says the one below twice.
fn doubled(levels: usize) -> String {
    (0..levels)
        .fold("x".to_owned(), |inner, _| format!("{{\"Fn::Sub\": [\"${{a}}${{a}}\", {{\"a\": {inner}}}]}}"))
}

#[test]
fn a_template_that_grows_when_it_is_resolved_is_refused_with_its_resource_or_left_unresolved() {
    let itself = "Conditions:\n  C: !And [{Condition: C}, {Condition: C}]\n";
    let conditional = template(itself, "f").replace("    Properties", "    Condition: C\n    Properties");
    let parameter =
        format!("Parameters:\n  P:\n    Type: String\n    Default: \"{}\"\n", "x".repeat(SIZE / 2));
    let joined = format!("!Sub \"{}\"", "${P}".repeat(SIZE / 8));
    let cases = [
        ("a condition of itself", conditional),
        (
            "a text of itself",
            template("Parameters:\n  P:\n    Default: !Sub \"${P}${P}\"\n", "!Sub \"${P}${P}\""),
        ),
        ("doubled texts", template("", &doubled(30))),
        ("a long parameter many times", template(&parameter, &joined)),
        (
            "globals in many functions",
            repeated(
                &format!(
                    "Globals:\n  Function:\n    Description: \"{}\"\nResources:\n",
                    "x".repeat(SIZE / 2)
                ),
                |n| format!("  F{n}:\n    Type: AWS::Serverless::Function\n"),
                "",
            ),
        ),
    ];
    for (name, text) in cases {
        soon(name, || promise::inventory(text.as_bytes()));
        // An expression that a parameter may not hold is left unresolved, and what grows beyond measure is refused.
        match promise::read_inventory(&text) {
            Ok(reading) => {
                let is_told = |told: &String| told.contains("cannot be resolved here");
                assert!(reading.warnings.iter().any(is_told), "{name}: {reading:?}");
                assert_eq!(reading.inventory.functions.len(), 1, "{name}");
            }
            Err(refused) => {
                let told = refused.to_string();
                assert!(told.starts_with("some.file: Resources.F"), "{name}: {told}");
                assert!(told.ends_with("make more of the template than can be read"), "{name}: {told}");
            }
        }
    }
}

#[test]
fn a_large_inventory_is_read_or_refused_soon_and_in_short_words() {
    let id = "i".repeat(SIZE / 2);
    let tags = "        - {Key: a, Value: b}\n";
    let with_tags = |id: &str| {
        let head =
            format!("Resources:\n  {id}:\n    Type: AWS::Lambda::Function\n    Properties:\n      Tags:\n");
        repeated(&head, |_| tags.to_owned(), "")
    };
    let queue = "Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: {Tags: [";
    let event = |n: usize| format!("E{n}: {{Type: SQS, Properties: {{Queue: !GetAtt Q.Arn}}}}, ");
    let half = (0..100_000).map(|n| format!("{n},")).collect::<String>();
    let events = repeated(
        &format!("{queue}{half}]}}}}\n  F: {{Type: AWS::Serverless::Function, Properties: {{Events: {{"),
        event,
        "}}}\n",
    );
    let cases = [
        ("tags below a long name", with_tags(&id)),
        ("many tags", with_tags("F")),
        ("aliases of a long text", repeated(&format!("a: &a \"{id}\"\nb: ["), |_| "*a,".to_owned(), "]\n")),
        (
            "aliases of aliases",
            (0..40)
                .map(|n| {
                    format!(
                        "a{}: &a{} [{}]\n",
                        n + 1,
                        n + 1,
                        if n == 0 { "x".to_owned() } else { format!("*a{n}, *a{n}, *a{n}") }
                    )
                })
                .collect(),
        ),
        (
            "anchors within anchors",
            format!("{}{}", (0..100).map(|n| format!("&b{n} [")).collect::<String>(), "x,".repeat(SIZE / 2)),
        ),
        ("deep YAML", "[".repeat(SIZE).replace('[', "- ")),
        ("deep JSON", "[".repeat(SIZE)),
        (
            "many functions",
            repeated(
                "{\"Functions\":[",
                |n| format!("{{\"FunctionName\":\"f{n}\",\"MemorySize\":128,\"Timeout\":3}},"),
                "{\"FunctionName\":\"z\",\"MemorySize\":128,\"Timeout\":3}]}",
            ),
        ),
        (
            "many strangers",
            repeated(
                "{\"FunctionEventInvokeConfigs\":[",
                |n| format!("{{\"FunctionArn\":\"::::::{n}\"}},"),
                "{\"FunctionArn\":\"::::::z\"}]}",
            ),
        ),
        ("a queue of many events", events),
        ("a long name", format!("{{\"Functions\":[{{\"FunctionName\":\"{id}\",\"MemorySize\":1}}]}}")),
    ];
    for (name, text) in cases {
        soon(name, || promise::inventory(text.as_bytes()));
    }
}
