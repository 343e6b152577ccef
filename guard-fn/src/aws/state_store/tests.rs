//! The store against a table that answers over HTTP in the process: what is written, what is read back, and what is
//! left when any of it goes wrong.

mod faults;
mod sizes;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use guard_core::inventory::Function;
use guard_core::ledger::{BudgetLedger, FunctionLedger, Posted};
use guard_core::money::Usd;
use guard_core::time::{Hour, Minute};

use super::fake::{Fake, Fault};
use super::*;
use crate::aws::in_process;
use crate::memory::KnownPolicy;
use crate::ports::Granted;

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 2, 12, 0, 0).unwrap()
}

/// A guard of its own process on a table.
fn store(fake: &Fake) -> DynamoStore {
    let fake = fake.clone();
    let config = in_process::config(move |request| fake.answer(request));
    DynamoStore::new(&config, Calls::default(), "guard".to_owned(), "dow-guard", Region::new("eu-central-1"))
}

fn name(number: usize) -> FunctionName {
    FunctionName::new(format!("service-{}-handler-{number}", number % 37))
}

/// A number that looks random and is not.
fn noise(seed: usize) -> u64 {
    let mixed = (seed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33
}

/// Hours of history where its size does not matter.
const SHORT_H: usize = 30;

/// So many hours of history: of ten functions three are busy, four run now and then, three never.
fn ledger(number: usize, hours: usize) -> FunctionLedger {
    let mut ledger = FunctionLedger::new(name(number));
    let now = Hour::of(noon());
    for back in 1..=hours {
        let random = noise(number * 1000 + back);
        let (amount, busy) = match number % 10 {
            0..3 => (20_000 + random % 9_000, 3 + random % 20),
            3..7 if random.is_multiple_of(8) => (random % 400, 1),
            _ => (0, 0),
        };
        let hour = now.plus(-i64::try_from(back).unwrap());
        ledger.profile.record(
            hour,
            Usd::from_picos(i128::from(amount) * 1_000_000),
            u32::try_from(busy).unwrap(),
        );
    }
    ledger.profile.refresh();
    ledger.settled_through = Some(now.plus(-1));
    ledger
}

fn function(number: usize) -> Function {
    let mut function = Function::new(name(number).as_str(), 512, 30);
    function.arn = Some(format!("arn:aws:lambda:eu-central-1:123456789012:function:{}", name(number)));
    function.tags.insert("team".to_owned(), format!("team-{}", number % 9));
    function.last_modified = Some(noon() - TimeDelta::hours(i64::try_from(number % 9000).unwrap()));
    function
}

/// A memory of so many functions and budgets.
fn memory(functions: usize, budgets: usize) -> Memory {
    memory_of(functions, budgets, SHORT_H)
}

/// The same with so many hours of history.
fn memory_of(functions: usize, budgets: usize, hours: usize) -> Memory {
    let mut memory = Memory::new(Region::new("eu-central-1"));
    memory.state.functions = (0..functions).map(|number| ledger(number, hours)).collect();
    memory.state.functions.sort_by(|a, b| a.name.cmp(&b.name));
    let all = (0..functions).map(function).collect();
    let account = memory.survey.inventory.account;
    memory.survey.inventory = guard_core::inventory::Inventory::new("eu-central-1", account, all);
    memory.survey.listed_at = Some(noon());
    memory.survey.read_at = (0..functions).map(|number| (name(number), noon())).collect();
    for number in 0..budgets {
        let mut book = BudgetLedger::new(noon(), noon() + TimeDelta::days(30));
        book.profile = ledger(number, hours).profile;
        book.spent = guard_core::money::UsdRange::exact(Usd::from_dollars(i64::try_from(number).unwrap()));
        memory.state.budgets.insert(guard_core::name::BudgetName::new(format!("tag:{}", name(number))), book);
    }
    memory.policy = Some(KnownPolicy { text: "armed = true".to_owned(), since: noon() });
    memory
}

fn none() -> BTreeSet<FunctionName> {
    BTreeSet::new()
}

/// Puts something into a ledger, as a look does.
fn post(memory: &mut Memory, number: usize) -> BTreeSet<FunctionName> {
    let ledger = memory.state.functions.iter_mut().find(|ledger| ledger.name == name(number)).unwrap();
    let next = ledger.minutes.back().map_or(Minute::of(noon()), |(minute, _)| minute.plus(1));
    ledger.minutes.push_back((next, Posted::default()));
    BTreeSet::from([name(number)])
}

#[tokio::test]
async fn what_one_process_saved_another_loads_and_goes_on_from() {
    for (functions, budgets) in [(0, 0), (1, 1), (50, 3), (700, 40)] {
        let fake = Fake::default();
        let mut saved = memory(functions, budgets);
        store(&fake).save(&mut saved, &none()).await.unwrap();
        assert_eq!(saved.state.revision, 1);
        let other = store(&fake);
        let mut loaded = other.load().await.unwrap();
        assert_eq!(loaded, saved, "{functions} functions, {budgets} budgets");
        let touched = if functions > 0 { post(&mut loaded, 0) } else { none() };
        other.save(&mut loaded, &touched).await.unwrap();
        assert_eq!(store(&fake).load().await.unwrap(), loaded);
    }
}

#[tokio::test]
async fn where_nothing_was_saved_the_memory_is_new() {
    let new = Memory::new(Region::new("eu-central-1"));
    assert_eq!(store(&Fake::default()).overview().await.unwrap(), new.clone().into());
    assert_eq!(store(&Fake::default()).load().await.unwrap(), new);
}

#[tokio::test]
async fn what_is_not_of_single_functions_is_read_with_two_calls_however_many_functions_there_are() {
    for (functions, budgets) in [(0, 0), (50, 3), (700, 40)] {
        let fake = Fake::default();
        let mut saved = memory(functions, budgets);
        store(&fake).save(&mut saved, &none()).await.unwrap();
        fake.take_counts();
        let overview = store(&fake).overview().await.unwrap();
        assert_eq!(overview.functions, functions);
        assert_eq!(overview, saved.into());
        let (calls, ..) = fake.take_counts();
        assert_eq!(calls, BTreeMap::from([("GetItem".to_owned(), 1), ("Query".to_owned(), 1)]));
    }
}

#[tokio::test]
async fn a_save_writes_the_head_and_what_changed_and_nothing_else() {
    let fake = Fake::default();
    let store = store(&fake);
    let mut memory = memory(700, 1);
    store.save(&mut memory, &none()).await.unwrap();
    fake.take_counts();
    memory.state.last_tick = Some(noon());
    store.save(&mut memory, &none()).await.unwrap();
    let (calls, ..) = fake.take_counts();
    assert_eq!(calls, [("PutItem".to_owned(), 1)].into());
    let before: BTreeSet<String> = fake.keys().into_iter().collect();
    let touched = post(&mut memory, 7);
    store.save(&mut memory, &touched).await.unwrap();
    let new: Vec<String> = fake.keys().into_iter().filter(|key| !before.contains(key)).collect();
    assert!(matches!(new.as_slice(), [only] if only.starts_with("S#F#")), "{new:?}");
    assert_eq!(super::tests::store(&fake).load().await.unwrap(), memory);
}

#[tokio::test]
async fn a_function_that_comes_or_goes_changes_its_bucket_whether_or_not_it_is_named() {
    let fake = Fake::default();
    let store = store(&fake);
    let mut memory = memory(60, 0);
    store.save(&mut memory, &none()).await.unwrap();
    memory.state.functions.retain(|ledger| ledger.name != name(3));
    memory.survey.inventory.functions.retain(|function| function.name != name(3));
    memory.survey.read_at.remove(&name(3));
    store.save(&mut memory, &none()).await.unwrap();
    assert_eq!(super::tests::store(&fake).load().await.unwrap(), memory);
    memory.state.functions.push(FunctionLedger::new("zzz".into()));
    store.save(&mut memory, &none()).await.unwrap();
    assert_eq!(super::tests::store(&fake).load().await.unwrap(), memory);
    // All of them gone, and a multitude come: the number of buckets changes.
    for functions in [0, 600] {
        let revision = memory.state.revision;
        memory = super::tests::memory(functions, 0);
        memory.state.revision = revision;
        store.save(&mut memory, &none()).await.unwrap();
        assert_eq!(super::tests::store(&fake).load().await.unwrap(), memory);
    }
}

#[tokio::test]
async fn a_survey_or_a_policy_that_changed_is_found_without_being_told() {
    let fake = Fake::default();
    let store = store(&fake);
    let mut memory = memory(60, 2);
    store.save(&mut memory, &none()).await.unwrap();
    memory.survey.inventory.functions[5].reserved = Some(0);
    memory.survey.read_at.insert(name(9), noon() + TimeDelta::hours(1));
    memory.policy.as_mut().unwrap().text.push('#');
    memory.state.budgets.values_mut().next().unwrap().profile = ledger(99, SHORT_H).profile;
    store.save(&mut memory, &none()).await.unwrap();
    assert_eq!(super::tests::store(&fake).load().await.unwrap(), memory);
    memory.policy = None;
    store.save(&mut memory, &none()).await.unwrap();
    assert_eq!(super::tests::store(&fake).load().await.unwrap(), memory);
}

#[tokio::test]
async fn replaced_segments_go_with_the_next_batch() {
    let fake = Fake::default();
    let store = store(&fake);
    let mut memory = memory(60, 1);
    store.save(&mut memory, &none()).await.unwrap();
    let first = fake.keys().len();
    for _ in 0..20 {
        let touched = post(&mut memory, 7);
        store.save(&mut memory, &touched).await.unwrap();
    }
    assert!(fake.keys().len() <= first + 1, "{:?}", fake.keys());
    let (calls, ..) = fake.take_counts();
    assert_eq!(calls["PutItem"], 21);
}

#[tokio::test]
async fn two_guards_of_other_names_share_a_table_without_touching_each_other() {
    let fake = Fake::default();
    let named = |name: &str| {
        let fake = fake.clone();
        let config = in_process::config(move |request| fake.answer(request));
        DynamoStore::new(&config, Calls::default(), "guard".to_owned(), name, Region::new("eu-central-1"))
    };
    // The second's name looks like a shard of the first's.
    let (mut one, mut other) = (memory(900, 0), memory(3, 1));
    named("a").save(&mut one, &none()).await.unwrap();
    named("a#1").save(&mut other, &none()).await.unwrap();
    for _ in 0..2 {
        let (a, b) = (named("a"), named("a#1"));
        let (mut first, mut second) = (a.load().await.unwrap(), b.load().await.unwrap());
        assert_eq!((&first, &second), (&one, &other));
        let touched = post(&mut first, 1);
        a.save(&mut first, &touched).await.unwrap();
        let touched = post(&mut second, 1);
        b.save(&mut second, &touched).await.unwrap();
        (one, other) = (first, second);
    }
}

#[tokio::test]
async fn a_self_test_proves_four_permissions_and_leaves_no_trace() {
    let fake = Fake::default();
    let store = store(&fake);
    let proofs = store.prove().await;
    let actions: Vec<&str> = proofs.iter().map(|proof| proof.action.as_str()).collect();
    assert_eq!(
        actions,
        ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:BatchWriteItem"]
    );
    assert!(proofs.iter().all(|proof| proof.granted == Granted::Yes), "{proofs:?}");
    assert!(fake.keys().is_empty());
}
