//! Values that a template does not say, and values that only AWS knows.

use super::*;

/// A template with one function and these properties, and what stands before it.
fn template(before: &str, properties: &str) -> String {
    let indented: String = properties.lines().map(|line| format!("      {line}\n")).collect();
    format!("{before}\nResources:\n  F:\n    Type: AWS::Lambda::Function\n    Properties:\n{indented}")
}

fn read(before: &str, properties: &str) -> (Reading, Function) {
    let reading = of(&[&template(before, properties)]);
    let function = function(&reading, "F").clone();
    (reading, function)
}

fn given(before: &str, properties: &str, parameters: &[(&str, &str)]) -> Result<Reading, InventoryError> {
    let parameters =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    with(&[&template(before, properties)], &Options { parameters, ..Options::default() })
}

#[test]
fn a_text_for_a_list_is_a_list_of_one() {
    let chip = "Parameters: {Chip: {Type: String, Default: arm64}, Chips: {Type: CommaDelimitedList, Default: 'arm64, x86_64'}}";
    for spelled in [
        "arm64",
        "[arm64]",
        "!Ref Chip",
        "[!Ref Chip]",
        "!Ref Chips",
        "!Select [0, !Ref Chips]",
        "[!Select ['0', !Split [';', 'arm64;x']]]",
        "!Sub '${Chip}'",
    ] {
        let (_, function) = read(chip, &format!("Architectures: {spelled}"));
        assert_eq!(function.architecture, Architecture::Arm64, "{spelled}");
    }
    assert!(error(&template("", "Architectures: mips")).contains("is not x86_64 or arm64"));
    let (_, tagged) = read("", "Tags: {Key: team, Value: shop}");
    assert_eq!(tagged.tags.get("team").map(String::as_str), Some("shop"));
}

#[test]
fn the_default_of_a_parameter_of_systems_manager_is_a_name_and_no_value() {
    for kind in ["String", "Number", "'AWS::EC2::Image::Id'"] {
        let before = format!(
            "Parameters: {{Wait: {{Type: 'AWS::SSM::Parameter::Value<{}>', Default: wait}}}}",
            kind.trim_matches('\'')
        );
        let (reading, function) = read(&before, "Timeout: !Ref Wait\nMemorySize: 256");
        assert_eq!((function.timeout_s, function.memory_mb), (900, 256));
        assert!(is_warned(
            &reading,
            &["Resources.F.Properties.Timeout", "Ref Wait", "900, the dearest", "--parameter"]
        ));
    }
    let before = "Parameters: {Wait: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /a/wait}}";
    let read_with = |value| {
        let reading = given(before, "Timeout: !Ref Wait", &[("Wait", value)]).unwrap();
        function(&reading, "F").timeout_s
    };
    assert_eq!((read_with("20"), read_with("/b/wait")), (20, 900));
    let list = "Parameters: {Chips: {Type: 'AWS::SSM::Parameter::Value<List<String>>', Default: /a/chips}}";
    assert_eq!(read(list, "Architectures: !Ref Chips").1.architecture, Architecture::X86_64);
    let (reading, function) =
        read("", "MemorySize: '{{resolve:ssm:/a/memory}}'\nFunctionName: '{{resolve:ssm:/a/name}}'");
    assert_eq!((function.memory_mb, function.name.as_str()), (10_240, "F"));
    assert!(is_warned(&reading, &["MemorySize", "a dynamic reference"]));
    assert_eq!(read("", "Architectures: '{{resolve:ssm:/a/chip}}'").1.architecture, Architecture::X86_64);
}

