//! Who invokes a function of a template, by which name, and through what.

use super::*;

/// A function that a queue with a dead-letter queue and at most two at a time invokes, and more resources.
fn polled(more: &str) -> Function {
    let text = format!(
        "Resources:\n  F: {{Type: AWS::Lambda::Function, Properties: {{FunctionName: !Sub '${{AWS::StackName}}-resize', Timeout: 30}}}}\n  Q: {{Type: AWS::SQS::Queue, Properties: {{RedrivePolicy: {{maxReceiveCount: 3}}}}}}\n  M: {{Type: AWS::Lambda::EventSourceMapping, Properties: {{FunctionName: !Ref F, EventSourceArn: !GetAtt Q.Arn}}}}\n  V: {{Type: AWS::Lambda::Version, Properties: {{FunctionName: !GetAtt F.Arn}}}}\n  Live: {{Type: AWS::Lambda::Alias, Properties: {{FunctionName: !Ref F, FunctionVersion: !GetAtt V.Version, Name: live}}}}\n  Next: {{Type: AWS::Lambda::Alias, Properties: {{FunctionName: !Sub '${{AWS::StackName}}-resize', Name: next}}}}\n{more}"
    );
    let reading = of(&[&text]);
    assert_eq!(reading.inventory.functions.len(), 1);
    function(&reading, "F").clone()
}

#[test]
fn whoever_refers_to_an_alias_or_version_calls_the_function() {
    assert!(!polled("").synchronous);
    for target in [
        "!Ref Live",
        "!Ref V",
        "!Ref Next",
        "!Sub '${Live}'",
        "!Sub '${F}:live'",
        "!Sub '${F.Arn}:live'",
        "!Join [':', [!GetAtt F.Arn, live]]",
        "!Sub 'arn:aws:lambda:eu-west-1:111122223333:function:${AWS::StackName}-resize:live'",
        "!Join ['', ['arn:aws:lambda:eu-west-1:1:function:', !Ref AWS::StackName, '-resize']]",
    ] {
        let url = format!("  U: {{Type: AWS::Lambda::Url, Properties: {{TargetFunctionArn: {target}}}}}\n");
        assert!(polled(&url).synchronous, "{target}");
        let uri = format!(
            "  A: {{Type: AWS::ApiGateway::Method, Properties: {{Integration: {{Uri: {target}}}}}}}\n"
        );
        assert!(polled(&uri).synchronous, "{target}");
        let rule = format!(
            "  R: {{Type: AWS::SNS::Subscription, Properties: {{Endpoint: {target}, Protocol: lambda}}}}\n"
        );
        let function = polled(&rule);
        assert!(function.asynchronous.is_some() && !function.synchronous, "{target}");
        let permission = format!(
            "  P: {{Type: AWS::Lambda::Permission, Properties: {{FunctionName: {target}, Principal: !Sub 's3.${{AWS::URLSuffix}}'}}}}\n"
        );
        assert!(polled(&permission).asynchronous.is_some(), "{target}");
        let more = format!(
            "  N: {{Type: AWS::Lambda::EventSourceMapping, Properties: {{FunctionName: {target}, EventSourceArn: !GetAtt Q.Arn}}}}\n"
        );
        assert_eq!(polled(&more).mappings.len(), 2, "{target}");
        let settings = format!(
            "  I: {{Type: AWS::Lambda::EventInvokeConfig, Properties: {{FunctionName: {target}, Qualifier: live, MaximumRetryAttempts: 1}}}}\n"
        );
        assert_eq!(polled(&settings).asynchronous.unwrap().max_retries, 1, "{target}");
    }
    let own = "  U: {Type: AWS::Lambda::Url, Properties: {TargetFunctionArn: !Sub '${AWS::StackName}-resize', Qualifier: live}}\n";
    assert!(polled(own).synchronous);
    let stranger = "  U: {Type: AWS::Lambda::Url, Properties: {TargetFunctionArn: 'arn:aws:lambda:eu-west-1:1:function:other'}}\n";
    assert!(!polled(stranger).synchronous);
}

