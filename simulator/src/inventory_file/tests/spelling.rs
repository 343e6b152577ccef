//! Spellings of YAML and JSON that AWS's own tools take.

use super::*;

/// A template with one function and these properties.
fn function_with(properties: &str) -> String {
    let indented: String = properties.lines().map(|line| format!("      {line}\n")).collect();
    format!("Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n{indented}")
}

fn memory_and_timeout(text: &str) -> (u32, u32) {
    let reading = of(&[text]);
    let function = function(&reading, "F");
    (function.memory_mb, function.timeout_s)
}

#[test]
fn brackets_may_close_at_the_column_of_their_key_or_before_it() {
    let closed = function_with(
        "Environment: {\n  Variables: {\n    A: b\n}\n}\nLayers: [\n  x,\ny\n]\nMemorySize: 640\nTimeout: 7",
    );
    assert_eq!(memory_and_timeout(&closed), (640, 7));
    let outermost = "Resources: {\n\"F\": {\n\"Type\": \"AWS::Lambda::Function\",\n\"Properties\": {\"MemorySize\":512,\"Timeout\":9}\n}\n}\n";
    assert_eq!(memory_and_timeout(outermost), (512, 9));
    let quoted = function_with("Description: \"two\nlines\"\nMemorySize: 192");
    assert_eq!(memory_and_timeout(&quoted), (192, 3));
}

#[test]
fn of_equal_keys_the_last_counts_and_the_warning_names_key_and_line() {
    let reading = of(&[&function_with("Timeout: 5\nMemorySize: 512\nTimeout: 60\nTimeout: 8")]);
    assert_eq!(function(&reading, "F").timeout_s, 8);
    let said: Vec<&String> = reading.warnings.iter().filter(|said| said.contains("twice")).collect();
    assert_eq!(
        said,
        [
            "file:7:7: Timeout is there twice: the last one counts",
            "file:8:7: Timeout is there twice: the last one counts"
        ]
    );
    let whole = "Resources:\n  F: {}\n  F: {Type: AWS::Lambda::Function, Properties: {Timeout: 4}}\n";
    assert_eq!(memory_and_timeout(whole), (128, 4));
}

#[test]
fn of_equal_keys_in_json_the_last_counts_and_the_warning_names_key_and_line() {
    let text = "{\"Resources\": {\"F\": {\n  \"Type\": \"AWS::Lambda::Function\",\n  \"Properties\": {\n    \"Timeout\": 5,\n    \"MemorySize\": 256,\n    \"Timeout\": 50\n}}}}";
    let reading = of(&[text]);
    assert_eq!(function(&reading, "F").timeout_s, 50);
    assert_eq!(reading.warnings[0], "file:6:5: Timeout is there twice: the last one counts");
    let second = format!("{{\"Functions\": []}}\n{text}");
    assert_eq!(of(&[&second]).warnings[0], "file:7:5: Timeout is there twice: the last one counts");
}

#[test]
fn a_merge_takes_maps_in_and_own_keys_win() {
    let template = |merge: &str| {
        format!(
            "A: &a {{MemorySize: 300, Timeout: 30}}\nB: &b\n  MemorySize: 400\n  Tags: {{team: b}}\n{}",
            function_with(merge)
        )
    };
    let read = |merge: &str| memory_and_timeout(&template(merge));
    assert_eq!(read("<<: *a"), (300, 30));
    assert_eq!(read("Timeout: 5\n<<: *a"), (300, 5), "wherever they stand");
    assert_eq!(read("<<: *a\nTimeout: 5"), (300, 5));
    assert_eq!(read("<<: [*a, *b]"), (300, 30), "the first of a list wins");
    assert_eq!(read("<<: [*b, *a]"), (400, 30));
    assert_eq!(read("<<:\n- *b\n- {Timeout: 12}"), (400, 12));
    assert_eq!(read("<<: {<<: *b, Timeout: 6}"), (400, 6), "merges within merges");
    assert_eq!(read("<<: *a\n<<: *b"), (400, 30));
    assert_eq!(read("!!merge <<: *a"), (300, 30));
    assert!(!is_warned(&of(&[&template("<<: *a\nTimeout: 5")]), &["twice"]));
    let nested = template("<<: *a\nEphemeralStorage:\n  <<: {Size: 1024}");
    assert_eq!(function(&of(&[&nested]), "F").ephemeral_mb, 1024);
    let quoted = error(&template("'<<': *a\nTimeout: x"));
    assert!(quoted.contains("Timeout"), "a quoted << is a key: {quoted}");
    for odd in ["<<: text", "<<: [*a, text]", "<<: !Ref A", "<<:"] {
        assert!(error(&template(odd)).ends_with("<< merges a map or a list of maps"), "{odd}");
    }
}
