//! What the AWS CLI prints, as shells and people save it.

use super::*;

#[test]
fn a_file_as_powershell_saves_it_is_the_same_inventory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.json");
    let marked = format!("\u{feff}{LIST}");
    let little: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = marked.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [marked.into_bytes(), little, big] {
        std::fs::write(&path, bytes).unwrap();
        let reading = read(&[&path], &Options::default()).unwrap();
        assert_eq!(reading.inventory, of(&[LIST]).inventory);
    }
}

/// One function as `get-function-configuration` prints it.
const ONE: &str = "{\"FunctionName\": \"resize\", \"FunctionArn\": \"arn:aws:lambda:sa-east-1:111122223333:function:resize:live\", \"Timeout\": 45, \"MemorySize\": 1769, \"Version\": \"7\", \"Architectures\": [\"x86_64\"]}";

#[test]
fn the_configuration_of_one_function_is_an_inventory() {
    let reading = of(&[ONE]);
    let one = function(&reading, "resize");
    assert_eq!((one.memory_mb, one.timeout_s, reading.inventory.region.as_str()), (1769, 45, "sa-east-1"));
    assert_eq!(one.arn.as_deref(), Some("arn:aws:lambda:sa-east-1:111122223333:function:resize"));
    assert!(is_warned(&reading, &["reserved concurrency", "1 of 1"]));
    let yaml = "FunctionName: resize\nMemorySize: 1769\nTimeout: 45\nFunctionArn: arn:aws:lambda:sa-east-1:111122223333:function:resize\n";
    assert_eq!(of(&[yaml]).inventory.functions, reading.inventory.functions, "--output yaml");
    let whole = "{\"Configuration\": ONE, \"Concurrency\": {\"ReservedConcurrentExecutions\": 7}}"
        .replace("ONE", ONE);
    assert_eq!(function(&of(&[&whole]), "resize").reserved, Some(7));
}

#[test]
fn a_list_that_query_cut_out_is_read_item_by_item() {
    let other = ONE.replace("resize", "mail");
    let reading = of(&[&format!("[{ONE}, {other}]")]);
    assert_eq!(reading.inventory.functions.len(), 2);
    assert!(error("[]").contains("neither"));
    assert!(error(&format!("[{ONE}, 5]")).contains("neither"));
}

#[test]
fn one_mapping_and_one_set_of_asynchronous_settings_are_read() {
    let mapping = "{\"UUID\": \"u-1\", \"BatchSize\": 5, \"EventSourceArn\": \"arn:aws:sqs:sa-east-1:111122223333:jobs\", \"FunctionArn\": \"arn:aws:lambda:sa-east-1:111122223333:function:resize:live\", \"State\": \"Enabled\"}";
    let settings = "{\"FunctionArn\": \"arn:aws:lambda:sa-east-1:111122223333:function:resize:$LATEST\", \"MaximumRetryAttempts\": 0}";
    let reading = of(&[ONE, mapping, settings]);
    let one = function(&reading, "resize");
    assert_eq!(one.mappings[0].batch_size, 5);
    assert_eq!(one.asynchronous.unwrap().max_retries, 0);
}

#[test]
fn a_replica_of_lambda_at_edge_is_said_to_be_one() {
    let replica = ONE.replace(
        "\"Version\"",
        "\"MasterArn\": \"arn:aws:lambda:us-east-1:111122223333:function:resize:7\", \"Version\"",
    );
    for text in [
        replica.clone(),
        format!("{{\"Functions\": [{replica}]}}"),
        format!("{{\"Configuration\": {replica}}}"),
    ] {
        assert!(is_warned(
            &of(&[&text]),
            &["resize is a replica that Lambda@Edge made", "us-east-1", "prices of its own"]
        ));
    }
    assert!(!is_warned(&of(&[ONE]), &["Lambda@Edge"]));
}