#[test]
fn an_alias_that_sam_publishes_is_its_function() {
    let text = |target: &str| {
        format!(
            "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      AutoPublishAlias: live\n      Events: {{N: {{Type: Schedule, Properties: {{Schedule: rate(1 day)}}}}}}\n  A: {{Type: AWS::ApiGatewayV2::Integration, Properties: {{IntegrationUri: {target}}}}}\n"
        )
    };
    for target in ["!Ref F.Alias", "!Ref F.Version", "!Ref FAliaslive", "!Sub '${FAliaslive}'"] {
        assert!(function(&of(&[&text(target)]), "F").synchronous, "{target}");
    }
    assert!(!function(&of(&[&text("!Ref FRole")]), "F").synchronous);
    let circle = "Resources:\n  F: {Type: AWS::Lambda::Function}\n  A: {Type: AWS::Lambda::Alias, Properties: {FunctionName: !Ref B}}\n  B: {Type: AWS::Lambda::Alias, Properties: {FunctionName: !Ref A}}\n  U: {Type: AWS::Lambda::Url, Properties: {TargetFunctionArn: !Ref A}}\n";
    assert_eq!(of(&[circle]).inventory.functions.len(), 1);
}

#[test]
fn equal_logical_ids_of_two_templates_are_two_functions() {
    let one = |more: &str| {
        format!(
            "Resources:\n  F: {{Type: AWS::Lambda::Function, Properties: {{ReservedConcurrentExecutions: 30{more}}}}}\n"
        )
    };
    let read = |texts: [(&str, &str); 2]| {
        let options = Options::default();
        let mut reader = Reader::new(&options);
        for (file, text) in texts {
            reader.add(file, text).unwrap();
        }
        reader.finish().unwrap()
    };
    let (plain, named) = (one(""), one(", FunctionName: f"));
    let two = read([("a/t.yaml", &plain), ("b/t.yaml", &one(", Timeout: 7"))]);
    assert_eq!((two.inventory.functions.len(), two.inventory.reserved_total()), (2, 60));
    assert_eq!(function(&two, "F (b/t.yaml)").timeout_s, 7);
    assert!(is_warned(&two, &["b/t.yaml", "F is in a file before too"]));
    assert_eq!(
        read([("a/t.yaml", &plain), ("a/t.yaml", &plain)]).inventory.functions.len(),
        1,
        "the same file"
    );
    assert_eq!(
        read([("a/t.yaml", &named), ("b/t.yaml", &named)]).inventory.functions.len(),
        1,
        "names are of the account"
    );
    let mixed = one(", FunctionName: F");
    for texts in [[("a", mixed.as_str()), ("b", &plain)], [("a", &plain), ("b", mixed.as_str())]] {
        assert_eq!(read(texts).inventory.functions.len(), 2);
    }
}

#[test]
fn a_subscription_through_a_queue_that_is_named_counts_that_queue() {
    let text = |subscription: &str| {
        format!(
            "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Events: {{N: {{Type: SNS, Properties: {{Topic: !Ref T, SqsSubscription: {subscription}}}}}}}\n  T: {{Type: AWS::SNS::Topic}}\n  Q: {{Type: AWS::SQS::Queue, Properties: {{QueueName: inbox, MessageRetentionPeriod: 600, RedrivePolicy: {{maxReceiveCount: 2}}}}}}\n"
        )
    };
    for named in [
        "{QueueArn: !GetAtt Q.Arn, QueueUrl: !Ref Q, BatchSize: 4}",
        "{QueueUrl: !Ref Q, BatchSize: 4}",
        "{QueueArn: !Sub 'arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:inbox', BatchSize: '4'}",
    ] {
        let reading = of(&[&text(named)]);
        let mapping = &function(&reading, "F").mappings[0];
        let source = EventSource::Sqs {
            max_concurrency: None,
            provisioned_pollers: false,
            max_receive_count: Some(2),
            retention_s: 600,
        };
        assert_eq!((mapping.batch_size, &mapping.source), (4, &source), "{named}");
        assert!(!is_warned(&reading, &["SAM makes"]));
    }
    let made = of(&[&text("true")]);
    assert!(
        is_warned(&made, &["SqsSubscription", "SAM makes"])
            && !function(&made, "F").mappings[0].has_dead_letter()
    );
    assert!(function(&of(&[&text("'false'")]), "F").mappings.is_empty());
    let elsewhere = of(&[&text("{QueueArn: 'arn:aws:sqs:eu-west-1:1:other'}")]);
    assert!(elsewhere.unknown_dead_letter.contains("F"));
}

