//! `Fn::ForEach`.

use super::*;

fn names(reading: &Reading) -> Vec<&str> {
    reading.inventory.functions.iter().map(|function| function.name.as_str()).collect()
}

const FUNCTION_OF_LOOP: &str = "{Type: AWS::Lambda::Function, Properties: {FunctionName: !Sub 'q-${Size}', MemorySize: !Ref Size, Timeout: !FindInMap [Waits, '${Size}', S]}}";

#[test]
fn a_loop_stands_for_its_rounds_in_ids_texts_and_references() {
    let text = format!(
        "Parameters: {{Sizes: {{Type: CommaDelimitedList, Default: '256, 512'}}}}\nMappings: {{Waits: {{'256': {{S: 7}}, '512': {{S: 8}}}}}}\nResources:\n  'Fn::ForEach::Sized':\n  - Size\n  - !Ref Sizes\n  - 'Of${{Size}}': {FUNCTION_OF_LOOP}\n"
    );
    let reading = of(&[&text]);
    assert_eq!(names(&reading), ["q-256", "q-512"]);
    let large = function(&reading, "q-512");
    assert_eq!((large.memory_mb, large.timeout_s), (512, 8));
    let options = Options { parameters: [("Sizes".into(), "256".into())].into(), ..Options::default() };
    assert_eq!(names(&with(&[&text], &options).unwrap()), ["q-256"]);
}

#[test]
fn loops_nest_and_letters_and_digits_alone_make_an_id() {
    let text = "{\"Resources\": {\"Fn::ForEach::Zones\": [\"Zone\", [\"eu.west\", \"us.east\"], {\"Fn::ForEach::Kinds\": [\"Kind\", [\"A\", \"B\"], {\"&{Zone}${Kind}\": {\"Type\": \"AWS::Lambda::Function\", \"Properties\": {\"Timeout\": 9, \"Tags\": [{\"Key\": \"zone\", \"Value\": {\"Ref\": \"Zone\"}}, {\"Key\": \"both\", \"Value\": {\"Fn::Sub\": \"${Zone}/${Kind}\"}}]}}}]}]}}";
    let reading = of(&[text]);
    assert_eq!(names(&reading), ["euwestA", "euwestB", "useastA", "useastB"]);
    let tags = &function(&reading, "euwestB").tags;
    assert_eq!((tags["zone"].as_str(), tags["both"].as_str()), ("eu.west", "eu.west/B"));
}

#[test]
fn a_loop_within_properties_and_conditions_is_expanded_too() {
    let text = "Conditions:\n  Fn::ForEach::C: [Of, [One], {'Is${Of}': !Equals [a, b]}]\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Events:\n        Fn::ForEach::Jobs:\n        - Job\n        - [Mail, Print]\n        - '${Job}Queue': {Type: SQS, Properties: {Queue: !GetAtt ['${Job}', Arn]}}\n  Gone: {Type: AWS::Lambda::Function, Condition: IsOne}\n  Fn::ForEach::Queues:\n  - Job\n  - [Mail, Print]\n  - '${Job}': {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: {maxReceiveCount: 3}}}\nOutputs:\n  Fn::ForEach::Out: [Job, [Mail], {'${Job}Name': {Value: !Ref '${Job}'}}]\n";
    let reading = of(&[text]);
    assert_eq!(names(&reading), ["F"]);
    let mappings = &function(&reading, "F").mappings;
    assert!(mappings.len() == 2 && mappings.iter().all(|mapping| mapping.has_dead_letter()), "{mappings:?}");
}

#[test]
fn a_loop_over_an_unknown_list_counts_one_round_and_says_so() {
    for list in ["!Ref Teams", "!FindInMap [Lists, a, b]", "!ImportValue teams"] {
        let text = format!(
            "Parameters: {{Teams: {{Type: CommaDelimitedList}}}}\nResources:\n  Fn::ForEach::Apis: [Team, {list}, {{'${{Team}}Api': {{Type: AWS::Lambda::Function, Properties: {{Timeout: 9}}}}}}]\n"
        );
        let reading = of(&[&text]);
        assert_eq!(names(&reading), ["TeamApi"]);
        assert!(is_warned(&reading, &["Resources.Fn::ForEach::Apis", "not known", "there may be more"]));
    }
}

#[test]
fn a_loop_of_another_shape_is_an_error_and_one_that_grows_too_large_too() {
    for odd in ["5", "[A, [b]]", "[A, [b], c]", "[[A], [b], {}]"] {
        let text = format!("Resources:\n  Fn::ForEach::L: {odd}\n");
        assert!(
            error(&text).contains("a loop has an identifier, a list and a map"),
            "{odd}: {}",
            error(&text)
        );
    }
    let items = vec!["x"; 200].join(", ");
    let mut body = "{}".to_owned();
    for level in 0..6 {
        body = format!("{{'Fn::ForEach::L{level}': [I{level}, [{items}], {body}]}}");
    }
    assert!(error(&format!("Resources: {body}\n")).contains("more of the template than can be read"));
}