#[test]
fn of_an_unknown_condition_the_dearer_branch_counts() {
    let stage = "Parameters: {Stage: {Type: String}}\nConditions:\n  IsProd: !Equals [!Ref Stage, prod]\n  IsSmall: !Not [!Condition IsProd]";
    let memory = |spelled: &str| read(stage, &format!("MemorySize: {spelled}")).1.memory_mb;
    assert_eq!(memory("!If [IsProd, 1024, 512]"), 1024);
    assert_eq!(memory("!If [IsSmall, 192, '1536']"), 1536);
    assert_eq!(memory("!If [IsProd, 256, !Ref AWS::NoValue]"), 256);
    assert_eq!(
        memory("!If [IsProd, !If [IsSmall, 9000, 300], 200]"),
        300,
        "no branch of a branch that contradicts it"
    );
    assert_eq!(memory("!If [IsProd, 256, !ImportValue size]"), 10_240);
    let (reading, function) = read(
        stage,
        "Architectures: [!If [IsProd, arm64, x86_64]]\nReservedConcurrentExecutions: !If [IsProd, 5, !Ref AWS::NoValue]\nEphemeralStorage: !If [IsProd, {Size: 2048}, !Ref AWS::NoValue]\nTimeout: !If [IsProd, 10, 2]",
    );
    assert_eq!(
        (function.architecture, function.reserved, function.ephemeral_mb, function.timeout_s),
        (Architecture::X86_64, None, 2048, 10)
    );
    assert!(is_warned(&reading, &["Resources.F.Properties.Timeout", "Fn::If IsProd", "10, the dearest"]));
    for (alone, memory) in [("!Ref Size", 1024), ("!Sub '${Size}'", 1024), ("!Sub '${ Size }'", 1024)] {
        let sizes = "Parameters: {Size: {Type: Number, AllowedValues: [256, 1024]}}";
        assert_eq!(read(sizes, &format!("MemorySize: {alone}")).1.memory_mb, memory, "{alone}");
    }
    let known = given(stage, "MemorySize: !If [IsProd, 1024, 512]", &[("Stage", "dev")]).unwrap();
    assert_eq!(function_memory(&known), 512);
}

fn function_memory(reading: &Reading) -> u32 {
    function(reading, "F").memory_mb
}

#[test]
fn of_a_parameter_without_value_the_dearest_that_it_allows_counts() {
    let memory = |parameter: &str| {
        read(&format!("Parameters: {{Size: {parameter}}}"), "MemorySize: !Ref Size").1.memory_mb
    };
    assert_eq!(memory("{Type: Number, AllowedValues: [128, 1024, 512]}"), 1024);
    assert_eq!(memory("{Type: Number, MinValue: 128, MaxValue: 2048}"), 2048);
    assert_eq!(memory("{Type: Number}"), 10_240);
    assert_eq!(memory("{Type: Number, Default: }"), 10_240);
    let sizes =
        "Parameters: {Stage: {Type: String}}\nMappings: {Sizes: {dev: {Memory: 256}, prod: {Memory: 3072}}}";
    assert_eq!(read(sizes, "MemorySize: !FindInMap [Sizes, !Ref Stage, Memory]").1.memory_mb, 3072);
    let allowed = "Parameters: {Stage: {Type: String, AllowedValues: [dev, test]}}\nConditions: {IsProd: !Equals [prod, !Ref Stage]}";
    let (reading, function) = read(allowed, "MemorySize: !If [IsProd, 3072, 256]");
    assert_eq!(function.memory_mb, 256, "what is not allowed cannot be");
    assert!(!is_warned(&reading, &["MemorySize"]));
}

#[test]
fn of_a_mapping_the_dearest_counts_too() {
    let text = "Parameters: {Most: {Type: Number}}\nConditions: {IsBig: !Equals [!Ref Most, '9']}\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Events:\n        Jobs:\n          Type: SQS\n          Properties: {Queue: !GetAtt Q.Arn, BatchSize: !Ref Most, Enabled: !If [IsBig, true, false], ScalingConfig: !If [IsBig, {MaximumConcurrency: 7}, {MaximumConcurrency: 3}]}\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {RedrivePolicy: !If [IsBig, {maxReceiveCount: 4}, !Ref AWS::NoValue]}\n";
    let reading = of(&[text]);
    let mapping = &function(&reading, "F").mappings[0];
    assert_eq!((mapping.batch_size, mapping.enabled, mapping.has_dead_letter()), (1, true, false));
    let EventSource::Sqs { max_concurrency, .. } = mapping.source else { panic!() };
    assert_eq!(max_concurrency, Some(7));
}

#[test]
fn a_parameter_that_no_template_has_is_refused_with_the_nearest() {
    let before = "Parameters: {Stage: {Type: String}, TimeoutSeconds: {Type: Number}}";
    let refused = given(before, "Timeout: !Ref TimeoutSeconds", &[("timeoutseconds", "5")]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "--parameter: no template has a parameter named timeoutseconds; the nearest that one has is TimeoutSeconds"
    );
    assert_eq!(
        given("", "Timeout: 5", &[("Stage", "prod")]).unwrap_err().to_string(),
        "--parameter: no template has a parameter named Stage"
    );
    let options = Options { parameters: [("Stage".into(), "x".into())].into(), ..Options::default() };
    assert!(with(&[LIST], &options).is_err());
    let two = [template("", "Timeout: 5"), template(before, "Timeout: 6").replace("  F:", "  G:")];
    assert!(with(&[&two[0], &two[1]], &options).is_ok(), "one template of several may have it");
}