#[test]
fn the_service_of_an_arn_is_found_however_the_arn_is_put_together() {
    for (arn, is_queue) in [
        ("!Sub 'arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:jobs'", true),
        ("!Join [':', [arn, !Ref AWS::Partition, sqs, !Ref AWS::Region, !Ref AWS::AccountId, jobs]]", true),
        ("!Join ['', ['arn:', !Ref 'AWS::Partition', ':sqs:', !Ref 'AWS::Region', ':1:jobs']]", true),
        ("!Sub ['arn:${P}:sqs:${R}:1:jobs', {P: !Ref AWS::Partition, R: !Ref AWS::Region}]", true),
        ("'arn:aws-cn:sqs:cn-north-1:111122223333:jobs'", true),
        ("'arn:aws-us-gov:kinesis:us-gov-west-1:111122223333:stream/jobs'", false),
        ("!Sub 'arn:${AWS::Partition}:kinesis:${AWS::Region}:1:stream/jobs'", false),
        ("!Sub 'arn:${AWS::Partition}:dynamodb:${AWS::Region}:1:table/jobs/stream/1'", false),
    ] {
        let text = format!(
            "Resources:\n  F: {{Type: AWS::Lambda::Function}}\n  M: {{Type: AWS::Lambda::EventSourceMapping, Properties: {{FunctionName: !Ref F, EventSourceArn: {arn}}}}}\n"
        );
        let reading = of(&[&text]);
        let mappings = &function(&reading, "F").mappings;
        assert_eq!(mappings.len(), 1, "{arn}");
        assert_eq!(matches!(mappings[0].source, EventSource::Sqs { .. }), is_queue, "{arn}");
    }
}

/// What connectors make of a function: whether it is called, gets events, and how many mappings it has.
fn connected(resources: &str) -> (bool, bool, usize) {
    let text = format!("Resources:\n  F: {{Type: AWS::Serverless::Function}}\n{resources}");
    let function = function(&of(&[&text]), "F").clone();
    (function.synchronous, function.asynchronous.is_some(), function.mappings.len())
}

#[test]
fn a_connector_hands_over_what_its_source_does() {
    let within = |kind: &str| {
        connected(&format!(
            "  S:\n    Type: {kind}\n    Connectors:\n      C: {{Properties: {{Destination: {{Id: F}}, Permissions: [Write]}}}}\n"
        ))
    };
    for kind in ["AWS::SNS::Topic", "AWS::S3::Bucket", "AWS::Events::Rule"] {
        assert_eq!(within(kind), (false, true, 0), "{kind}");
    }
    for kind in ["AWS::Serverless::Api", "AWS::StepFunctions::StateMachine", "AWS::Serverless::Function"] {
        let (is_called, ..) = within(kind);
        assert!(is_called, "{kind}");
    }
    assert_eq!(within("AWS::SQS::Queue"), (false, false, 1));
    let alone = |source: &str, destination: &str| {
        connected(&format!(
            "  S: {{Type: AWS::S3::Bucket}}\n  C: {{Type: AWS::Serverless::Connector, Properties: {{Source: {source}, Destination: {destination}, Permissions: [Write]}}}}\n"
        ))
    };
    assert_eq!(alone("{Id: S}", "{Id: F}"), (false, true, 0));
    assert_eq!(alone("{Id: S}", "[{Id: S}, {Id: F}]"), (false, true, 0));
    assert_eq!(
        alone(
            "{Type: AWS::SNS::Topic, Arn: 'arn:aws:sns:a:1:t'}",
            "{Type: AWS::Lambda::Function, Arn: !GetAtt F.Arn}"
        ),
        (false, true, 0)
    );
    assert_eq!(alone("{Id: F}", "{Id: S}"), (true, false, 0), "a source is not called");
    let both = "  Q:\n    Type: AWS::SQS::Queue\n    Connectors: {C: {Properties: {Destination: [{Id: F}], Permissions: [Read, Write]}}}\n  M: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: !Ref F, EventSourceArn: !GetAtt Q.Arn}}\n";
    assert_eq!(connected(both), (false, false, 1), "the mapping and its permission are one way");
}
