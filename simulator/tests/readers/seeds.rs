//! What is spoiled: the files of the project, one of each format at least.

use std::fs;
use std::path::Path;

/// A count per minute of a function, in the three tables of the format together: any reader finds its columns.
const AZURE: &str = "HashOwner,HashApp,HashFunction,Trigger,Average,Maximum,AverageAllocatedMb_pct100,480,481,482\n\
                     o,a,f,http,20.5,100,130,1,2,3\no,a,g,queue,7,7.0001,77,0,5,1\n";

const REQUESTS: &str = "period,count\n1998-04-30 21:30:00,2\n1998-04-30 21:31:00,11\n1998-04-30 21:34:00,4\n";

const OWN_TABLE: &str = "function,trigger,memory_mb,mean_ms,longest_ms,2026-11-02T00:00:00Z,2026-11-02T00:01:00Z,2026-11-02T00:02:00Z\n\
     checkout,http,131.5,42.007,900,12,,3\nthumbnails,queue,128,1,1,0,0,7\n";

const COMMON_LOG: &str = "192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] \"GET /a/b/c?d HTTP/1.0\" 200 2326\n\
                          192.0.2.1 - ann [10/Oct/2000:13:57:36 -0700] \"POST http://h/x HTTP/1.1\" 304 -\n";

const POLICIES: [&str; 3] = [
    "[[budget]]\nname = \"all\"\nperiod = \"month\"\nusd = 400\nmode = \"cap\"\n",
    "armed = true\ntimezone = \"Europe/Berlin\"\n\n[timing]\ntick_s = 60\nmetric_lag_s = 180\n\n[[budget]]\n\
     name = \"a\"\nperiod = \"day\"\nusd = \"0.40\"\nmode = \"stop\"\nslack = \"2h\"\n\
     scope = { functions = \"api-*\" }\n",
    "protected = [\"login\", \"tag:a=b\"]\n\n[[companion]]\nfunctions = \"a-*\"\nlog_bytes = 3\n\n[[budget]]\n\
     name = \"n\"\nperiod = \"hour\"\ninvocations = 100000\nthresholds_percent = [50, 75]\nmode = \"cap\"\n",
];

/// Traces of every format.
pub(crate) fn traces() -> Vec<String> {
    let fixtures = [
        "get_metric_data.json",
        "combined.log",
        "alb.log",
        "cloudfront.log",
        "cloudfront_v2.jsonl",
        "api_gateway.jsonl",
        "api_gateway.csv.log",
        "api_gateway.xml.log",
        "waf.jsonl",
        "lambda.log",
        "filter_log_events.json",
        "get_metric_statistics.json",
    ];
    let mut texts: Vec<String> = fixtures.map(|name| file(&format!("tests/fixtures/{name}"))).to_vec();
    texts.extend([AZURE, REQUESTS, OWN_TABLE, COMMON_LOG].map(str::to_owned));
    texts
}

/// Templates, listings and our own inventory.
pub(crate) fn inventories() -> Vec<String> {
    let mut texts = vec![file("../infra/sam/template.yaml")];
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/inventory");
    let mut paths: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    texts.extend(paths.iter().map(|path| fs::read_to_string(path).unwrap()));
    texts
}

/// Policies: the one with every key, and small ones.
pub(crate) fn policies() -> Vec<String> {
    let mut texts = vec![file("../infra/policy/complete.toml"), file("../infra/policy/minimal.toml")];
    texts.extend(POLICIES.map(str::to_owned));
    texts
}

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}
