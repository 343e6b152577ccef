use proptest::prelude::*;

use super::*;

const HEADER: &str = "function,trigger,memory_mb,mean_ms,longest_ms";

fn parsed(text: &str) -> Result<Trace, String> {
    let input = Input::from_bytes("t.csv", text.as_bytes()).map_err(|error| error.to_string())?;
    read(&input).map_err(|error| error.to_string())
}

fn written(trace: &Trace) -> String {
    let mut bytes = Vec::new();
    write(trace, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn an_empty_cell_is_unknown_and_a_zero_is_zero() {
    let text = format!(
        "{HEADER},2026-11-02T00:00:00Z,2026-11-02T00:01:00Z,2026-11-02T00:02:00Z\n\"a, b\",queue,131.5,42.007,900,12,,0\n"
    );
    let trace = parsed(&text).unwrap();
    let function = &trace.functions[0];
    assert_eq!(function.invocations, [Some(12), None, Some(0)]);
    assert_eq!((function.id.as_str(), function.trigger), ("a, b", Trigger::Queue));
    assert_eq!(
        (function.peak_memory_milli_mb, function.mean_us, function.longest_us),
        (131_500, 42_007, 900_000)
    );
    assert_eq!(trace.first.start().to_rfc3339(), "2026-11-02T00:00:00+00:00");
    assert_eq!(written(&trace), text);
}

#[test]
fn a_fault_of_the_table_names_line_and_column() {
    let error = |text: &str| parsed(text).unwrap_err();
    let minutes = "2026-11-02T00:00:00Z,2026-11-02T00:01:00Z";
    let row = |cells: &str| error(&format!("{HEADER},{minutes}\n{cells}\n"));
    assert_eq!(
        row("f,http,1,2,3,4,many"),
        "t.csv:2:7 (column \"2026-11-02T00:01:00Z\"): \"many\" is not a count (a whole number from 0 to 10^12)"
    );
    assert_eq!(
        row("f,http,1,2,1.999,4,5"),
        "t.csv:2:5 (column \"longest_ms\"): the longest run is shorter than the mean"
    );
    assert_eq!(row("f,http,,2,3,4,5"), "t.csv:2:3 (column \"memory_mb\"): the cell is empty");
    assert!(row("f,fax,1,2,3,4,5").starts_with("t.csv:2:2 (column \"trigger\"): unknown trigger"));
    assert_eq!(
        row("f,http,1,2,3,4,5\nf,http,1,2,3,4,5"),
        "t.csv:3:1 (column \"function\"): f is on line 2 already"
    );
    assert_eq!(error(&format!("{HEADER},{minutes}\n")), "t.csv:2: the file has a header and no functions");
    assert_eq!(error(&format!("{HEADER}\n")), "t.csv:1: the header has no minutes (2026-11-02T00:00:00Z …)");
    assert_eq!(
        error(&format!("{HEADER},2026-11-02T00:00:00Z,2026-11-02T00:02:00Z\n")),
        "t.csv:1:7 (column \"2026-11-02T00:02:00Z\"): expected the minute 2026-11-02T00:01:00Z here"
    );
    assert_eq!(
        error(&format!("{HEADER},2026-11-02T00:00:01Z\n")),
        "t.csv:1:6 (column \"2026-11-02T00:00:01Z\"): a column is a minute such as 2026-11-02T00:00:00Z, or has a known \
         name"
    );
}

fn any_function(minutes: usize) -> impl Strategy<Value = TraceFunction> {
    let counts = proptest::collection::vec(proptest::option::of(0..=1_000_000_000_000_u64), minutes);
    let sizes = (0..1_000_000_000_u64, 0..1_000_000_000_u64, 0..20_000_000_u64);
    (0..7_usize, counts, sizes).prop_map(|(trigger, invocations, (mean_us, more_us, memory))| {
        use Trigger::{Event, Http, Orchestration, Others, Queue, Storage, Timer};
        TraceFunction {
            id: String::new(),
            trigger: [Http, Queue, Event, Storage, Orchestration, Timer, Others][trigger],
            invocations,
            mean_us,
            longest_us: mean_us + more_us,
            peak_memory_milli_mb: memory,
        }
    })
}

prop_compose! {
    /// A trace with names that CSV has to quote.
    pub(in crate::trace) fn any_trace()(minutes in 1..6_usize)(
        functions in proptest::collection::vec((any_function(minutes), "[ -~é]{0,8}"), 1..5),
        first in -30_000_000..60_000_000_i64,
        minutes in Just(minutes),
    ) -> Trace {
        let functions = functions.into_iter().enumerate().map(|(index, (function, name))| {
            // Cells are read without the blanks around them.
            TraceFunction { id: format!("{index}{name}").trim().to_owned(), ..function }
        });
        let (title, first) = ("t.csv".to_owned(), Minute(first));
        Trace { title, first, minutes, functions: functions.collect(), remarks: Vec::new() }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_exactly(trace in any_trace()) {
        prop_assert_eq!(parsed(&written(&trace)), Ok(trace));
    }
}
