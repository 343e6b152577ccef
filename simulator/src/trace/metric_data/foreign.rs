//! Metrics of services that stand around a function: none of them counts its invocations.

/// Services and what they measure, as far as no metric of Lambda has the same name ("AWS services that publish
/// CloudWatch metrics" and the pages that it names, read 2026-11).
const METRICS: [(&str, &[&str]); 14] = [
    (
        "SQS",
        &[
            "ApproximateAgeOfOldestMessage",
            "ApproximateNumberOfMessagesDelayed",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesVisible",
            "ApproximateNumberOfGroupsWithInflightMessages",
            "NumberOfEmptyReceives",
            "NumberOfMessagesDeleted",
            "NumberOfMessagesReceived",
            "NumberOfMessagesSent",
            "NumberOfDeduplicatedSentMessages",
            "SentMessageSize",
        ],
    ),
    (
        "API Gateway",
        &[
            "Count",
            "4XXError",
            "5XXError",
            "4xx",
            "5xx",
            "Latency",
            "IntegrationLatency",
            "CacheHitCount",
            "CacheMissCount",
            "DataProcessed",
            "ConnectCount",
            "MessageCount",
            "IntegrationError",
            "ClientError",
            "ExecutionError",
        ],
    ),
    (
        "Elastic Load Balancing",
        &[
            "RequestCount",
            "RequestCountPerTarget",
            "LambdaInternalError",
            "LambdaTargetProcessedBytes",
            "LambdaUserError",
            "TargetResponseTime",
            "HTTPCode_ELB_4XX_Count",
            "HTTPCode_ELB_5XX_Count",
            "HTTPCode_Target_2XX_Count",
            "HTTPCode_Target_4XX_Count",
            "HTTPCode_Target_5XX_Count",
            "ActiveConnectionCount",
            "NewConnectionCount",
            "RejectedConnectionCount",
            "ProcessedBytes",
            "ConsumedLCUs",
        ],
    ),
    (
        "CloudFront",
        &[
            "Requests",
            "BytesDownloaded",
            "BytesUploaded",
            "4xxErrorRate",
            "5xxErrorRate",
            "TotalErrorRate",
            "CacheHitRate",
            "OriginLatency",
            "FunctionInvocations",
            "FunctionComputeUtilization",
        ],
    ),
    ("WAF", &["AllowedRequests", "BlockedRequests", "CountedRequests", "PassedRequests", "CaptchaRequests"]),
    (
        "SNS",
        &[
            "NumberOfMessagesPublished",
            "NumberOfNotificationsDelivered",
            "NumberOfNotificationsFailed",
            "PublishSize",
        ],
    ),
    (
        "EventBridge",
        &[
            "MatchedEvents",
            "TriggeredRules",
            "FailedInvocations",
            "ThrottledRules",
            "DeadLetterInvocations",
            "InvocationsSentToDlq",
            "InvocationAttempts",
            "InvocationsCreated",
            "SuccessfulInvocationAttempts",
            "PutEventsRequestSize",
            "TargetErrorCount",
            "InvocationAttemptCount",
        ],
    ),
    (
        "Kinesis",
        &[
            "IncomingRecords",
            "IncomingBytes",
            "GetRecords.Records",
            "GetRecords.IteratorAgeMilliseconds",
            "GetRecords.Success",
            "PutRecord.Success",
            "PutRecords.Records",
            "DeliveryToS3.Records",
        ],
    ),
    (
        "DynamoDB",
        &[
            "ConsumedReadCapacityUnits",
            "ConsumedWriteCapacityUnits",
            "SuccessfulRequestLatency",
            "ThrottledRequests",
            "ReturnedItemCount",
            "UserErrors",
            "SystemErrors",
        ],
    ),
    (
        "Step Functions",
        &[
            "ExecutionsStarted",
            "ExecutionsSucceeded",
            "ExecutionsFailed",
            "ExecutionTime",
            "LambdaFunctionsScheduled",
            "LambdaFunctionsStarted",
            "LambdaFunctionsSucceeded",
        ],
    ),
    (
        "S3",
        &[
            "AllRequests",
            "GetRequests",
            "PutRequests",
            "NumberOfObjects",
            "BucketSizeBytes",
            "FirstByteLatency",
        ],
    ),
    ("CloudWatch Logs", &["IncomingLogEvents", "ForwardedLogEvents", "CallCount", "ErrorCount"]),
    ("AppSync", &["4XXError", "5XXError", "TokensConsumed", "ConnectSuccess", "PublishDataMessageSuccess"]),
    ("EC2 or RDS", &["CPUUtilization", "NetworkIn", "NetworkOut", "DatabaseConnections", "FreeableMemory"]),
];

/// The meaning of a label's word for another service; `None` if it has none.
pub(super) fn of_word(word: &str) -> Option<String> {
    if let Some(namespace) = word.strip_prefix("AWS/")
        && namespace != "Lambda"
    {
        return Some(format!("{word:?} is a namespace of another service"));
    }
    let service = METRICS.iter().find(|(_, names)| names.contains(&word)).map(|(service, _)| service)?;
    Some(format!("{word} is a metric of {service}"))
}

/// Whether a label that stands alone is a metric's name and no function's: words in capitals without anything between.
pub(super) fn is_like_metric(label: &str) -> bool {
    let capitals = label.chars().filter(char::is_ascii_uppercase).count();
    label.starts_with(|c: char| c.is_ascii_uppercase())
        && label.chars().all(|c| c.is_ascii_alphabetic())
        && capitals >= 2
        && capitals < label.len()
}