#[test]
fn a_value_that_its_parameter_does_not_allow_is_refused() {
    let before = "Parameters: {Stage: {Type: String, AllowedValues: [dev, prod]}, Size: {Type: Number, AllowedValues: [256, 512]}}";
    assert_eq!(
        given(before, "Timeout: 5", &[("Stage", "Prod")]).unwrap_err().to_string(),
        "file: Parameters.Stage: \"Prod\" is not one of its AllowedValues (dev, prod)"
    );
    assert_eq!(function_memory(&given(before, "MemorySize: !Ref Size", &[("Size", "512")]).unwrap()), 512);
}

#[test]
fn a_property_that_is_the_same_in_both_branches_is_known() {
    let before = "Conditions: {C: !Equals [!Ref AWS::Region, a]}";
    let (reading, function) =
        read(before, "MemorySize: !If [C, 640, 640]\nTimeout: !If [C, !Ref AWS::NoValue, !Ref AWS::NoValue]");
    assert_eq!((function.memory_mb, function.timeout_s), (640, 3));
    assert!(!is_warned(&reading, &["Resources.F"]));
}

#[test]
fn of_two_queues_that_a_mapping_may_poll_the_dearer_counts() {
    let text = |other: &str| {
        format!(
            "Conditions: {{C: !Equals [!Ref AWS::Region, a]}}\nResources:\n  F: {{Type: AWS::Serverless::Function, Properties: {{Events: {{Q: {{Type: SQS, Properties: {{Queue: !If [C, !GetAtt Q.Arn, {other}]}}}}}}}}}}\n  Q: {{Type: AWS::SQS::Queue, Properties: {{RedrivePolicy: {{maxReceiveCount: 3}}}}}}\n  Bare: {{Type: AWS::SQS::Queue}}\n  Caught: {{Type: AWS::SQS::Queue, Properties: {{RedrivePolicy: {{maxReceiveCount: 8}}}}}}\n"
        )
    };
    let receives = |other| {
        let reading = of(&[&text(other)]);
        let EventSource::Sqs { max_receive_count, .. } = function(&reading, "F").mappings[0].source else {
            panic!()
        };
        (max_receive_count, !reading.unknown_dead_letter.is_empty())
    };
    assert_eq!(receives("!GetAtt Bare.Arn"), (None, false));
    assert_eq!(receives("!GetAtt Caught.Arn"), (Some(8), false));
    assert_eq!(receives("!ImportValue other"), (None, true));
}

#[test]
fn a_way_in_that_may_be_missing_leaves_the_function_as_one_without() {
    let text = |function: &str, more: &str| {
        format!(
            "Conditions: {{C: !Equals [!Ref AWS::Region, a]}}\nResources:\n  F: {{Type: AWS::Lambda::Function{function}}}\n  Q: {{Type: AWS::SQS::Queue}}\n  M: {{Type: AWS::Lambda::EventSourceMapping, Condition: C, Properties: {{FunctionName: !Ref F, EventSourceArn: !GetAtt Q.Arn}}}}\n{more}"
        )
    };
    let read = |function_is: &str, more: &str| {
        let reading = of(&[&text(function_is, more)]);
        let function = function(&reading, "F");
        (function.synchronous, function.mappings.len())
    };
    assert_eq!(read("", ""), (true, 1));
    assert_eq!(read(", Condition: C", ""), (false, 1), "they come and go together");
    let rule = "  R: {Type: AWS::Events::Rule, Properties: {Targets: [{Arn: !GetAtt F.Arn}]}}\n";
    assert_eq!(read("", rule), (false, 1));
}

#[test]
fn of_asynchronous_settings_that_may_be_missing_the_dearer_count() {
    let retries = |condition: &str, more: &str| {
        let text = format!(
            "Conditions: {{C: !Equals [!Ref AWS::Region, a]}}\nResources:\n  F: {{Type: AWS::Lambda::Function}}\n  I: {{Type: AWS::Lambda::EventInvokeConfig{condition}, Properties: {{FunctionName: !Ref F, Qualifier: live, MaximumRetryAttempts: 0}}}}\n{more}"
        );
        function(&of(&[&text]), "F").asynchronous.unwrap().max_retries
    };
    assert_eq!((retries("", ""), retries(", Condition: C", "")), (0, 2));
    let other = "  J: {Type: AWS::Lambda::EventInvokeConfig, Properties: {FunctionName: !Ref F, Qualifier: $LATEST, MaximumRetryAttempts: 1}}\n";
    assert_eq!(retries("", other), 1);
}
